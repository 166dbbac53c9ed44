/**
 * Drafts of JSON Schema: editors that use Taplo read 4, Helm reads 7, validators of today 2020-12. Apart from the schema,
 * which every `zion` command would load to know these three words.
 */
export const jsonSchemaDrafts = ["4", "7", "2020-12"] as const;
export type JsonSchemaDraft = (typeof jsonSchemaDrafts)[number];

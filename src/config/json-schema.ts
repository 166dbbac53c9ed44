import { z } from "zod";
import type { JsonSchemaDraft } from "./json-schema-draft.ts";
import { keyDocs } from "./keys.ts";
import { documentSchema } from "./schema.ts";

const targets = { "4": "draft-4", "7": "draft-7", "2020-12": "draft-2020-12" } as const;

/**
 * zion.toml as JSON Schema: keys, types, ranges, defaults and what each is for. It knows less than `zion check`: not
 * what belongs together, and no format of a text.
 */
export function configJsonSchema(draft: JsonSchemaDraft): object {
  const schema = z.toJSONSchema(documentSchema, {
    target: targets[draft],
    // What the file may say, not what it means: keys with a default may be left out.
    io: "input",
    // A date is TOML's own, which JSON has not.
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const doc = keyDocs.get(zodSchema)?.doc;
      if (doc !== undefined) jsonSchema.description = doc;
      // The one kind of pre-processing there is: a text that is short for a table.
      if (zodSchema instanceof z.ZodPreprocess) {
        const table = { ...jsonSchema };
        for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
        jsonSchema.anyOf = [{ type: "string" }, table];
      }
    },
  });
  return { ...schema, title: "zion.toml", description: "Configuration of the zion edge gateway." };
}

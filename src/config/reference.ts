import { readFileSync, writeFileSync } from "node:fs";
import type { z } from "zod";
import { codes } from "./codes.ts";
import { configJsonSchema } from "./json-schema.ts";
import { type KeyDoc, keyDocs } from "./keys.ts";
import { tableSchemas, topLevelKeys } from "./schema.ts";

/**
 * Everything generated from the schema: `config/zion.toml` and its JSON Schema, `docs/operating/config.md`, `docs/operating/diagnostics.md`.
 * A test fails when one is stale; `node src/config/reference.ts --write` brings them up to date.
 */
export function generatedFiles(): readonly { readonly path: string; readonly text: string }[] {
  return [
    { path: "config/zion.toml", text: exampleToml() },
    { path: "config/zion.schema.json", text: `${JSON.stringify(configJsonSchema("4"), null, 2)}\n` },
    { path: "docs/operating/config.md", text: configReference() },
    { path: "docs/operating/diagnostics.md", text: diagnosticsReference() },
  ];
}

/** Every key at its default, with its doc. Keys without a default are commented out, but for the few a file needs. */
export function exampleToml(): string {
  const out = [
    "#:schema ./zion.schema.json",
    "# Every key of zion.toml at its default. Generated from the schema: edit src/config/schema.ts.",
    "# Keys without a default are commented out with an example; only what a file cannot do without is set.",
    "",
    ...docsOf(topLevelKeys).flatMap(({ name, doc }) => keyLines(name, doc, false)),
  ];
  for (const table of tablesOf()) {
    const off = optionalTables.has(table.header);
    out.push("", ...comment(table.doc), `${off ? "# " : ""}${exampleHeader(table.header)}`);
    for (const { name, doc } of table.docs) {
      const set = needed.has(`${table.header} ${name}`);
      out.push(...keyLines(name, set ? { ...doc, preset: doc.example } : doc, off));
    }
  }
  return `${out.join("\n")}\n`;
}

/** The header of a table with a name that the rest of the example uses. */
export function exampleHeader(header: string): string {
  if (header.startsWith("[tls.acme")) return header.replace("NAME", "staging");
  return header
    .replace("STATUS", "default")
    .replace("NAME", header.startsWith("[waf_profile") ? "default" : "app");
}

/** The tables with their documented keys. */
function tablesOf() {
  return tableSchemas.map(({ header, keys, doc }) => ({ header, doc, docs: docsOf(keys) }));
}

/** Tables whose absence means something else than their presence with defaults. */
const optionalTables: ReadonlySet<string> = new Set([
  "[[tls.sni]]",
  "[tls.acme]",
  "[tls.acme.account.NAME]",
  "[[tls.acme.certificate]]",
  "[capture]",
  "[[exclude]]",
  "[[access_log.sample]]",
  "[auth_profile.NAME]",
  "[route.cors]",
  "[error_page.STATUS]",
  "[header_profile.NAME]",
  "[route.rewrite]",
  "[route.request_headers]",
  "[route.response_headers]",
  "[route.redirect]",
  "[route.respond]",
  "[[route.split]]",
  "[route.mirror]",
  "[compression]",
  "[cache_profile.NAME]",
  "[list.NAME]",
  "[limit.NAME]",
  "[valkey]",
  "[upstream.NAME.circuit_breaker]",
  "[upstream.NAME.outlier_detection]",
  "[upstream.NAME.sticky]",
  "[ban]",
  "[admin.token.NAME]",
]);

/** Keys without a default that the example sets, so that it is a config one can run. */
const needed: ReadonlySet<string> = new Set([
  "[server] listen_http",
  "[server] listen_https",
  "[tls] cert_path",
  "[tls] key_path",
  "[upstream.NAME] url",
  "[[route]] path",
  "[[route]] upstream",
]);

interface NamedDoc {
  readonly name: string;
  readonly doc: KeyDoc;
}

/** The documented keys of a table: its own, not its sub-tables. */
function docsOf(shape: Readonly<Record<string, z.core.$ZodType>>): readonly NamedDoc[] {
  const docs: NamedDoc[] = [];
  for (const [name, schema] of Object.entries(shape)) {
    const doc = keyDocs.get(schema);
    if (doc !== undefined) docs.push({ name, doc });
  }
  return docs;
}

function keyLines(name: string, doc: KeyDoc, off: boolean): readonly string[] {
  const value = doc.preset ?? doc.example;
  if (value === undefined) return [];
  const mark = off || doc.preset === undefined ? "# " : "";
  return [...comment(`${doc.doc} (${doc.type.replaceAll(" ", "\u00A0")})`), `${mark}${name} = ${value}`];
}

function comment(text: string): readonly string[] {
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > 110) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  // No-break spaces kept the type on one line.
  return [...lines, line].map((text) => text.replaceAll("\u00A0", " "));
}

function configReference(): string {
  const out = [
    "# zion.toml, every key",
    "",
    "Generated from the schema by `node src/config/reference.ts --write`; edit `src/config/schema.ts`.",
    "",
    "Unknown keys are errors. Relative paths start at the config file's directory. Durations and sizes are integers; the unit",
    "is the end of the key's name. `zion check -c FILE` reports everything that is wrong with a file in one run.",
    "",
    "## Top level",
    "",
    ...keyTable(docsOf(topLevelKeys)),
  ];
  for (const table of tablesOf())
    out.push("", `## ${table.header}`, "", table.doc, "", ...keyTable(table.docs));
  return `${out.join("\n")}\n`;
}

function keyTable(docs: readonly NamedDoc[]): readonly string[] {
  const rows = docs.map(({ name, doc }) => {
    const preset = doc.preset === undefined ? "–" : `\`${doc.preset}\``;
    return `| \`${name}\` | ${cell(doc.type)} | ${cell(preset)} | ${cell(doc.doc)} |`;
  });
  return ["| Key | Type | Default | Meaning |", "| --- | --- | --- | --- |", ...rows];
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function diagnosticsReference(): string {
  const out = [
    "# Config diagnostics",
    "",
    "Generated by `node src/config/reference.ts --write`; edit `src/config/codes.ts`. `zion explain CODE` prints one with an example.",
    "",
    "| Code | Severity | Meaning | Fix |",
    "| --- | --- | --- | --- |",
    ...Object.entries(codes).map(
      ([code, row]) => `| ${code} | ${row.severity} | ${cell(row.title)} | ${cell(row.fix)} |`,
    ),
  ];
  return `${out.join("\n")}\n`;
}

/** Writes what is stale below the package's root and names it; `--check` only names it. */
function main(args: readonly string[]): number {
  const write = args.includes("--write");
  let stale = 0;
  for (const { path, text } of generatedFiles()) {
    const url = new URL(`../../${path}`, import.meta.url);
    if (readOr(url) === text) continue;
    stale++;
    if (write) writeFileSync(url, text);
    process.stdout.write(`${write ? "wrote" : "stale"} ${path}\n`);
  }
  return write || stale === 0 ? 0 : 1;
}

function readOr(url: URL): string | undefined {
  try {
    return readFileSync(url, "utf8");
  } catch {
    return undefined;
  }
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));

import { z } from "zod";
import type { Findings, Path } from "./finding.ts";
import { printable, tableLabel } from "./label.ts";
import { findLaterKey, laterKeysOf } from "./later.ts";
import { documentSchema } from "./schema.ts";
import { nearest } from "./suggest.ts";

/** Reports a key that the table at `table` does not have: one of a later version, or a slip with its likely correction. */
export function reportUnknownKey(table: Path, key: string, value: unknown, findings: Findings): void {
  const path = [...table, key];
  const isTable = isTableLike(value);
  const later = findLaterKey(table, key);
  if (later !== undefined) {
    if (later.harmless(value)) return;
    const name = isTable ? headerLabel(table, key, value) : `\`${key}\` ${tableLabel(table)}`;
    const fix = later.instead === "" ? {} : { fix: `remove it; ${later.instead}` };
    findings.add({ code: "Z1047", path, at: "key", message: `${name} is not supported yet`, ...fix });
    return;
  }
  const keys = keysOf(table);
  const suggestion = nearest(key, keys);
  // What is misspelt is not missing as well.
  if (suggestion !== undefined) findings.poison([...table, suggestion]);
  const shown = isTable ? headerLabel(table, key, value) : `\`${printable(key)}\` ${tableLabel(table)}`;
  findings.add({
    code: isTable ? "Z1041" : "Z1042",
    path,
    at: "key",
    message: `unknown ${isTable ? "table" : "key"} ${shown}`,
    suggestion,
    ...hint(table, key, suggestion, keys),
  });
}

function hint(table: Path, key: string, suggestion: string | undefined, keys: readonly string[]) {
  if (suggestion !== undefined)
    return {
      label: `did you mean \`${suggestion}\`?`,
      fix: `rename \`${printable(key)}\` to \`${suggestion}\``,
    };
  const later = nearest(key, laterKeysOf(table));
  if (later !== undefined)
    return {
      label: `did you mean \`${later}\`? It is not supported yet`,
      fix: "remove it until this version supports it",
    };
  const elsewhere = tableWithKey(key);
  if (elsewhere !== undefined)
    return { label: `this is a key of ${elsewhere}`, fix: `move it to ${elsewhere}` };
  return {
    fix:
      keys.length <= 12
        ? `valid here: ${keys.join(", ")}`
        : "remove it; docs/operating/config.md lists every key",
  };
}

function isTableLike(value: unknown): boolean {
  const one = Array.isArray(value) ? value[0] : value;
  return typeof one === "object" && one !== null && !Array.isArray(one) && !(one instanceof Date);
}

function headerLabel(table: Path, key: string, value: unknown): string {
  const names = [...table.filter((step) => typeof step === "string"), key].map(printable).join(".");
  return Array.isArray(value) ? `[[${names}]]` : `[${names}]`;
}

/** Valid keys of the table at a path, from the schema. */
function keysOf(path: Path): readonly string[] {
  let schema: z.core.$ZodType = documentSchema;
  for (const step of path) {
    const inner = unwrap(schema);
    if (inner instanceof z.ZodObject) schema = inner.shape[step as string] as z.core.$ZodType;
    else if (inner instanceof z.ZodArray) schema = inner.element;
    else if (inner instanceof z.ZodRecord) schema = inner.valueType as z.core.$ZodType;
    else return [];
    if (schema === undefined) return [];
  }
  const inner = unwrap(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  for (;;) {
    if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
      schema = schema.unwrap() as z.core.$ZodType;
    else if (schema instanceof z.ZodPipe) schema = schema.out as z.core.$ZodType;
    else return schema;
  }
}

/** The one table that has this key, as its header; a key under the wrong header is a common slip. */
function tableWithKey(key: string): string | undefined {
  const places: readonly (readonly [string, Path])[] = [
    ["the top level", []],
    ["[server]", ["server"]],
    ["[tls]", ["tls"]],
    ["[upstream.NAME]", ["upstream", "x"]],
    ["[upstream.NAME.health]", ["upstream", "x", "health"]],
    ["[[route]]", ["route", 0]],
    ["[route.cors]", ["route", 0, "cors"]],
    ["[limit.NAME]", ["limit", "x"]],
    ["[auth_profile.NAME]", ["auth_profile", "x"]],
    ["[list.NAME]", ["list", "x"]],
    ["[waf]", ["waf"]],
    ["[waf_profile.NAME]", ["waf_profile", "x"]],
    ["[[exclude]]", ["exclude", 0]],
    ["[access_log]", ["access_log"]],
    ["[telemetry]", ["telemetry"]],
    ["[admin]", ["admin"]],
  ];
  const found = places.filter(([, path]) => keysOf(path).includes(key));
  return found.length === 1 ? found[0]![0] : undefined;
}

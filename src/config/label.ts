import type { Path } from "./finding.ts";
import { isForUpstreams, isOnlyFacts, isSecretName } from "./mask.ts";

/** `["route", 2]` → "in [[route]]", `[]` → "at the top level". */
export function tableLabel(path: Path): string {
  if (path.length === 0) return "at the top level";
  const names = path.filter((step) => typeof step === "string").map(printable);
  return typeof path.at(-1) === "number" ? `in [[${names.join(".")}]]` : `in [${names.join(".")}]`;
}

/** "`path` in [[route]]" for messages about one key; an array element is named by its array. */
export function keyLabel(path: Path): string {
  const key = ownerKey(path);
  const table = key.slice(0, -1);
  return table.length === 0
    ? `\`${printable(String(key.at(-1)))}\``
    : `\`${printable(String(key.at(-1)))}\` ${tableLabel(table)}`;
}

/** A value for a message: quoted, short, without control characters, and never a secret or a password in a URL. */
export function shownValue(path: Path, value: unknown): string {
  if (typeof value !== "string")
    return typeof value === "number" || typeof value === "boolean" ? String(value) : typeLabel(value);
  const owner = ownerKey(path);
  const key = owner.at(-1);
  if (path.slice(0, -1).some((step) => isForUpstreams(String(step))) && !isOnlyFacts(value)) return '"…"';
  if (typeof key === "string" && isSecretName(key, owner.length < path.length)) return '"…"';
  return `"${printable(value.replace(/:\/\/\S*@/g, "://…@"))}"`;
}

/** Control and direction characters would act on the terminal, so they are replaced; at most 64 characters are shown. */
export function printable(text: string): string {
  return printableTo(64, text);
}

/** The same with another limit, for texts that are more than a name. */
export function printableTo(longest: number, text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\uFFFD");
  return clean.length <= longest ? clean : `${clean.slice(0, longest - 1)}…`;
}

/** The key whose removal makes the document readable: array elements go with their whole array. */
export function ownerKey(path: Path): Path {
  let end = path.length;
  while (end > 1 && typeof path[end - 1] === "number") end--;
  return path.slice(0, end);
}

/** What a value is, for "got …"; never the value of a string. */
export function typeLabel(value: unknown): string {
  if (value instanceof Date) return "a date";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "a table";
  if (typeof value === "number")
    return Number.isInteger(value) ? `the integer ${value}` : `the number ${value}`;
  return typeof value === "string"
    ? "a string"
    : typeof value === "boolean"
      ? `the boolean ${value}`
      : "nothing";
}

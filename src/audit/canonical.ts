/** What a record may hold. Numbers are whole and within ±(2^53 - 1). */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/**
 * The one text that a value has in a record: keys ascending, no spaces, printable ASCII only. One form, so that two
 * parsers cannot read two things, and the verifier can tell a record that somebody wrote by hand.
 * The value has passed `isPlain`, or is built here from parts that have.
 */
export function canonicalText(value: Json): string {
  const text = JSON.stringify(inOrder(value));
  return PRINTABLE.test(text) ? text : text.replace(NOT_PRINTABLE, escapeUnit);
}

/** Whether a value from another process fits into a record: keys are words, numbers whole, depth and size bounded. */
export function isPlain(value: unknown, depthMax = 6): value is Json {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isSafeInteger(value);
    case "object":
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depthMax === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depthMax - 1));
  for (const key in value) {
    // Keys that look like numbers come first in every JavaScript object, whatever the order they were set in.
    if (!KEY.test(key)) return false;
    if (!isPlain((value as Record<string, unknown>)[key], depthMax - 1)) return false;
  }
  return true;
}

/** The value itself where its keys ascend already, which is how we build it: a copy is the rare case. */
function inOrder(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.every(isInOrder) ? value : value.map(inOrder);
  return isInOrder(value) ? value : sorted(value as JsonObject);
}

function isInOrder(value: Json | undefined): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(isInOrder);
  let previous = "";
  for (const key in value as JsonObject) {
    if (key < previous || !isInOrder((value as JsonObject)[key])) return false;
    previous = key;
  }
  return true;
}

function sorted(value: JsonObject): JsonObject {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined) as [string, Json][];
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, inOrder(item)]));
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const KEY = /^[a-z][a-z0-9_]{0,31}$/;
const PRINTABLE = /^[\x20-\x7e]*$/;
/** Per UTF-16 unit: half a surrogate pair is written as it is. */
const NOT_PRINTABLE = /[^\x20-\x7e]/g;

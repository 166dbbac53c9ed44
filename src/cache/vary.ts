import { findNamedField } from "../http/named-field.ts";
import { type CanonicalRequest, FIELD_SLOTS, FORWARD, VALUE_END, VALUE_START } from "../http/request.ts";

/** Names in one Vary, and bytes of the values that they stand for (zion-reference.md §2.14). */
const NAMES_MAX = 8;
const VALUE_BYTES_MAX = 256;

/**
 * Reads `Vary`. Undefined = not to be stored: it depends on things that are no fields (`*`), on who asks, or on more than
 * is kept. What `isCoded` depends on Accept-Encoding, whether or not the application says so: many do not, and the first
 * client would decide that all others get what they cannot read.
 */
export function readVary(text: string, isCoded = false): readonly string[] | undefined {
  if (text === "") return isCoded ? CODED : NONE;
  if (text.length > 1024) return undefined;
  const names = text
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const distinct = [...new Set(isCoded ? [...names, ...CODED] : names)].sort();
  if (
    distinct.length > NAMES_MAX ||
    distinct.some((name) => PERSONAL.has(name) || !/^[\w!#$%&'*+.^`|~-]+$/.test(name))
  )
    return undefined;
  return distinct;
}

const NONE: readonly string[] = [];
const CODED: readonly string[] = ["accept-encoding"];
/** What says who asks, and what the gateway writes itself, which no request shows. */
const PERSONAL: ReadonlySet<string> = new Set([
  "*",
  "authorization",
  "cookie",
  "forwarded",
  "traceparent",
  "via",
  "x-forwarded-for",
  "x-real-ip",
  "x-request-id",
]);

export function isSameVary(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, i) => name === other[i]);
}

/**
 * What a request says in these fields, as it goes upstream: requests that say the same get the same answer. Undefined: it
 * says more than is compared.
 */
export function variantOf(request: CanonicalRequest, vary: readonly string[]): string | undefined {
  let text = "";
  for (const name of vary) {
    const value = requestValue(request, name);
    if (value.length > VALUE_BYTES_MAX) return undefined;
    text += `${name === "accept-encoding" ? codingsOf(value) : value}\n`;
  }
  return text;
}

/** `Accept-Encoding` by what it comes to: browsers write the same in a dozen ways. */
export function codingsOf(value: string): string {
  const usual = USUAL.get(value);
  if (usual !== undefined) return usual;
  if (!/^(?:(?:gzip|br|zstd|deflate)(?:;q=(?:1|1\.0|0\.\d))?(?:, ?|$))+$/.test(value)) return value;
  const accepted = value
    .split(/, ?/)
    .filter((coding) => !/;q=0\.0$/.test(coding))
    .map((coding) => coding.split(";", 1)[0]!);
  return accepted.sort().join(",");
}

/** Lines of one field are one value (RFC 9110 §5.3), white space around commas aside. */
function requestValue(request: CanonicalRequest, name: string): string {
  let text = "";
  let count = 0;
  for (
    let index = findNamedField(request, name, 0);
    index >= 0;
    index = findNamedField(request, name, index + 1)
  ) {
    const slot = index * FIELD_SLOTS;
    if (request.fields[slot + FORWARD] === 0) continue;
    const value = request.arena.latin1Slice(
      request.fields[slot + VALUE_START]!,
      request.fields[slot + VALUE_END]!,
    );
    text = count++ === 0 ? value : `${text},${value}`;
  }
  // No field and an empty one are two things.
  return count === 0 ? "\r" : text;
}

/** What most clients say, so that a hit need not take it apart. */
const USUAL: ReadonlyMap<string, string> = new Map([
  ["gzip", "gzip"],
  ["gzip, deflate", "deflate,gzip"],
  ["gzip, deflate, br", "br,deflate,gzip"],
  ["gzip, deflate, br, zstd", "br,deflate,gzip,zstd"],
]);

/**
 * Where a value stands in a request. Readers (json, form, cookie, multipart, …) report each leaf value with its place
 * to one sink; rules say in `where` which places they look at, and findings print them.
 */

/** Closed list, by kind number: what rules and `[[exclude]]` name. Order is free; names are stable. */
export const placeNames = [
  "path",
  "query_name",
  "query_value",
  "header",
  "cookie_name",
  "cookie_value",
  "form_name",
  "form_value",
  "json_key",
  "json_string",
  "part_name",
  "part_filename",
  "part_type",
  "part_header",
  "part_text",
  "xml_text",
  "xml_attribute",
  "xml_name",
  "graphql_string",
  "body_text",
  "body_bytes",
  "json_sample",
  "answer",
] as const;
export type PlaceName = (typeof placeNames)[number];

export const PATH = 0;
export const QUERY_NAME = 1;
export const QUERY_VALUE = 2;
export const HEADER = 3;
export const COOKIE_NAME = 4;
export const COOKIE_VALUE = 5;
export const FORM_NAME = 6;
export const FORM_VALUE = 7;
export const JSON_KEY = 8;
export const JSON_STRING = 9;
export const PART_NAME = 10;
export const PART_FILENAME = 11;
export const PART_TYPE = 12;
export const PART_HEADER = 13;
export const PART_TEXT = 14;
export const XML_TEXT = 15;
export const XML_ATTRIBUTE = 16;
export const XML_NAME = 17;
export const GRAPHQL_STRING = 18;
export const BODY_TEXT = 19;
export const BODY_BYTES = 20;
/** Script that a browser cut from a page for a report; see script-samples.ts. */
export const JSON_SAMPLE = 21;
/** The body of an answer: for rules about what leaks. */
export const ANSWER = 22;

/** A value's own kind is the short word; its name's kind is spelled out, so that the two never print the same. */
const labels: readonly string[] = [
  "path",
  "query_name",
  "query",
  "header",
  "cookie_name",
  "cookie",
  "form_name",
  "form",
  "json_key",
  "json",
  "part_name",
  "part_filename",
  "part_type",
  "part_header",
  "part",
  "xml",
  "xml_attribute",
  "xml_name",
  "graphql",
  "body",
  "body_bytes",
  "json_sample",
  "answer",
];

/** The kind of a place as findings print it; -1 = it is none. */
export function kindOfPlace(place: string): number {
  const colon = place.indexOf(":");
  return labels.indexOf(colon < 0 ? place : place.slice(0, colon));
}

/** What can say the name of the value that is being reported: `q`, `$.user.q[2]`. Asked only when something is found. */
export interface PlaceNamer {
  /** Name or path within its kind; "" when there is none. May be asked only while the sink's `value` runs. */
  placeName(kind: number): string;
}

/**
 * One per reader, written over for every value: a sink that keeps a place keeps `text()` and the numbers, never the
 * object.
 */
export class Place {
  /** Index into `placeNames`. */
  kind = 0;
  /** First byte of the value in its source (body after content decoding, header value, query), in bytes. */
  start = 0;
  /** After its last byte. `end - start` is longer than the value where escapes were resolved. */
  end = 0;
  /** Bytes at the beginning of a piece of a long value that the piece before had too; 0 of a first or only piece. */
  repeated = 0;
  /** More pieces of the value follow. */
  goesOn = false;
  /** Objects and arrays of JSON around the value; 0 elsewhere. */
  depth = 0;
  readonly #namer: PlaceNamer | undefined;

  constructor(namer?: PlaceNamer) {
    this.#namer = namer;
  }

  /** For findings: `json:$.user.q[2]`, `form:comment`, `path`. At most about 300 characters, all printable. */
  text(): string {
    const label = labels[this.kind]!;
    const name = this.#namer?.placeName(this.kind) ?? "";
    return name === "" ? label : `${label}:${printable(name)}`;
  }
}

/** Where readers report. The bytes belong to the reader: they are valid only until `value` returns. */
export interface ValueSink {
  /** One leaf value `bytes[start, end)`, its own escapes (JSON, XML) resolved, percent-encoding left as it came. */
  value(bytes: Uint8Array, start: number, end: number, place: Place): void;
}

const NAME_CHARS_MAX = 256;

/** Names come from clients: no control characters, no line or direction tricks in what operators read. */
function printable(name: string): string {
  let out = "";
  for (let at = 0; at < name.length && at < NAME_CHARS_MAX; at++) {
    const code = name.charCodeAt(at);
    out += code >= 0x20 && code < 0x7f ? name[at] : `\\u${code.toString(16).padStart(4, "0")}`;
    if (out.length >= NAME_CHARS_MAX) return `${out}…`;
  }
  return name.length > NAME_CHARS_MAX ? `${out}…` : out;
}

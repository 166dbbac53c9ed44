import { fieldIdCount, fieldIdOf } from "../http/field.ts";

/**
 * Header fields whose values have a small grammar of their own, so that browsers' values need no look by the rules:
 * content negotiation, conditions, ranges, framing, and all `Sec-…`. They are passed over only while every byte is one
 * that such values are made of; a `$`, `{`, `<`, `'` or `%` in `Accept` is inspected like any other value, because
 * scanners write lookups (`${jndi:…`) into every field there is.
 */
export interface PlainFields {
  /** By field id: 1 = plain. */
  readonly byId: Uint8Array;
  /** Fields whose name begins with `Sec-` are plain. */
  readonly sec: boolean;
}

/** `scanHeaders`: names that are always inspected, in any case; `*` at the end = prefix, `*` alone = all. */
export function buildPlainFields(scanHeaders: readonly string[]): PlainFields {
  const byId = new Uint8Array(fieldIdCount);
  const isNamed = (name: string): boolean => scanHeaders.some((entry) => matches(entry.toLowerCase(), name));
  for (const name of plainNames) if (!isNamed(name)) byId[fieldIdOf(name)] = 1;
  return { byId, sec: !scanHeaders.some((entry) => entry === "*" || /^sec-/i.test(entry)) };
}

/** Whether `bytes[start, end)` holds only what plain values are made of, and no `..`: templates are picked by languages. */
export function isPlainValue(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (plainByte[byte] === 0 || (byte === DOT && bytes[at + 1] === DOT)) return false;
  }
  return true;
}

const DOT = 0x2e;

/** Whether the field name `bytes[start, end)` begins with `Sec-`. */
export function isSecName(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end - start > 4 &&
    bytes[start + 3] === 0x2d &&
    (bytes[start]! | 0x20) === 0x73 &&
    (bytes[start + 1]! | 0x20) === 0x65 &&
    (bytes[start + 2]! | 0x20) === 0x63
  );
}

/** Known names of field.ts; host, content-length and the like are checked by their own grammar before. */
const plainNames: readonly string[] = [
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
  "http2-settings",
  "expect",
  "content-encoding",
  "range",
  "accept",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "if-range",
  "content-language",
  "content-range",
  "date",
  "traceparent",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
];

function matches(entry: string, name: string): boolean {
  return entry.endsWith("*") ? name.startsWith(entry.slice(0, -1)) : entry === name;
}

/** Letters, digits, and the punctuation of media ranges, dates, entity tags, byte ranges and brand lists. */
const plainByte: Uint8Array = buildPlainBytes();

function buildPlainBytes(): Uint8Array {
  const table = new Uint8Array(256);
  const chars = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \t"()*+,-./:;=?_[]~@!';
  for (const char of chars) table[char.charCodeAt(0)] = 1;
  return table;
}

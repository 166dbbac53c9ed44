/**
 * Where the first string of a value stands that is JSON text: the offset of its opening quote, -1 when the value is none.
 * `isContinued`: the bytes go on within a longer value, so the first `"key":"` is where reading can begin.
 */
export function firstJsonString(bytes: Uint8Array, start: number, end: number, isContinued: boolean): number {
  if (isContinued) {
    for (let at = start; at < end; at++) {
      if (bytes[at] !== QUOTE) continue;
      const colon = afterWhite(bytes, at + 1, end);
      if (bytes[colon] !== COLON) continue;
      const next = afterWhite(bytes, colon + 1, end);
      if (next < end && bytes[next] === QUOTE) return next;
      at = next - 1;
    }
    return -1;
  }
  let at = afterWhite(bytes, start, end);
  // A record of RFC 7464 begins with a sign of its own.
  if (bytes[at] === RECORD) at = afterWhite(bytes, at + 1, end);
  if (bytes[at] === QUOTE) return isWhole(bytes, at, end) ? at : -1;
  if (bytes[at] !== OPEN_OBJECT && bytes[at] !== OPEN_LIST) return -1;
  // Lists may begin with lists and objects, or with what is no string. Behind the last `]` nothing is JSON.
  for (let depth = 0; at < end && bytes[at] !== QUOTE; at++) {
    const byte = bytes[at]!;
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++;
    else if ((byte === CLOSE_OBJECT || byte === CLOSE_LIST) && --depth === 0) return -1;
    if (betweenStrings[byte] === 0) return -1;
  }
  return at < end ? at : -1;
}

/** Whether the string that opens at `open` is all there is: JSON, or a cookie's value as some servers write them. */
function isWhole(bytes: Uint8Array, open: number, end: number): boolean {
  const close = jsonStringEnd(bytes, open, end);
  return close < end && afterWhite(bytes, close + 1, end) === end;
}

/** The quote that closes the string which opens at `open`; `end` when none does. */
export function jsonStringEnd(bytes: Uint8Array, open: number, end: number): number {
  let at = open + 1;
  while (at < end && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return Math.min(at, end);
}

/**
 * The quote that opens the next string after the one which closes at `close`, -1 when there is none or what stands
 * between them is not JSON.
 */
export function nextJsonString(bytes: Uint8Array, close: number, end: number): number {
  for (let at = close + 1; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) return at;
    if (betweenStrings[byte] === 0) return -1;
  }
  return -1;
}

/** Whether the string that closes at `close` is the name of a member. */
export function isJsonKey(bytes: Uint8Array, close: number, end: number): boolean {
  return bytes[afterWhite(bytes, close + 1, end)] === COLON;
}

/** Whether `bytes[start, end)` is one word, number or date: no attack is, that is not one within the whole value as well. */
export function isWord(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (wordByte[bytes[at]!] === 0) return false;
  return true;
}

function afterWhite(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (bytes[at] === 0x20 || (bytes[at]! >= 0x09 && bytes[at]! <= 0x0d))) at++;
  return at;
}

const RECORD = 0x1e;
const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Numbers, `true`, `false`, `null`, white space, and the signs of JSON. */
const betweenStrings: Uint8Array = tableOf("0123456789+-.eE truefalsn\t\n\r,:[{]}");
const wordByte: Uint8Array = tableOf("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.:-");

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

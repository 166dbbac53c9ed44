import { F, fieldId, HASH_PRIME, HASH_START, nameByte, ODD_NAME } from "./field.ts";
import { imitatesGuardedField } from "./odd-name.ts";

/**
 * What there is to know of one HTTP/2 field, in one number: worked out when its bytes arrive, kept in the compression
 * table with it, so that a field sent by reference is not looked at again.
 */
export const FACT_ID = 0xff;
/** Its name begins with a colon; the id is then one of the `PSEUDO_` numbers, 0 = unknown. */
export const FACT_PSEUDO = 1 << 8;
/** No lower-case token (RFC 9113 §8.2.1), or a field that HTTP/2 forbids (§8.2.2), or a value that it cannot have. */
export const FACT_MALFORMED = 1 << 9;
/** The value holds a byte outside ASCII. */
export const FACT_EIGHT_BIT = 1 << 10;
/** An unusual token character in the name; see `ODD_NAME`. */
export const FACT_ODD = 1 << 11;
/** The odd name imitates a guarded field. */
export const FACT_IMITATES = 1 << 12;

export const PSEUDO_METHOD = 1;
export const PSEUDO_PATH = 2;
export const PSEUDO_SCHEME = 3;
export const PSEUDO_AUTHORITY = 4;
export const PSEUDO_PROTOCOL = 5;

/** The facts of the field whose line `name: value` begins at `start`. */
export function fieldFacts(line: Buffer, start: number, nameLength: number, valueLength: number): number {
  const nameEnd = start + nameLength;
  const valueStart = nameEnd + 2;
  const valueEnd = valueStart + valueLength;
  if (line[start] === COLON) return pseudoFacts(line, start, nameEnd, valueStart, valueEnd);
  let hash = HASH_START;
  let odd = 0;
  let isToken = nameLength > 0;
  for (let at = start; at < nameEnd; at++) {
    const raw = line[at]!;
    const byte = nameByte[raw]!;
    // A folded byte that is not the byte itself was an upper-case letter.
    if ((byte & 0x7f) !== raw || byte === 0) isToken = false;
    odd |= byte;
    hash = Math.imul(hash ^ byte, HASH_PRIME);
  }
  if (!isToken) return FACT_MALFORMED;
  let facts = valueFacts(line, valueStart, valueEnd, TAB);
  if ((odd & ODD_NAME) !== 0) {
    facts |= FACT_ODD;
    if (imitatesGuardedField(line, start, nameEnd)) facts |= FACT_IMITATES;
    return facts;
  }
  const id = fieldId(line, start, nameEnd, hash);
  if (forbidden[id] === 1) facts |= FACT_MALFORMED;
  else if (id === F.te && line.latin1Slice(valueStart, valueEnd) !== "trailers") facts |= FACT_MALFORMED;
  else if (id === F.contentLength && !isDigits(line, valueStart, valueEnd)) facts |= FACT_MALFORMED;
  return facts | id;
}

function pseudoFacts(
  line: Buffer,
  start: number,
  nameEnd: number,
  valueStart: number,
  valueEnd: number,
): number {
  const kind = pseudoKinds.get(line.latin1Slice(start, nameEnd)) ?? 0;
  return FACT_PSEUDO | kind | valueFacts(line, valueStart, valueEnd, NEVER);
}

/**
 * Controls, and white space at the ends, are malformed; `allowed` is the one control that is not. With NEVER, which is
 * how pseudo-fields are read, no space may be in it either.
 */
function valueFacts(line: Buffer, start: number, end: number, allowed: number): number {
  let facts = 0;
  const lowest = allowed === NEVER ? SPACE + 1 : SPACE;
  for (let at = start; at < end; at++) {
    const byte = line[at]!;
    if (byte < lowest) {
      if (byte !== allowed) facts |= FACT_MALFORMED;
    } else if (byte >= 0x7f) facts |= byte === 0x7f ? FACT_MALFORMED : FACT_EIGHT_BIT;
  }
  if (end > start && (isBlank(line[start]!) || isBlank(line[end - 1]!))) facts |= FACT_MALFORMED;
  return facts;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

function isDigits(line: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (line[at]! < 48 || line[at]! > 57) return false;
  return end > start;
}

const COLON = 58;
const SPACE = 32;
const TAB = 9;
const NEVER = -1;

const pseudoKinds: ReadonlyMap<string, number> = new Map([
  [":method", PSEUDO_METHOD],
  [":path", PSEUDO_PATH],
  [":scheme", PSEUDO_SCHEME],
  [":authority", PSEUDO_AUTHORITY],
  [":protocol", PSEUDO_PROTOCOL],
]);

/** Fields of one HTTP/1 connection (RFC 9113 §8.2.2). */
const forbidden: Uint8Array = buildForbidden();

function buildForbidden(): Uint8Array {
  const flags = new Uint8Array(256);
  for (const id of [F.connection, F.keepAlive, F.proxyConnection, F.transferEncoding, F.upgrade])
    flags[id] = 1;
  return flags;
}

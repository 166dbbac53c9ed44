import { copy, putNumber } from "../std/byte-print.ts";
import { fieldNames } from "./field.ts";
import { staticIndexOf } from "./hpack-table.ts";

/**
 * Writes header blocks that refer to the static table only (RFC 7541 §6.2.2): what we send is never held against what
 * the client remembers, so no size of its table needs keeping, and nothing of an answer stays in memory. Each function
 * writes at `at` and returns the offset after it; the caller has made room.
 */

/** What a field takes beside its name and value, at most. */
export const ENCODED_FIELD_EXTRA_BYTES = 8;

export function putStatus(out: Buffer, at: number, status: number): number {
  const index = statusIndexes[status];
  if (index !== undefined) {
    out[at] = 0x80 | index;
    return at + 1;
  }
  out[at] = 8; // the name of `:status: 200`
  out[at + 1] = 3;
  return putNumber(out, at + 2, status);
}

/** A field whose name is that of field.ts `id`, not 0. */
export function putKnownField(
  out: Buffer,
  at: number,
  id: number,
  source: Buffer,
  valueStart: number,
  valueEnd: number,
): number {
  const prefix = namePrefixes[id]!;
  for (let i = 0; i < prefix.length; i++) out[at++] = prefix[i]!;
  at = putLength(out, at, valueEnd - valueStart);
  return copy(out, at, source, valueStart, valueEnd);
}

/** A field with any other name, which is written in lower case (RFC 9113 §8.2.1). */
export function putField(
  out: Buffer,
  at: number,
  source: Buffer,
  nameStart: number,
  nameEnd: number,
  valueStart: number,
  valueEnd: number,
): number {
  out[at] = 0;
  at = putLength(out, at + 1, nameEnd - nameStart);
  for (let from = nameStart; from < nameEnd; from++) {
    const byte = source[from]!;
    out[at++] = byte >= 65 && byte <= 90 ? byte + 32 : byte;
  }
  at = putLength(out, at, valueEnd - valueStart);
  return copy(out, at, source, valueStart, valueEnd);
}

/** A field as text, latin-1, its name in lower case. Where answers are rare or short. */
export function putTextField(out: Buffer, at: number, name: string, value: string): number {
  const prefix = textPrefix(name);
  at += prefix.copy(out, at);
  at = putLength(out, at, value.length);
  return at + out.latin1Write(value, at);
}

/** A whole encoded field that is sent often: made once. */
export function encodedField(name: string, value: string): Buffer {
  const out = Buffer.alloc(name.length + value.length + ENCODED_FIELD_EXTRA_BYTES);
  return Buffer.from(out.subarray(0, putTextField(out, 0, name, value)));
}

/** All of a field in front of the value's length: the name by reference, or written out. */
export function textPrefix(name: string): Buffer {
  const index = staticIndexOf(name);
  if (index > 0) return index < 15 ? Buffer.from([index]) : Buffer.from([15, index - 15]);
  const out = Buffer.alloc(name.length + ENCODED_FIELD_EXTRA_BYTES);
  const at = putLength(out, 1, name.length);
  return Buffer.from(out.subarray(0, at + out.latin1Write(name, at)));
}

/** The length of a string without Huffman coding. */
function putLength(out: Uint8Array, at: number, length: number): number {
  if (length < 127) {
    out[at] = length;
    return at + 1;
  }
  out[at++] = 127;
  let rest = length - 127;
  for (; rest >= 128; rest >>>= 7) out[at++] = (rest & 127) | 128;
  out[at] = rest;
  return at + 1;
}

const statusIndexes: Readonly<Record<number, number>> = {
  200: 8,
  204: 9,
  206: 10,
  304: 11,
  400: 12,
  404: 13,
  500: 14,
};

const namePrefixes: readonly Buffer[] = fieldNames.map(textPrefix);

/** ASCII of the lower-case hex digits, by value. */
export const hexDigit: Uint8Array = Buffer.from("0123456789abcdef", "latin1");

/** ASCII of the upper-case hex digits, by value: the form of percent escapes (RFC 3986 §6.2.2.1). */
export const upperHexDigit: Uint8Array = Buffer.from("0123456789ABCDEF", "latin1");

/** Value of a byte as a hex digit of either case; NOT_HEX (255) for every other byte. */
export const hexValue: Uint8Array = buildHexValues();
export const NOT_HEX = 255;

/** Writes `count` bytes of `source` from `from` on as lower-case hex at `out[at]`. Returns the end of what it wrote. */
export function writeHex(
  source: Uint8Array,
  from: number,
  count: number,
  out: Uint8Array,
  at: number,
): number {
  for (let index = from; index < from + count; index++) {
    const byte = source[index]!;
    out[at++] = hexDigit[byte >> 4]!;
    out[at++] = hexDigit[byte & 15]!;
  }
  return at;
}

function buildHexValues(): Uint8Array {
  const values = new Uint8Array(256).fill(255);
  for (let value = 0; value < 16; value++) {
    values[hexDigit[value]!] = value;
    values[upperHexDigit[value]!] = value;
  }
  return values;
}

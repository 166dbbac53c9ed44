/** Writes over what was found, byte for byte: the answer stays as long as it was. */

/** The first six and the last four digits stay, as PCI DSS 3.4.1 allows. In JSON a number stays one. */
export function maskCard(bytes: Buffer, start: number, end: number, isJson: boolean): void {
  const cover = isJson && isBareNumber(bytes, start) ? ZERO : STAR;
  let seen = 0;
  let digits = 0;
  for (let at = start; at < end; at++) if (isDigit(bytes[at]!)) digits++;
  for (let at = start; at < end; at++) {
    if (!isDigit(bytes[at]!)) continue;
    seen++;
    if (seen > 6 && seen <= digits - 4) bytes[at] = cover;
  }
}

/** The first four bytes stay: they say what it was. */
export function maskToken(bytes: Buffer, start: number, end: number): void {
  bytes.fill(STAR, Math.min(start + 4, end), end);
}

/** Covers the bytes of a key until its end marker, however many pieces it comes in. */
export class KeyMask {
  #dashes = 0;
  #covered = 0;
  #escaped = false;

  /** Offset behind what was covered; `bytes.length` = the key goes on in the next piece. */
  cover(bytes: Buffer, start: number): number {
    for (let at = start; at < bytes.length; at++) {
      const byte = bytes[at]!;
      this.#dashes = byte === DASH ? this.#dashes + 1 : 0;
      if (this.#dashes === 5 || this.#covered >= KEY_BYTES_MAX) {
        this.#covered = KEY_BYTES_MAX;
        return at;
      }
      // `\n` in JSON stays an escape.
      const isEscape = this.#escaped;
      this.#escaped = byte === BACKSLASH && !isEscape;
      if (isEscape || !isBase64(byte)) continue;
      bytes[at] = STAR;
      this.#covered++;
    }
    return bytes.length;
  }

  get isOver(): boolean {
    return this.#covered >= KEY_BYTES_MAX;
  }
}

/** An RSA key of 16,384 bits. */
const KEY_BYTES_MAX = 16_384;
const STAR = 42;
const ZERO = 48;
const DASH = 45;
const BACKSLASH = 92;

function isBareNumber(bytes: Buffer, start: number): boolean {
  let at = start - 1;
  while (at >= 0 && (bytes[at] === 32 || bytes[at] === 10 || bytes[at] === 13 || bytes[at] === 9)) at--;
  return at >= 0 && (bytes[at] === 0x3a || bytes[at] === 0x5b || bytes[at] === 0x2c);
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

function isBase64(byte: number): boolean {
  return (
    (byte >= 48 && byte <= 57) ||
    (byte >= 65 && byte <= 90) ||
    (byte >= 97 && byte <= 122) ||
    byte === 43 ||
    byte === 47 ||
    byte === 61
  );
}

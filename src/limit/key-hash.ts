/**
 * Hashes the key of a limit into two 32-bit lanes, which is all that a table keeps of it. The seed is secret and the
 * same in all workers of a machine: nobody can choose keys that collide, and workers can tell each other of a key in
 * eight bytes. Reused for every request, so that a key costs no allocation.
 */
export class KeyHash {
  /** The lanes, as unsigned 32-bit numbers. */
  lo = 0;
  hi = 0;
  #seedLo = 0;
  #seedHi = 0;

  constructor(seed: Buffer) {
    this.reseed(seed);
  }

  /** `seed` has 8 bytes. */
  reseed(seed: Buffer): void {
    this.#seedLo = seed.readInt32LE(0);
    this.#seedHi = seed.readInt32LE(4);
  }

  /** Starts a key. `domain` keeps the same value of two limits, or of two kinds, apart. */
  begin(domain: number): void {
    this.lo = this.#seedLo;
    this.hi = this.#seedHi;
    this.word(domain);
  }

  /** Adds 32 bits. Each lane is one to one in them, so keys of one word never collide. */
  word(value: number): void {
    let lo = this.lo ^ value;
    lo = Math.imul(lo ^ (lo >>> 16), 0x85ebca6b);
    lo = Math.imul(lo ^ (lo >>> 13), 0xc2b2ae35);
    this.lo = (lo ^ (lo >>> 16)) >>> 0;
    let hi = this.hi ^ value;
    hi = Math.imul(hi ^ (hi >>> 17), 0xed5ad4bb);
    hi = Math.imul(hi ^ (hi >>> 11), 0xac4c1b51);
    this.hi = (hi ^ (hi >>> 15)) >>> 0;
  }

  /** Adds the bytes of a span and its length, so that ("ab", "c") and ("a", "bc") differ. */
  bytes(source: Uint8Array, start: number, end: number): void {
    let at = start;
    for (; at + 4 <= end; at += 4)
      this.word(source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24));
    let rest = 0;
    for (; at < end; at++) rest = (rest << 8) | source[at]!;
    this.word(rest);
    this.word(end - start);
  }

  /** Adds the UTF-16 units of a text and its length. */
  text(value: string): void {
    let at = 0;
    for (; at + 2 <= value.length; at += 2)
      this.word(value.charCodeAt(at) | (value.charCodeAt(at + 1) << 16));
    this.word(at < value.length ? value.charCodeAt(at) : 0);
    this.word(value.length);
  }
}

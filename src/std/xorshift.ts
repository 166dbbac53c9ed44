/**
 * Fast random numbers that anyone can guess after a few: for spreading load, never for ids or secrets. 32-bit
 * xorshift (Marsaglia 2003), period 2^32 - 1.
 */
export class Xorshift {
  #state: number;

  /** Equal seeds give equal sequences. */
  constructor(seed: number) {
    // Zero is the one state it cannot leave.
    this.#state = mix32(seed) || 1;
  }

  /** A whole number from 0 to `bound` - 1; `bound` is 1..2^21, where the bias of the scaling is below 1 in 2,000. */
  below(bound: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return Math.floor(((x >>> 0) / 0x1_0000_0000) * bound);
  }
}

/** Spreads 32 bits over 32 bits, one to one (the finalizer of MurmurHash3). The result is unsigned. */
export function mix32(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

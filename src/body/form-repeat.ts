import { hexValue, NOT_HEX } from "../std/hex.ts";
import { NameSet } from "./name-set.ts";
import type { Piece } from "./piece.ts";

/**
 * Which names a form repeats, compared decoded, and their values joined with `,` as ASP and Express join them. Holds
 * offsets only; the bytes stay with the reader.
 */
export class RepeatedNames {
  readonly #names: NameSet;
  readonly #decoded: Uint8Array = new Uint8Array(DECODED_BYTES);
  /** PAIR_SLOTS numbers per pair. */
  #pairs = new Int32Array(PAIRS_AT_FIRST * PAIR_SLOTS);
  #pairCount = 0;
  /** First and last pair of each name. */
  #ends = new Int32Array(PAIRS_AT_FIRST * 2);
  #isRepeated = false;

  constructor(seed: number) {
    this.#names = new NameSet(seed, PAIRS_MAX);
  }

  /** Report and clear before the next `add`. */
  get isFull(): boolean {
    return this.#pairCount === PAIRS_MAX;
  }

  clear(): void {
    this.#names.clear();
    this.#pairCount = 0;
    this.#isRepeated = false;
    if (this.#pairs.length > PAIRS_KEPT * PAIR_SLOTS) {
      this.#pairs = new Int32Array(PAIRS_AT_FIRST * PAIR_SLOTS);
      this.#ends = new Int32Array(PAIRS_AT_FIRST * 2);
    }
  }

  /** Adds a pair: a name, `=`, a value. False when its names collide more than names do. */
  add(
    held: Uint8Array,
    start: number,
    equals: number,
    end: number,
    sourceStart: number,
    sourceEnd: number,
  ): boolean {
    const pair = this.#pairCount++;
    if (pair * PAIR_SLOTS === this.#pairs.length) this.#pairs = doubled(this.#pairs);
    const pairs = this.#pairs;
    const at = pair * PAIR_SLOTS;
    pairs[at] = start;
    pairs[at + EQUALS] = equals;
    pairs[at + END] = end;
    pairs[at + SOURCE_START] = sourceStart;
    pairs[at + SOURCE_END] = sourceEnd;
    pairs[at + NEXT] = -1;

    const names = this.#names;
    names.begin(0);
    this.#feed(held, start, equals);
    const before = names.count;
    const name = names.add(0);
    if (name < 0) return false;
    if (name === before) {
      if (name * 2 === this.#ends.length) this.#ends = doubled(this.#ends);
      this.#ends[name * 2] = pair;
    } else {
      pairs[this.#ends[name * 2 + 1]! * PAIR_SLOTS + NEXT] = pair;
      this.#isRepeated = true;
    }
    this.#ends[name * 2 + 1] = pair;
    return true;
  }

  /**
   * Reports each repeated name once, through `joined`, in the order of their first pairs; `name` is told before where
   * the first one stands. Every value is joined once: linear.
   */
  report(held: Uint8Array, joined: Piece, name: (start: number, end: number) => void): void {
    if (!this.#isRepeated) return;
    const pairs = this.#pairs;
    for (let entry = 0; entry < this.#names.count; entry++) {
      const first = this.#ends[entry * 2]! * PAIR_SLOTS;
      if (first === this.#ends[entry * 2 + 1]! * PAIR_SLOTS) continue;
      name(pairs[first]!, pairs[first + EQUALS]!);
      joined.begin(pairs[first + SOURCE_START]!);
      for (let at = first; at >= 0; at = pairs[at + NEXT]! * PAIR_SLOTS) {
        if (at !== first) joined.addByte(COMMA, pairs[at + SOURCE_START]!);
        joined.add(held, pairs[at + EQUALS]! + 1, pairs[at + END]!, pairs[at + SOURCE_END]!);
      }
      joined.finish();
    }
  }

  /** Escapes that are cut by the buffer's end are compared as they are written: no name is that long. */
  #feed(held: Uint8Array, start: number, end: number): void {
    const decoded = this.#decoded;
    for (let at = start; at < end; at += DECODED_BYTES) {
      const length = decodeForm(held, at, Math.min(end, at + DECODED_BYTES), decoded);
      this.#names.feed(decoded, 0, length);
    }
  }
}

/** Decodes `+` and well-formed percent escapes into `out`, which has room; returns the length. */
export function decodeForm(source: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    if (byte === PERCENT && at + 2 < end) {
      const high = hexValue[source[at + 1]!]!;
      const low = hexValue[source[at + 2]!]!;
      if (high !== NOT_HEX && low !== NOT_HEX) {
        out[length++] = (high << 4) | low;
        at += 2;
        continue;
      }
    }
    out[length++] = byte === PLUS ? SPACE : byte;
  }
  return length;
}

/** Name start, value end, where the value stands in the form, next pair of the same name or -1. */
const PAIR_SLOTS = 6;
const EQUALS = 1;
const END = 2;
const SOURCE_START = 3;
const SOURCE_END = 4;
const NEXT = 5;
const PAIRS_MAX = 1024;
const PAIRS_AT_FIRST = 16;
const PAIRS_KEPT = 64;
const DECODED_BYTES = 256;

const SPACE = 0x20;
const PERCENT = 0x25;
const PLUS = 0x2b;
const COMMA = 0x2c;

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * 2);
  grown.set(array);
  return grown;
}

import { hexValue, NOT_HEX } from "../std/hex.ts";
import { CROWDED, NameTable } from "./name-table.ts";

/** Called with `joined[0, length)`, and where the first name and the first and last value stand in `held`. */
export type JoinedReport = (
  joined: Uint8Array,
  length: number,
  nameStart: number,
  nameEnd: number,
  valuesStart: number,
  valuesEnd: number,
) => void;

/**
 * Which names a form repeats, compared decoded, and their values joined with `,` as ASP and Express join them. Holds
 * offsets only; the bytes stay with the reader.
 */
export class RepeatedNames {
  readonly #names: NameTable;
  #decoded: Uint8Array = new Uint8Array(64);
  /** PAIR_SLOTS numbers per pair. */
  #pairs = new Int32Array(16 * PAIR_SLOTS);
  #pairCount = 0;
  /** First and last pair of each name. */
  #ends = new Int32Array(16 * 2);
  #isRepeated = false;
  #joined: Uint8Array = new Uint8Array(0);

  constructor(seed: number) {
    this.#names = new NameTable(seed);
  }

  clear(): void {
    this.#names.clear();
    this.#pairCount = 0;
    this.#isRepeated = false;
    if (this.#pairs.length > SLOTS_KEPT) {
      this.#pairs = new Int32Array(16 * PAIR_SLOTS);
      this.#ends = new Int32Array(16 * 2);
    }
    if (this.#decoded.length > BYTES_KEPT) this.#decoded = new Uint8Array(64);
    if (this.#joined.length > BYTES_KEPT) this.#joined = new Uint8Array(0);
  }

  /** Adds a pair. False when its names collide more than names do. */
  add(held: Uint8Array, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): boolean {
    const pair = this.#pairCount++;
    if (pair * PAIR_SLOTS === this.#pairs.length) this.#pairs = doubled(this.#pairs);
    const pairs = this.#pairs;
    const at = pair * PAIR_SLOTS;
    pairs[at] = nameStart;
    pairs[at + 1] = nameEnd;
    pairs[at + 2] = valueStart;
    pairs[at + 3] = valueEnd;
    pairs[at + NEXT] = -1;

    if (this.#decoded.length < nameEnd - nameStart) this.#decoded = new Uint8Array(2 * (nameEnd - nameStart));
    const length = decodeForm(held, nameStart, nameEnd, this.#decoded);
    const before = this.#names.count;
    const name = this.#names.add(this.#decoded, 0, length, 0);
    if (name === CROWDED) return false;
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

  /** Reports each repeated name once, in the order of their first pairs. Every value is joined once: linear. */
  report(held: Uint8Array, report: JoinedReport): void {
    if (!this.#isRepeated) return;
    const pairs = this.#pairs;
    for (let name = 0; name < this.#names.count; name++) {
      const first = this.#ends[name * 2]! * PAIR_SLOTS;
      const last = this.#ends[name * 2 + 1]! * PAIR_SLOTS;
      if (first === last) continue;
      // Values lie in the form in order, with at least one byte between two: their span has room for the commas.
      const start = pairs[first + 2]!;
      const end = pairs[last + 3]!;
      if (this.#joined.length < end - start) this.#joined = new Uint8Array(2 * (end - start));
      const joined = this.#joined;
      let length = 0;
      for (let at = first; at >= 0; at = pairs[at + NEXT]! * PAIR_SLOTS) {
        if (at !== first) joined[length++] = COMMA;
        for (let from = pairs[at + 2]!; from < pairs[at + 3]!; from++) joined[length++] = held[from]!;
      }
      report(joined, length, pairs[first]!, pairs[first + 1]!, start, end);
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

/** Name start and end, value start and end, next pair of the same name or -1. */
const PAIR_SLOTS = 5;
const NEXT = 4;
const SLOTS_KEPT = 4096;
const BYTES_KEPT = 65_536;

const SPACE = 0x20;
const PERCENT = 0x25;
const PLUS = 0x2b;
const COMMA = 0x2c;

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * 2);
  grown.set(array);
  return grown;
}

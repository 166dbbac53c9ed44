import { hexValue, NOT_HEX } from "../std/hex.ts";
import { NameSet } from "./name-set.ts";
import type { Piece } from "./piece.ts";

/**
 * Which names a form repeats, compared decoded, and their values joined with `,` as ASP and Express join them. The pairs
 * come in windows: of the current one it holds offsets, the bytes stay with the reader; of each name in the ones before it
 * holds the end of what was joined: of 2,048 names (servers take 1,000 parameters), 128 KiB in all, the oldest given up first.
 */
export class RepeatedNames {
  readonly #names: NameSet;
  readonly #decoded: Uint8Array = new Uint8Array(DECODED_BYTES);
  /** PAIR_SLOTS numbers per pair of the window. */
  #pairs = new Int32Array(PAIRS_AT_FIRST * PAIR_SLOTS);
  #pairCount = 0;
  /** NAME_SLOTS numbers per name. */
  #ends = new Int32Array(PAIRS_AT_FIRST * NAME_SLOTS);
  /** A name of the window came before: `report` has something to say. */
  isRepeated = false;
  /** A ring: the offsets of names count on, and the oldest bytes are written over. */
  #kept: Uint8Array = new Uint8Array(0);
  #keptEnd = 0;
  readonly #tail: Uint8Array = new Uint8Array(KEPT_OF_NAME_BYTES);

  /** `seed`: 32 random bits, see NameSet. */
  constructor(seed: number) {
    this.#names = new NameSet(seed, NAMES_MAX + PAIRS_MAX);
  }

  /** Report and call `nextWindow` before the next `add`. */
  get isFull(): boolean {
    return this.#pairCount === PAIRS_MAX;
  }

  /** Before the next form. */
  clear(): void {
    this.#forget();
    this.#pairCount = 0;
    this.isRepeated = false;
    if (this.#kept.length > 0) this.#kept = new Uint8Array(0);
    if (this.#pairs.length > PAIRS_KEPT * PAIR_SLOTS)
      this.#pairs = new Int32Array(PAIRS_AT_FIRST * PAIR_SLOTS);
    if (this.#ends.length > PAIRS_KEPT * NAME_SLOTS) this.#ends = new Int32Array(PAIRS_AT_FIRST * NAME_SLOTS);
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
    const names = this.#names;
    names.begin(0);
    this.#feed(held, start, equals);
    const before = names.count;
    const name = names.add(0);
    if (name < 0) return false;

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
    pairs[at + NAME] = name;

    const slot = name * NAME_SLOTS;
    if (slot === this.#ends.length) this.#ends = doubled(this.#ends);
    const ends = this.#ends;
    if (name === before) {
      ends[slot] = pair;
      ends[slot + KEPT_BYTES] = 0;
    } else {
      if (ends[slot]! < 0) ends[slot] = pair;
      else pairs[ends[slot + LAST]! * PAIR_SLOTS + NEXT] = pair;
      this.isRepeated = true;
    }
    ends[slot + LAST] = pair;
    return true;
  }

  /**
   * Reports each name that the window repeats once, through `joined`, in the order of their first pairs, behind what was
   * kept of the windows before; `name` is told before where the first one stands. Every value is joined once: linear.
   */
  report(held: Uint8Array, joined: Piece, name: (start: number, end: number) => void): void {
    if (!this.isRepeated) return;
    const pairs = this.#pairs;
    for (let pair = 0; pair < this.#pairCount; pair++) {
      const first = pair * PAIR_SLOTS;
      const slot = pairs[first + NAME]! * NAME_SLOTS;
      const kept = this.#keptOf(slot);
      if (this.#ends[slot] !== pair || (kept === 0 && pairs[first + NEXT]! < 0)) continue;
      name(pairs[first]!, pairs[first + EQUALS]!);
      joined.begin(pairs[first + SOURCE_START]!);
      if (kept > 0) {
        const from = this.#ends[slot + KEPT_AT]! % this.#kept.length;
        joined.add(this.#kept, from, from + kept, pairs[first + SOURCE_START]!);
      }
      for (let at = first; at >= 0; at = pairs[at + NEXT]! * PAIR_SLOTS) {
        if (at !== first || kept > 0) joined.addByte(COMMA, pairs[at + SOURCE_START]!);
        joined.add(held, pairs[at + EQUALS]! + 1, pairs[at + END]!, pairs[at + SOURCE_END]!);
      }
      joined.finish();
    }
  }

  /** Ends a window: its bytes are the reader's again. */
  nextWindow(held: Uint8Array): void {
    const pairs = this.#pairs;
    for (let pair = 0; pair < this.#pairCount; pair++) {
      const slot = pairs[pair * PAIR_SLOTS + NAME]! * NAME_SLOTS;
      if (this.#ends[slot] !== pair) continue;
      this.#keep(held, pair * PAIR_SLOTS, slot);
      this.#ends[slot] = -1;
    }
    this.#pairCount = 0;
    this.isRepeated = false;
    // The next window has room for as many names as it can have pairs.
    if (this.#names.count > NAMES_MAX) this.#forget();
  }

  #forget(): void {
    this.#names.clear();
    this.#keptEnd = 0;
  }

  /** Keeps the end of what is joined for a name, from its first pair in the window on. */
  #keep(held: Uint8Array, first: number, slot: number): void {
    const pairs = this.#pairs;
    const kept = this.#keptOf(slot);
    let length = kept;
    for (let at = first; at >= 0; at = pairs[at + NEXT]! * PAIR_SLOTS)
      length += (length > 0 ? 1 : 0) + pairs[at + END]! - pairs[at + EQUALS]! - 1;
    let skipped = Math.max(0, length - KEPT_OF_NAME_BYTES);
    const tail = this.#tail;
    let to = 0;
    const add = (bytes: Uint8Array, start: number, end: number): void => {
      const from = Math.min(end, start + skipped);
      skipped -= from - start;
      tail.set(bytes.subarray(from, end), to);
      to += end - from;
    };
    if (kept > 0) {
      const from = this.#ends[slot + KEPT_AT]! % this.#kept.length;
      add(this.#kept, from, from + kept);
    }
    for (let at = first; at >= 0; at = pairs[at + NEXT]! * PAIR_SLOTS) {
      if (at !== first || kept > 0) add(comma, 0, 1);
      add(held, pairs[at + EQUALS]! + 1, pairs[at + END]!);
    }
    const end = this.#place(to);
    this.#kept.set(tail.subarray(0, to), end % this.#kept.length);
    this.#ends[slot + KEPT_AT] = end;
    this.#ends[slot + KEPT_BYTES] = to;
  }

  /** Where the next `bytes` go, in one piece. */
  #place(bytes: number): number {
    if (this.#keptEnd + bytes > this.#kept.length && this.#kept.length < KEPT_BYTES_MAX) {
      const grown = new Uint8Array(
        Math.min(KEPT_BYTES_MAX, Math.max(KEPT_BYTES_AT_FIRST, this.#kept.length * 2)),
      );
      grown.set(this.#kept);
      this.#kept = grown;
    }
    const size = this.#kept.length;
    const at = this.#keptEnd % size;
    if (at + bytes > size) this.#keptEnd += size - at;
    const place = this.#keptEnd;
    this.#keptEnd += bytes;
    return place;
  }

  /** Bytes that are kept for a name and not written over. */
  #keptOf(slot: number): number {
    const bytes = this.#ends[slot + KEPT_BYTES]!;
    return bytes > 0 && this.#ends[slot + KEPT_AT]! >= this.#keptEnd - this.#kept.length ? bytes : 0;
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

/** Name start, value end, where the value stands in the form, next pair of the same name or -1, its name. */
const PAIR_SLOTS = 7;
const EQUALS = 1;
const END = 2;
const SOURCE_START = 3;
const SOURCE_END = 4;
const NEXT = 5;
const NAME = 6;
/** First pair in the window or -1, last pair, what is kept of the windows before. */
const NAME_SLOTS = 4;
const LAST = 1;
const KEPT_AT = 2;
const KEPT_BYTES = 3;
/** As long as an overlap. */
const KEPT_OF_NAME_BYTES = 1024;
const KEPT_BYTES_MAX = 131_072;
const NAMES_MAX = 2048;
const KEPT_BYTES_AT_FIRST = 4096;
const PAIRS_MAX = 1024;
const PAIRS_AT_FIRST = 16;
const PAIRS_KEPT = 64;
const DECODED_BYTES = 256;

const SPACE = 0x20;
const PERCENT = 0x25;
const PLUS = 0x2b;
const COMMA = 0x2c;
const comma: Uint8Array = Uint8Array.of(COMMA);

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * 2);
  grown.set(array);
  return grown;
}

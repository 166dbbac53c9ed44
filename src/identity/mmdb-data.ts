/** A value of the data section. Numbers beyond 53 bits, doubles and bytes are `null`: nothing here needs them. */
export type MmdbValue =
  | string
  | number
  | boolean
  | null
  | ReadonlyMap<string, MmdbValue>
  | readonly MmdbValue[];

/** Reads values of a MaxMind DB's data section, `bytes[start, end)`. Bounded in depth and size, whatever they say. */
export class MmdbData {
  readonly #bytes: Buffer;
  #at = 0;
  /** Values that one record may have: pointers could make a bomb of a few bytes. */
  #left = 0;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  }

  /** The value at this offset; undefined = it cannot be read. */
  read(offset: number): MmdbValue | undefined {
    this.#left = VALUES_MAX;
    this.#at = offset;
    return this.#value(0);
  }

  #value(depth: number): MmdbValue | undefined {
    if (depth > DEPTH_MAX || this.#left-- === 0) return undefined;
    const control = this.#byte();
    if (control >>> 5 === POINTER) return this.#pointer(control, depth);
    const type = control >>> 5 === EXTENDED ? this.#byte() + 7 : control >>> 5;
    const size = this.#size(control & 31);
    if (this.#at > this.#bytes.length) return undefined;
    if (type === MAP) return this.#map(size, depth);
    if (type === ARRAY) return this.#array(size, depth);
    if (type === BOOLEAN) return size === 1;
    const start = this.#at;
    this.#at += size;
    if (this.#at > this.#bytes.length) return undefined;
    if (type === TEXT) return this.#bytes.toString("utf8", start, this.#at);
    if ((type === UINT16 || type === UINT32 || type === UINT64) && size <= 6)
      return size === 0 ? 0 : this.#bytes.readUIntBE(start, size);
    return type <= LAST_TYPE ? null : undefined;
  }

  /** What a pointer leads to; pointers do not lead to pointers. */
  #pointer(control: number, depth: number): MmdbValue | undefined {
    const more = ((control >>> 3) & 3) + 1;
    let target = more === 4 ? 0 : control & 7;
    for (let i = 0; i < more; i++) target = target * 256 + this.#byte();
    const back = this.#at;
    this.#at = target + POINTER_BASES[more - 1]!;
    if (this.#at >= this.#bytes.length || this.#bytes[this.#at]! >>> 5 === POINTER) return undefined;
    const value = this.#value(depth + 1);
    this.#at = back;
    return value;
  }

  #map(size: number, depth: number): MmdbValue | undefined {
    const map = new Map<string, MmdbValue>();
    for (let i = 0; i < size; i++) {
      const key = this.#value(depth + 1);
      const value = this.#value(depth + 1);
      if (typeof key !== "string" || value === undefined) return undefined;
      map.set(key, value);
    }
    return map;
  }

  #array(size: number, depth: number): MmdbValue | undefined {
    const array: MmdbValue[] = [];
    for (let i = 0; i < size; i++) {
      const value = this.#value(depth + 1);
      if (value === undefined) return undefined;
      array.push(value);
    }
    return array;
  }

  #size(size: number): number {
    if (size < 29) return size;
    if (size === 29) return 29 + this.#byte();
    if (size === 30) return 285 + this.#byte() * 256 + this.#byte();
    return 65_821 + this.#byte() * 65_536 + this.#byte() * 256 + this.#byte();
  }

  /** Zeros behind the end, where no value begins: see `#value`. */
  #byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }
}

const DEPTH_MAX = 16;
const VALUES_MAX = 4096;
const POINTER_BASES = [0, 2048, 526_336, 0];

const EXTENDED = 0;
const POINTER = 1;
const TEXT = 2;
const UINT16 = 5;
const UINT32 = 6;
const MAP = 7;
const UINT64 = 9;
const ARRAY = 11;
const BOOLEAN = 14;
const LAST_TYPE = 15;

import { latin1 } from "../std/byte-print.ts";
import { fieldFacts } from "./field-facts.ts";

/**
 * Fields that a header block can refer to (RFC 7541 §2.3). Each stands in `bytes` as the line `name: value` with CRLF,
 * which is how a canonical request holds it: a reference costs one copy.
 */
export interface FieldTable {
  readonly bytes: Buffer;
  /** Slots of a field in `slots` as LINE_START and the following say. */
  readonly slots: Int32Array;
}

export const LINE_START = 0;
export const NAME_LENGTH = 1;
export const VALUE_LENGTH = 2;
export const FACTS = 3;
export const TABLE_SLOTS = 4;

/** What a line has beside name and value. */
export const LINE_EXTRA_BYTES = 4;
/** What an entry counts beside name and value (RFC 7541 §4.1). */
const ENTRY_OVERHEAD_BYTES = 32;
/** Size of the dynamic table that we offer: the protocol's own default (RFC 9113 §6.5.2). */
export const TABLE_BYTES_MAX = 4096;
/** Entries that fit: a power of two, so that places are found by a mask. */
const ENTRIES_MAX = TABLE_BYTES_MAX / ENTRY_OVERHEAD_BYTES;

/**
 * The dynamic table of one client: a ring of entries over a stretch of bytes, oldest first. Entries leave as new ones
 * need their room. Nothing is allocated before the first entry; then the stretch grows with what is kept, to twice the
 * table's size, so that moving it to the front again happens once in a table's length at most.
 */
export class DynamicTable implements FieldTable {
  bytes: Buffer = EMPTY;
  slots: Int32Array = NO_SLOTS;
  #count = 0;
  /** Place of the oldest entry. */
  #oldest = 0;
  #bytesStart = 0;
  #bytesEnd = 0;
  #size = 0;
  #sizeMax = TABLE_BYTES_MAX;

  get count(): number {
    return this.#count;
  }

  /** As RFC 7541 §4.1 counts. */
  get size(): number {
    return this.#size;
  }

  /** Offset in `slots` of the `index`th newest entry, 0 first; -1 = there is none. */
  slotOf(index: number): number {
    if (index >= this.#count) return -1;
    return ((this.#oldest + this.#count - 1 - index) & (ENTRIES_MAX - 1)) * TABLE_SLOTS;
  }

  /** The encoder uses less, or more again (RFC 7541 §6.3). False: more than was offered. */
  resize(sizeMax: number): boolean {
    if (sizeMax > TABLE_BYTES_MAX) return false;
    this.#sizeMax = sizeMax;
    this.#evict(sizeMax);
    return true;
  }

  /** Takes the line at `line[start]`. One that is larger than the table empties it, and is no error (RFC 7541 §4.4). */
  insert(line: Buffer, start: number, nameLength: number, valueLength: number, facts: number): void {
    const size = nameLength + valueLength + ENTRY_OVERHEAD_BYTES;
    this.#evict(this.#sizeMax - size);
    if (size > this.#sizeMax) return;
    const length = nameLength + valueLength + LINE_EXTRA_BYTES;
    if (this.#bytesEnd + length > this.bytes.length) this.#makeRoom(length);
    line.copy(this.bytes, this.#bytesEnd, start, start + length);
    const slot = ((this.#oldest + this.#count) & (ENTRIES_MAX - 1)) * TABLE_SLOTS;
    const { slots } = this;
    slots[slot + LINE_START] = this.#bytesEnd;
    slots[slot + NAME_LENGTH] = nameLength;
    slots[slot + VALUE_LENGTH] = valueLength;
    slots[slot + FACTS] = facts;
    this.#bytesEnd += length;
    this.#count++;
    this.#size += size;
  }

  #evict(sizeMax: number): void {
    const { slots } = this;
    while (this.#count > 0 && this.#size > sizeMax) {
      const slot = this.#oldest * TABLE_SLOTS;
      const text = slots[slot + NAME_LENGTH]! + slots[slot + VALUE_LENGTH]!;
      this.#bytesStart = slots[slot + LINE_START]! + text + LINE_EXTRA_BYTES;
      this.#size -= text + ENTRY_OVERHEAD_BYTES;
      this.#oldest = (this.#oldest + 1) & (ENTRIES_MAX - 1);
      this.#count--;
    }
    if (this.#count === 0) this.#bytesStart = this.#bytesEnd = 0;
  }

  #makeRoom(length: number): void {
    const kept = this.#bytesEnd - this.#bytesStart;
    let room = this.bytes.length === 0 ? FIRST_BYTES : this.bytes.length;
    while (room < 2 * (kept + length)) room *= 2;
    const bytes = room > this.bytes.length ? Buffer.allocUnsafeSlow(room) : this.bytes;
    this.bytes.copy(bytes, 0, this.#bytesStart, this.#bytesEnd);
    this.bytes = bytes;
    if (this.slots.length === 0) this.slots = new Int32Array(ENTRIES_MAX * TABLE_SLOTS);
    for (let index = 0; index < this.#count; index++)
      this.slots[this.slotOf(index) + LINE_START]! -= this.#bytesStart;
    this.#bytesStart = 0;
    this.#bytesEnd = kept;
  }
}

const EMPTY = Buffer.alloc(0);
const NO_SLOTS = new Int32Array(0);
const FIRST_BYTES = 1024;

/** Entries 1 to 61 (RFC 7541 appendix A). */
export const STATIC_ENTRIES = 61;

const staticFields: readonly (readonly [name: string, value: string])[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""],
];

/** Index of the first entry with this name, or 0. */
export function staticIndexOf(name: string): number {
  return firstEntries.get(name) ?? 0;
}

const firstEntries: ReadonlyMap<string, number> = new Map(
  staticFields.map(([name], at) => [name, at + 1] as const).reverse(),
);

/** Entry `index` begins in `slots` at `index * TABLE_SLOTS`. */
export const staticTable: FieldTable = buildStatic();

function buildStatic(): FieldTable {
  const bytes = latin1(staticFields.map(([name, value]) => `${name}: ${value}\r\n`).join(""));
  const slots = new Int32Array((STATIC_ENTRIES + 1) * TABLE_SLOTS);
  let start = 0;
  staticFields.forEach(([name, value], at) => {
    const facts = fieldFacts(bytes, start, name.length, value.length);
    slots.set([start, name.length, value.length, facts], (at + 1) * TABLE_SLOTS);
    start += name.length + value.length + LINE_EXTRA_BYTES;
  });
  return { bytes, slots };
}

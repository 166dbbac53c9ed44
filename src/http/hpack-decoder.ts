import { fieldFacts } from "./field-facts.ts";
import { decodeHuffman, huffmanBytesMax } from "./hpack-huffman.ts";
import {
  DynamicTable,
  FACTS,
  type FieldTable,
  LINE_EXTRA_BYTES,
  LINE_START,
  NAME_LENGTH,
  STATIC_ENTRIES,
  staticTable,
  TABLE_SLOTS,
  VALUE_LENGTH,
} from "./hpack-table.ts";
import { COMPRESSION_ERROR, ENHANCE_YOUR_CALM, NO_ERROR } from "./http2-frame.ts";

/** Takes the fields of one header block, in order. */
export interface FieldSink {
  /**
   * The line `name: value` with CRLF begins at `bytes[start]`; `facts` as in field-facts.ts. Valid during the call only.
   * A name or value of a malformed field may hold any byte.
   */
  onField(bytes: Buffer, start: number, nameLength: number, valueLength: number, facts: number): void;
}

/** Where literals are written out, one per worker. Grows to what the largest block needs. */
export interface FieldScratch {
  bytes: Buffer;
}

/** The decompressor of one client (RFC 7541): its table lives as long as the connection. */
export class HpackDecoder {
  readonly table = new DynamicTable();
  #at = 0;
  #room = 0;

  /**
   * Decodes the whole block `source[start, end)`. An error code other than NO_ERROR ends the connection: later blocks
   * would be read wrongly. COMPRESSION_ERROR: it is broken. ENHANCE_YOUR_CALM: its fields have more than `bytesMax`
   * together, which bounds what a few bytes of references can cost (HPACK bomb).
   */
  decode(
    source: Buffer,
    start: number,
    end: number,
    sink: FieldSink,
    scratch: FieldScratch,
    bytesMax: number,
  ): number {
    this.#room = bytesMax;
    if (!this.#decode(source, start, end, sink, scratch)) return COMPRESSION_ERROR;
    return this.#room < 0 ? ENHANCE_YOUR_CALM : NO_ERROR;
  }

  /** False: it is broken. Stops without a word where no room is left. */
  #decode(source: Buffer, start: number, end: number, sink: FieldSink, scratch: FieldScratch): boolean {
    this.#at = start;
    let resizesLeft = RESIZES_MAX;
    while (this.#at < end && this.#room >= 0) {
      const first = source[this.#at]!;
      if ((first & 0x80) !== 0) {
        resizesLeft = 0;
        const index = this.#readInteger(source, end, 0x7f);
        if (!this.#giveEntry(index, sink)) return false;
      } else if ((first & 0xe0) === 0x20) {
        // Only in front of the first field.
        const size = this.#readInteger(source, end, 0x1f);
        if (--resizesLeft < 0 || size < 0 || !this.table.resize(size)) return false;
      } else {
        resizesLeft = 0;
        if (!this.#readLiteral(source, end, (first & 0x40) !== 0, sink, scratch)) return false;
      }
    }
    return true;
  }

  #giveEntry(index: number, sink: FieldSink): boolean {
    if (index <= 0) return false;
    const isStatic = index <= STATIC_ENTRIES;
    const table: FieldTable = isStatic ? staticTable : this.table;
    const slot = isStatic ? index * TABLE_SLOTS : this.table.slotOf(index - STATIC_ENTRIES - 1);
    if (slot < 0) return false;
    const { slots } = table;
    const nameLength = slots[slot + NAME_LENGTH]!;
    const valueLength = slots[slot + VALUE_LENGTH]!;
    this.#room -= nameLength + valueLength;
    sink.onField(table.bytes, slots[slot + LINE_START]!, nameLength, valueLength, slots[slot + FACTS]!);
    return true;
  }

  #readLiteral(
    source: Buffer,
    end: number,
    isIndexed: boolean,
    sink: FieldSink,
    scratch: FieldScratch,
  ): boolean {
    const index = this.#readInteger(source, end, isIndexed ? 0x3f : 0x0f);
    if (index < 0) return false;
    // What is left of the block bounds what it can say, but for a name by reference.
    const needed = huffmanBytesMax(end - this.#at) + NAME_BYTES_MAX + LINE_EXTRA_BYTES;
    if (scratch.bytes.length < needed) scratch.bytes = Buffer.allocUnsafeSlow(needed);
    const line = scratch.bytes;
    const nameLength = index === 0 ? this.#readString(source, end, line, 0) : this.#copyName(index, line);
    if (nameLength < 0) return false;
    line[nameLength] = 58;
    line[nameLength + 1] = 32;
    const valueLength = this.#readString(source, end, line, nameLength + 2);
    if (valueLength < 0) return false;
    this.#room -= nameLength + valueLength;
    const lineEnd = nameLength + 2 + valueLength;
    line[lineEnd] = 13;
    line[lineEnd + 1] = 10;
    const facts = fieldFacts(line, 0, nameLength, valueLength);
    sink.onField(line, 0, nameLength, valueLength, facts);
    if (isIndexed) this.table.insert(line, 0, nameLength, valueLength, facts);
    return true;
  }

  #copyName(index: number, line: Buffer): number {
    const isStatic = index <= STATIC_ENTRIES;
    const table: FieldTable = isStatic ? staticTable : this.table;
    const slot = isStatic ? index * TABLE_SLOTS : this.table.slotOf(index - STATIC_ENTRIES - 1);
    if (slot < 0) return -1;
    const start = table.slots[slot + LINE_START]!;
    const length = table.slots[slot + NAME_LENGTH]!;
    table.bytes.copy(line, 0, start, start + length);
    return length;
  }

  /** Writes a string to `line` at `to`; its length, or -1 (RFC 7541 §5.2). */
  #readString(source: Buffer, end: number, line: Buffer, to: number): number {
    if (this.#at >= end) return -1;
    const isCoded = (source[this.#at]! & 0x80) !== 0;
    const length = this.#readInteger(source, end, 0x7f);
    if (length < 0 || length > end - this.#at) return -1;
    const start = this.#at;
    this.#at += length;
    if (!isCoded) {
      source.copy(line, to, start, start + length);
      return length;
    }
    const after = decodeHuffman(source, start, start + length, line, to);
    return after < 0 ? -1 : after - to;
  }

  /** An integer whose first byte has the bits of `mask` (RFC 7541 §5.1); -1 when it is cut or beyond 2^28. */
  #readInteger(source: Buffer, end: number, mask: number): number {
    let value = source[this.#at++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= end) return -1;
      const byte = source[this.#at++]!;
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
    return -1;
  }
}

/** Size updates of one block: the lowest size since the last block, and the current one (RFC 7541 §4.2). */
const RESIZES_MAX = 2;
/** A name in the table, at most. */
const NAME_BYTES_MAX = 4096;

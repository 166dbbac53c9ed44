/**
 * Walks the frame of a zstd body (RFC 8878 §3.1.1) without decoding it, to know where it ends and what window it asks
 * for. The decoder alone does not tell: it goes on with a second frame when that starts a write, skips frames of 4 GiB,
 * and says nothing about a frame that is cut off.
 */
export class ZstdFrame {
  /** The frame's last byte was seen. */
  ended = false;
  #state = MAGIC;
  /** Little-endian number that is being read, and how many bytes of it are still to come. */
  #number = 0;
  #shift = 0;
  #remaining = 4;
  #descriptor = 0;
  #isLast = false;

  /** False when this is not one frame that we take; whatever follows the frame is refused as well. */
  write(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start;
    while (at < end) {
      if (this.ended) return false;
      if (this.#state === CONTENT) {
        const count = Math.min(end - at, this.#remaining);
        at += count;
        this.#remaining -= count;
        if (this.#remaining === 0) this.#endBlock();
        continue;
      }
      // Multiplied, not shifted: a content size has up to eight bytes, and only its size against 8 MiB matters.
      this.#number += bytes[at++]! * 2 ** this.#shift;
      this.#shift += 8;
      if (--this.#remaining > 0) continue;
      const number = this.#number;
      this.#number = 0;
      this.#shift = 0;
      if (!this.#take(number)) return false;
    }
    return true;
  }

  #take(number: number): boolean {
    switch (this.#state) {
      case MAGIC:
        if (number !== FRAME_MAGIC) return false; // also: no skippable frames
        return this.#read(DESCRIPTOR, 1);
      case DESCRIPTOR: {
        this.#descriptor = number;
        if ((number & RESERVED) !== 0 || (number & DICTIONARY_ID) !== 0) return false;
        if ((number & SINGLE_SEGMENT) === 0) return this.#read(WINDOW, 1);
        return this.#read(CONTENT_SIZE, number >> 6 === 0 ? 1 : 1 << (number >> 6));
      }
      case WINDOW: {
        const base = 2 ** (10 + (number >> 3));
        if (base + (base / 8) * (number & 7) > WINDOW_MAX_BYTES) return false;
        const size = this.#descriptor >> 6;
        return size === 0 ? this.#read(BLOCK_HEADER, 3) : this.#read(CONTENT_SIZE, 1 << size);
      }
      case CONTENT_SIZE:
        // A single segment's window is its content.
        if ((this.#descriptor & SINGLE_SEGMENT) !== 0 && number > WINDOW_MAX_BYTES) return false;
        return this.#read(BLOCK_HEADER, 3);
      case BLOCK_HEADER: {
        this.#isLast = (number & 1) === 1;
        const type = (number >> 1) & 3;
        const size = type === RLE_BLOCK ? 1 : number >> 3;
        if (type === RESERVED_BLOCK || number >> 3 > BLOCK_MAX_BYTES) return false;
        this.#read(CONTENT, size);
        if (size === 0) this.#endBlock();
        return true;
      }
      default:
        this.ended = true; // checksum: the decoder compares it
        return true;
    }
  }

  #endBlock(): void {
    if (!this.#isLast) this.#read(BLOCK_HEADER, 3);
    else if ((this.#descriptor & CHECKSUM) !== 0) this.#read(CHECKSUM_BYTES, 4);
    else this.ended = true;
  }

  #read(state: number, bytes: number): true {
    this.#state = state;
    this.#remaining = bytes;
    return true;
  }
}

const WINDOW_MAX_BYTES = 8 * 1024 * 1024;
const BLOCK_MAX_BYTES = 128 * 1024;
const FRAME_MAGIC = 0xfd2fb528;

const MAGIC = 0;
const DESCRIPTOR = 1;
const WINDOW = 2;
const CONTENT_SIZE = 3;
const BLOCK_HEADER = 4;
const CONTENT = 5;
const CHECKSUM_BYTES = 6;

/** Bits of the frame header descriptor (§3.1.1.1.1). */
const DICTIONARY_ID = 0x03;
const CHECKSUM = 0x04;
const RESERVED = 0x08;
const SINGLE_SEGMENT = 0x20;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

import type { HeadImage } from "./head-image.ts";
import type { Life } from "./life.ts";

/** Who gives a stored answer to a client, while it may still grow. */
export interface Reader {
  /** How far it is: what lies before that it needs no more. */
  readonly offset: number;
  /** More came, or all is there. */
  onMore(): void;
  /** No more will come: `complete` never becomes true. */
  onBroken(): void;
}

/** What an entry costs beside its bytes: objects, buffers, a place in the table (measured: 2,000 with nine fields). */
const ENTRY_BYTES = 2048;
/** Of a short text in an array. */
const TEXT_BYTES = 40;
const PIECE_BYTES = 65_536;

/**
 * One answer in memory: a head that is ready to be printed and a body in pieces, shared by all who read it. It may be read
 * while it grows, and goes on being read when it has been evicted: `onReaders` then says when its bytes are free.
 */
export class StoredAnswer {
  readonly key: Buffer;
  readonly hash: number;
  readonly profile: string;
  readonly upstream: string;
  readonly vary: readonly string[];
  readonly variant: string;
  readonly tags: readonly string[];
  head: HeadImage;
  life: Life;

  /** Of the whole body; -1 = not known until it is complete. */
  length: number;
  /** Of the body so far. */
  bodyBytes = 0;
  complete = false;
  broken = false;
  /** Whole, in this order, from `firstOffset` on. */
  readonly pieces: Buffer[] = [];
  firstOffset = 0;
  readonly readers = new Set<Reader>();

  // The table's.
  next: StoredAnswer | undefined = undefined;
  sieveNext: StoredAnswer | undefined = undefined;
  sievePrev: StoredAnswer | undefined = undefined;
  visited = false;
  isIndexed = false;
  /** Called when the last reader leaves. */
  onUnread: (() => void) | undefined = undefined;
  /** Called when a reader got further or left, while the answer is too large to be kept. */
  onRead: (() => void) | undefined = undefined;

  /** Lines about the cache that hits add, of the second `noteSecs` of its age. */
  noteSecs = -1;
  note = "";

  constructor(
    place: {
      readonly key: Buffer;
      readonly hash: number;
      readonly profile: string;
      readonly upstream: string;
      readonly vary: readonly string[];
      readonly variant: string;
      readonly tags: readonly string[];
    },
    head: HeadImage,
    life: Life,
    length: number,
  ) {
    this.key = place.key;
    this.hash = place.hash;
    this.profile = place.profile;
    this.upstream = place.upstream;
    this.vary = place.vary;
    this.variant = place.variant;
    this.tags = place.tags;
    this.head = head;
    this.life = life;
    this.length = length;
    this.#placeBytes = ENTRY_BYTES + place.key.length + place.variant.length;
    for (const text of [...place.vary, ...place.tags]) this.#placeBytes += text.length + TEXT_BYTES;
  }

  /** What it takes of the budget. */
  get bytes(): number {
    const { bytes, fields } = this.head;
    return this.heldBytes + bytes.length + fields.byteLength + this.#placeBytes;
  }

  /** Copies bytes of the body to its end. */
  append(bytes: Buffer, start: number, end: number): void {
    while (start < end) {
      const last = this.pieces.at(-1);
      // Bytes of the last piece that are filled.
      const filled = last === undefined ? 0 : this.#lastFilled;
      if (last === undefined || filled === last.length) {
        this.pieces.push(Buffer.allocUnsafeSlow(this.#nextPieceBytes(end - start)));
        this.#lastFilled = 0;
        continue;
      }
      const count = Math.min(end - start, last.length - filled);
      bytes.copy(last, filled, start, start + count);
      this.#lastFilled = filled + count;
      this.bodyBytes += count;
      start += count;
    }
  }

  #lastFilled = 0;
  /** Of all that never changes: an upstream chooses how many tags there are, clients how long a variant is. */
  readonly #placeBytes: number;

  /** A body of known length that fits is one piece; otherwise pieces are as large as what comes, up to 64 KiB. */
  #nextPieceBytes(coming: number): number {
    if (this.length >= 0) return Math.min(this.length - this.bodyBytes, 16 * PIECE_BYTES);
    return Math.min(PIECE_BYTES, Math.max(coming, Math.min(this.bodyBytes, PIECE_BYTES), 1024));
  }

  /** All is there. */
  finish(): void {
    this.complete = true;
    this.length = this.bodyBytes;
    this.onRead = undefined;
    const last = this.pieces.at(-1);
    // What was taken too large is given back.
    if (last !== undefined && this.#lastFilled < last.length)
      this.pieces[this.pieces.length - 1] = Buffer.from(last.subarray(0, this.#lastFilled));
    this.tellMore();
  }

  tellMore(): void {
    for (const reader of [...this.readers]) reader.onMore();
  }

  breakOff(): void {
    this.broken = true;
    for (const reader of [...this.readers]) reader.onBroken();
  }

  enter(reader: Reader): void {
    this.readers.add(reader);
  }

  leave(reader: Reader): void {
    if (!this.readers.delete(reader)) return;
    if (this.readers.size === 0) this.onUnread?.();
    // It may have been the slowest, which the others waited for.
    else this.onRead?.();
  }

  /** Forgets whole pieces that lie before `offset`, of an answer that is too large to be kept. Returns the bytes. */
  trim(offset: number): number {
    let freed = 0;
    while (this.pieces.length > 1 && this.firstOffset + this.pieces[0]!.length <= offset) {
      const piece = this.pieces.shift()!;
      this.firstOffset += piece.length;
      freed += piece.length;
    }
    return freed;
  }

  /** Bytes that are there from `firstOffset`. */
  get heldBytes(): number {
    return this.bodyBytes - this.firstOffset;
  }
}

import { RepeatedNames } from "./form-repeat.ts";
import { HeldBytes } from "./held-bytes.ts";
import type { Piece } from "./piece.ts";

/**
 * The fields of a multipart body whose name comes twice, joined as those of a form (form-repeat.ts): a payload that is cut
 * in two is whole only there. Of a long value its ends are held; of all of them a window.
 */
export class RepeatedParts {
  readonly #names: RepeatedNames;
  readonly #held: HeldBytes = new HeldBytes(HELD_BYTES_KEPT, 2 * WINDOW_BYTES);
  /** Where the field's name starts and ends in `#held`. */
  #start = 0;
  #nameEnd = 0;
  /** Bytes of the value so far, and where it starts in the body. */
  #length = 0;
  #source = 0;

  /** `seed`: 32 random bits, see NameSet. */
  constructor(seed: number) {
    this.#names = new RepeatedNames(seed);
  }

  /** Before the next body. */
  clear(): void {
    this.#names.clear();
    this.#held.clear();
  }

  /** A field begins whose name is `bytes[start, end)`; `source`: where its value starts. */
  begin(bytes: Uint8Array, start: number, end: number, source: number): void {
    this.#start = this.#held.end;
    this.#held.add(bytes, start, end);
    this.#nameEnd = this.#held.end;
    // The sign between a name and its value.
    this.#held.add(EQUALS, 0, 1);
    this.#length = 0;
    this.#source = source;
  }

  /**
   * A piece of the value, `bytes[start, end)`, of which `repeated` bytes were in the piece before. False when the names
   * collide more than names do.
   */
  add(bytes: Uint8Array, start: number, end: number, repeated: number, goesOn: boolean): boolean {
    const from = start + repeated;
    const missing = END_BYTES - (this.#held.end - this.#nameEnd - 1);
    const first = Math.min(end, from + Math.max(0, missing));
    this.#held.add(bytes, from, first);
    this.#length += end - from;
    if (goesOn) return true;
    const left = this.#length - (this.#held.end - this.#nameEnd - 1);
    const count = Math.min(left, END_BYTES, end - start);
    if (left > count) this.#held.add(LINE_END, 0, 1);
    this.#held.add(bytes, end - count, end);
    if (this.#length === 0) return true;
    const until = this.#source + this.#length;
    return this.#names.add(this.#held.bytes, this.#start, this.#nameEnd, this.#held.end, this.#source, until);
  }

  /** After a field: whether the window is full, so that `report` is due. */
  get isFull(): boolean {
    return this.#held.end >= WINDOW_BYTES || this.#names.isFull;
  }

  /** Some name came twice: `report` has something to say. */
  get isRepeated(): boolean {
    return this.#names.isRepeated;
  }

  /** Reports what is repeated, through `joined`; `name` is told before. At the end of the body, and where `isFull`. */
  report(joined: Piece, name: (name: string) => void): void {
    this.#names.report(this.#held.bytes, joined, (start, end) =>
      name(this.#held.bytes.latin1Slice(start, end)),
    );
  }

  /** Where `isFull`, after `report`. */
  nextWindow(): void {
    this.#names.nextWindow(this.#held.bytes);
    this.#held.end = 0;
  }
}

const HELD_BYTES_KEPT = 8192;
const WINDOW_BYTES = 32_768;
/** Of a value, from each end. */
const END_BYTES = 1024;
const EQUALS: Uint8Array = Uint8Array.of(0x3d);
const LINE_END: Uint8Array = Uint8Array.of(0x0a);

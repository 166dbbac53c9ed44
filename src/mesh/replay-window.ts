/** Sequences below the highest that are told apart: 20 s of an edge that sends 400 envelopes a second. */
const WINDOW = 8192;

export type Freshness = "fresh" | "replay" | "contradiction";

/**
 * Which envelopes of one signer were seen, in any order. Keeps 4 bytes of each one's tag, so that a second envelope with
 * a used sequence shows whether it is the same one or a signer that says two things at once.
 */
export class ReplayWindow {
  readonly #marks = new Uint32Array(WINDOW);
  #highest: number;
  /** Sequences up to here are from before the start: seen or not, they are over. */
  readonly #floor: number;

  constructor(floor = 0) {
    this.#highest = floor;
    this.#floor = floor;
  }

  /** Kept over a restart. */
  get highest(): number {
    return this.#highest;
  }

  look(sequence: number, tag: Uint8Array): Freshness {
    if (sequence <= this.#floor || sequence <= this.#highest - WINDOW) return "replay";
    if (sequence > this.#highest) return "fresh";
    const mark = this.#marks[sequence % WINDOW]!;
    if (mark === 0) return "fresh";
    return mark === markOf(tag) ? "replay" : "contradiction";
  }

  /** Only what is verified: else anybody could move the window. */
  take(sequence: number, tag: Uint8Array): void {
    if (sequence > this.#highest) {
      const passed = Math.min(sequence - this.#highest, WINDOW);
      for (let one = sequence - passed + 1; one < sequence; one++) this.#marks[one % WINDOW] = 0;
      this.#highest = sequence;
    }
    this.#marks[sequence % WINDOW] = markOf(tag);
  }
}

/** 0 means: not seen. */
function markOf(tag: Uint8Array): number {
  return ((tag[0]! << 24) | (tag[1]! << 16) | (tag[2]! << 8) | tag[3]! | 1) >>> 0;
}

import { INPUT_BYTES_MAX } from "./mutator.ts";
import type { Progress, SearchResult } from "./search.ts";

/** What a thread is to search. */
export interface Task {
  readonly target: string;
  readonly seconds: number;
  readonly seed: number;
  /** Of a `Watched`. */
  readonly shared: SharedArrayBuffer;
}

/** About once a second, and at the end. Inputs arrive as plain bytes. */
export type FromThread =
  | ({ readonly type: "progress"; readonly seconds: number } & Progress)
  | ({ readonly type: "done"; readonly seconds: number } & SearchResult);

/** The input that a thread runs, for another thread to read when this one does not come back. */
export class Watched {
  readonly shared: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(shared = new SharedArrayBuffer(8 + INPUT_BYTES_MAX)) {
    this.shared = shared;
    this.#numbers = new Int32Array(shared, 0, 2);
    this.#bytes = new Uint8Array(shared, 8);
  }

  show(input: Uint8Array): void {
    const length = Math.min(input.length, INPUT_BYTES_MAX);
    this.#bytes.set(length === input.length ? input : input.subarray(0, length));
    Atomics.store(this.#numbers, 0, length);
    Atomics.add(this.#numbers, 1, 1);
  }

  /** Changes with each input. */
  get count(): number {
    return Atomics.load(this.#numbers, 1);
  }

  get input(): Buffer {
    return Buffer.from(this.#bytes.slice(0, Atomics.load(this.#numbers, 0)));
  }
}

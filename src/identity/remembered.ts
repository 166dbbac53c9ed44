/**
 * Who was verified, by a digest of the credential: two generations, so that the oldest half goes at once
 * and no use has to be written down. Only good ones come in here, or a flood of bad ones would push them out.
 */
export class Remembered<T> {
  readonly #generationMax: number;
  #young = new Map<string, T>();
  #old = new Map<string, T>();

  /** Twice as many are remembered at most. */
  constructor(generationMax: number) {
    this.#generationMax = generationMax;
  }

  get(digest: string): T | undefined {
    return this.#young.get(digest) ?? this.#old.get(digest);
  }

  add(digest: string, one: T): void {
    if (this.#young.size >= this.#generationMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(digest, one);
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
  }
}

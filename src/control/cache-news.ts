/** Told when there are so many, or so long after the first. */
const KEYS_MAX = 256;
const WAIT_MS = 20;

/** Keys of stored answers that an unsafe request made out of date here, on their way to the other workers. */
export class CacheNews {
  readonly #tell: (keys: readonly Uint8Array[]) => void;
  #keys: Uint8Array[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (keys: readonly Uint8Array[]) => void) {
    this.#tell = tell;
  }

  add(keys: readonly Uint8Array[]): void {
    this.#keys.push(...keys);
    if (this.#keys.length >= KEYS_MAX) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), WAIT_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const keys = this.#keys;
    this.#keys = [];
    if (keys.length > 0) this.#tell(keys);
  }
}

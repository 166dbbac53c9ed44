import type { KeyObject } from "node:crypto";
import { firstKey, keyId, nextKey } from "./mac-key.ts";

/** Steps that are taken to reach an epoch; a writer makes one every ten minutes. */
const STEPS_MAX = 10_000;

/** The MAC keys of one log for whoever has its root keys: by boot and epoch. Goes forward cheaply, as a log does. */
export class KeyRing {
  readonly #logId: string;
  readonly #roots: ReadonlyMap<string, KeyObject>;
  #root: KeyObject;
  #boot = "";
  #epoch = 0;
  #key: KeyObject | undefined;

  /** `roots` has at least one. */
  constructor(logId: string, roots: readonly KeyObject[]) {
    this.#logId = logId;
    this.#roots = new Map(roots.map((root) => [keyId(root), root]));
    this.#root = roots[0]!;
  }

  has(id: string): boolean {
    return this.#roots.has(id);
  }

  /** The records from here on say that they were made with the root of this id. */
  useRoot(id: string): void {
    const root = this.#roots.get(id) ?? this.#root;
    if (root !== this.#root) this.#key = undefined;
    this.#root = root;
  }

  /** Undefined for an epoch that no writer reaches. */
  keyOf(boot: string, epoch: number): KeyObject | undefined {
    if (this.#key === undefined || boot !== this.#boot || epoch < this.#epoch) {
      if (epoch > STEPS_MAX) return undefined;
      this.#key = firstKey(this.#root, this.#logId, boot);
      this.#boot = boot;
      this.#epoch = 0;
    }
    if (epoch - this.#epoch > STEPS_MAX) return undefined;
    for (; this.#epoch < epoch; this.#epoch++) this.#key = nextKey(this.#key);
    return this.#key;
  }
}

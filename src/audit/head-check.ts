import type { Findings } from "./finding.ts";
import type { Head } from "./head.ts";
import type { Tree } from "./tree.ts";

/** Compares a log's tree, as it grows, with the checkpoints: its own, and those that somebody else remembers. */
export class HeadCheck {
  readonly #findings: Findings;
  readonly #own: ReadonlyMap<number, readonly Head[]>;
  readonly #outside: ReadonlyMap<number, readonly Head[]>;
  /** Sizes of the newest checkpoints that were right. */
  #ownSound = 0;
  #outsideSound = 0;
  /** After the first wrong root all others are wrong as well. */
  #isDone = false;

  constructor(findings: Findings, own: readonly Head[], outside: readonly Head[]) {
    this.#findings = findings;
    this.#own = Map.groupBy(own, ({ size }) => size);
    this.#outside = Map.groupBy(outside, ({ size }) => size);
  }

  /** `isSealed`: MACs are checked, and were right. */
  compare(tree: Tree, isSealed: boolean): void {
    const { size } = tree;
    const own = this.#own.get(size);
    const outside = this.#outside.get(size);
    if (this.#isDone || (own === undefined && outside === undefined)) return;
    const root = tree.root();
    const isRight = (head: Head): boolean => head.root.equals(root);
    if (own?.every(isRight) === true) this.#ownSound = size;
    if (outside?.every(isRight) === false)
      // Nothing in it is out of place, or is signed: it was made by whoever has the keys.
      this.#report(
        isSealed || (own === undefined ? this.#ownSound > this.#outsideSound : this.#ownSound === size),
        this.#outsideSound,
        size,
      );
    else if (own?.every(isRight) === false)
      this.#report(isSealed, Math.max(this.#ownSound, this.#outsideSound), size);
    else if (outside !== undefined) this.#outsideSound = size;
  }

  #report(isForked: boolean, soundSize: number, size: number): void {
    this.#isDone = true;
    // What was found already explains it.
    if (this.#findings.touches(["changed", "removed", "inserted", "moved", "segment_missing"], 0, size - 1))
      return;
    const detail = `the checkpoint of size ${size} has another root`;
    this.#findings.add(isForked ? "forked" : "changed", soundSize, size - 1, detail);
  }
}

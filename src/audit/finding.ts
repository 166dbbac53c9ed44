/**
 * What a verifier finds, each with the exit code of `zion audit verify`. When there are several, the first in this list
 * decides the code.
 */
export const findingCodes = {
  /** Records, or a checkpoint, are not what was written. */
  changed: 2,
  /** Records are missing between others. */
  removed: 2,
  /** Lines that do not belong there. */
  inserted: 2,
  /** Records stand in another order. */
  moved: 2,
  /** Events of one process are missing, and nothing in the log says that they were dropped. */
  worker_gap: 2,
  /** The end is missing: a checkpoint was signed for a longer log. */
  truncated: 3,
  /** Another history than the one a checkpoint was signed for, made by somebody with the keys. */
  forked: 3,
  segment_missing: 5,
  /** The key given is not the one the log was written with, or a key was exchanged without a record. */
  wrong_key: 6,
  /** Nobody outside has seen the newest records for longer than is allowed. */
  unanchored_tail: 4,
  /** What a crash left half written: the writer cut it off and said so, or it is a note. Counts only with --strict. */
  recovered: 7,
} as const;

export type FindingName = keyof typeof findingCodes;

export interface Finding {
  readonly name: FindingName;
  /** First and last record concerned, by seq. */
  readonly from: number;
  readonly to: number;
  readonly detail: string;
}

/** Collects findings; those of one name that touch become one range. */
export class Findings {
  readonly #all: Finding[] = [];
  /** Those that were left out because there are too many to tell. */
  leftOut = 0;

  add(name: FindingName, from: number, to: number, detail: string): void {
    const last = this.#all.at(-1);
    if (last?.name === name && from <= last.to + 1 && from >= last.from) {
      this.#all[this.#all.length - 1] = { ...last, to: Math.max(to, last.to) };
      return;
    }
    if (this.#all.length >= FINDINGS_MAX) this.leftOut++;
    else this.#all.push({ name, from, to, detail });
  }

  get all(): readonly Finding[] {
    return this.#all;
  }

  /** Whether a finding of these names touches [from, to]. */
  touches(names: readonly FindingName[], from: number, to: number): boolean {
    return this.#all.some((one) => names.includes(one.name) && one.from <= to && one.to >= from);
  }

  /** Takes back what was found of this name in [from, to]: it has a better one. */
  withdraw(name: FindingName, from: number, to: number): void {
    const kept = this.#all.flatMap((one) => {
      if (one.name !== name || one.from > to || one.to < from) return [one];
      const before = { ...one, to: from - 1 };
      const after = { ...one, from: to + 1 };
      return [before, after].filter((part) => part.from <= part.to);
    });
    this.#all.splice(0, this.#all.length, ...kept);
  }
}

/** Exit code for findings: that of the gravest. */
export function exitCodeOf(findings: readonly Finding[], strict: boolean): number {
  for (const [name, code] of Object.entries(findingCodes)) {
    if (name === "recovered" && !strict) continue;
    if (findings.some((finding) => finding.name === name)) return code;
  }
  return 0;
}

/** A damaged log of a million lines needs no million findings. */
const FINDINGS_MAX = 1000;

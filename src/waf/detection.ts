/**
 * What detectors see and say. A detector looks at one value in one reading (view) of it and reports constructs by their
 * grammar, not by phrases. It is pure, keeps nothing, and runs in time linear in the text.
 */

/** One reading of a value: latin-1 text, one char per byte, whatever its encoding was. */
export interface Subject {
  readonly text: string;
  /** `text` with A-Z lower-cased; same length. */
  readonly lower: string;
  /** A string three levels deep in JSON, or in lines of it: of records and manifests, where parameters are not. */
  readonly isNested?: boolean;
}

/** One construct that was found. */
export interface Detection {
  /** `class.construct`, e.g. `sql.union_select`: what rules name in `detect`. */
  readonly kind: string;
  /** Offsets in the subject's text. */
  readonly start: number;
  readonly end: number;
}

export interface Detector {
  /** `sql`, `html`, `shell`, …: the first part of its kinds. */
  readonly name: string;
  /** All kinds it can report, with one sentence each for `zion rules` and the docs. */
  readonly kinds: Readonly<Record<string, string>>;
  /**
   * Lower-case literals, at least one of which occurs in the lower-cased text whenever the detector has something to
   * say. The engine finds them in its one automaton pass and calls no detector without one.
   */
  readonly triggers: readonly string[];
  /**
   * More triggers, which count only where no ASCII letter stands before or behind them: `or` is in most texts, as a word
   * of its own in few. Default none.
   */
  readonly words?: readonly string[];
  /**
   * True only where `detect` would find nothing: a look at the bytes for triggers that stand in most texts. It saves
   * the strings, too, when no other detector asks for them. `flags`: what harmless.ts says about all bytes together.
   * Default never.
   */
  isIdle?(bytes: Uint8Array, start: number, end: number, flags: number): boolean;
  /** Appends to `found`, at most `DETECTIONS_MAX` per call. */
  detect(subject: Subject, found: Detection[]): void;
}

export const DETECTIONS_MAX = 8;

import type { RuleSet } from "./compile.ts";
import type { Detection } from "./detection.ts";
import { VIEWS_MAX, Views, WINDOW_BYTES } from "./views.ts";

/**
 * The buffers that reading one value takes: its views, what was found in them, what detectors are given. One per worker
 * and rule set, about 400 KiB, shared by all Inspectors of the worker: nothing in it outlives a call of `value`.
 */
export class Scratch {
  readonly ruleSet: RuleSet;
  /** Readings of a value, of what stood in it as base64, and of what stood in that. */
  readonly levels: readonly Level[];
  readonly found: Detection[] = [];
  readonly lower: Buffer = Buffer.alloc(WINDOW_BYTES);

  constructor(ruleSet: RuleSet) {
    this.ruleSet = ruleSet;
    this.levels = Array.from({ length: BASE64_LEVELS + 1 }, () => ({
      views: new Views(ruleSet.byteFlags),
      hits: Array.from({ length: VIEWS_MAX }, () => new Uint32Array(ruleSet.automaton.hitWords)),
    }));
  }
}

/** Base64 in base64 is undone once. */
export const BASE64_LEVELS = 2;

export interface Level {
  readonly views: Views;
  /** By view: the automaton's targets with a literal in it. */
  readonly hits: readonly Uint32Array[];
}

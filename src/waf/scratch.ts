import type { RuleSet } from "./compile.ts";
import type { Detection } from "./detection.ts";
import type { FindingWitness } from "./finding.ts";
import { DECODERS, isReader, VIEWS_MAX, Views, WINDOW_BYTES } from "./views.ts";

/**
 * The buffers that reading one value takes: its views, what was found in them, what detectors are given. One per worker
 * and rule set, about 400 KiB, shared by all Inspectors of the worker: nothing in it outlives a call of `value`.
 */
export class Scratch {
  readonly ruleSet: RuleSet;
  /** Readings of a value, of what stood in it as base64 or as a string of JSON text, and of what stood in that. */
  readonly levels: readonly Level[];
  /** By the last decoder of a reading: the automaton's targets that it is for. */
  readonly readers: readonly Uint32Array[];
  readonly found: Detection[] = [];
  readonly lower: Buffer = Buffer.alloc(WINDOW_BYTES);
  /** Undefined while serving. */
  readonly witness: FindingWitness | undefined;

  constructor(ruleSet: RuleSet, witness?: FindingWitness) {
    this.ruleSet = ruleSet;
    this.witness = witness;
    this.readers = Array.from({ length: DECODERS }, (_, id) => readersOf(ruleSet, id));
    this.levels = Array.from({ length: INNER_LEVELS + 1 }, () => ({
      views: new Views(ruleSet.byteFlags),
      hits: Array.from({ length: VIEWS_MAX }, () => new Uint32Array(ruleSet.automaton.hitWords)),
      inner: Buffer.alloc(WINDOW_BYTES),
    }));
  }
}

/** Base64 in base64 is undone once; so is base64 in JSON text, and JSON text in base64. */
export const INNER_LEVELS = 2;

export interface Level {
  readonly views: Views;
  /** By view: the automaton's targets with a literal in it. */
  readonly hits: readonly Uint32Array[];
  /** A string of a value that is JSON text, its escapes resolved. */
  readonly inner: Buffer;
}

/** Rules without a detector look at every reading. */
function readersOf({ targets, automaton }: RuleSet, id: number): Uint32Array {
  const mask = new Uint32Array(automaton.hitWords);
  for (const [bit, { detector }] of targets.entries())
    if (detector === undefined || isReader(id, detector.name)) mask[bit >>> 5]! |= 1 << (bit & 31);
  return mask;
}

import { withoutHashes, withoutSecrets } from "./secrets.ts";
import { type Outcome, verdicts } from "./verdict.ts";

/** One directive, annotation or key as it stands in the other program's configuration. */
export interface Item {
  readonly file: string;
  /** From 1; 0 = the reader does not know. */
  readonly line: number;
  /** What it belongs to: "server shop.example.org, location /api/". */
  readonly where: string;
  /** As the tables of directives call it: "client_max_body_size". */
  readonly name: string;
  /** The whole of it as written, on one line. */
  readonly text: string;
}

export interface Row extends Item, Outcome {}

/** Every item of the input and what became of it. An item nobody decides about needs you: none is dropped in silence. */
export interface Ledger {
  enter(item: Item): void;
  /** May be called more than once: the worst verdict stays, and each sentence once. */
  decide(item: Item, outcome: Outcome): void;
  isDecided(item: Item): boolean;
  /** One row per item, in the order of the input. */
  rows(): readonly Row[];
}

/** Sentences of one row. A directive of the `http` block can differ in each of a thousand locations. */
const SENTENCES_MAX = 4;

export function openLedger(): Ledger {
  const items = new Map<Item, Outcome[]>();
  return {
    enter: (item) => void items.set(item, []),
    decide(item, outcome) {
      const outcomes = items.get(item);
      if (outcomes === undefined) throw new Error(`${item.name} was never entered`);
      outcomes.push(outcome);
    },
    isDecided: (item) => (items.get(item)?.length ?? 0) > 0,
    rows: () =>
      [...items].map(([item, outcomes]) => {
        const { verdict, explanation } = merge(outcomes);
        return {
          ...item,
          text: withoutSecrets(item.text),
          verdict,
          explanation: withoutHashes(explanation),
        };
      }),
  };
}

function merge(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.length === 0) return { verdict: "needs_you", explanation: "this importer does not know it" };
  const rank = Math.max(...outcomes.map(({ verdict }) => verdicts.indexOf(verdict)));
  const verdict = verdicts[rank]!;
  // What went well elsewhere does not explain what did not go well here.
  const worst = outcomes
    .filter((outcome) => outcome.verdict === verdict)
    .map(({ explanation }) => explanation);
  const sentences = [...new Set(worst)].filter((text) => text !== "");
  const more = sentences.length - SENTENCES_MAX;
  const shown = sentences.slice(0, SENTENCES_MAX);
  if (more > 0) shown.push(`and ${more} more`);
  return { verdict, explanation: shown.join("; ") };
}

import type { CorpusName } from "./corpora.ts";
import { blockedOf, type Figures, type Row } from "./figures.ts";

/** A figure that must be reached. */
export interface Bar {
  readonly id: string;
  readonly corpus: CorpusName;
  readonly what: string;
  /** Cases the figure is of. */
  readonly n: number;
  readonly value: number;
  readonly unit: "%" | "cases";
  readonly must: "≥" | "≤";
  readonly limit: number;
  readonly met: boolean;
}

/** The bars of those corpora that ran whole. */
export function barsOf(figures: Figures): Bar[] {
  const bars: Bar[] = [];
  const rowsOf = (name: CorpusName): readonly Row[] =>
    figures.corpora.find(({ corpus }) => corpus === name)?.rows ?? [];
  const add = (
    corpus: CorpusName,
    what: string,
    rows: readonly Row[],
    value: (rows: readonly Row[]) => number,
    unit: Bar["unit"],
    must: Bar["must"],
    limit: number,
  ): void => {
    if (rows.length === 0) return;
    const measured = value(rows);
    const met = must === "≥" ? measured >= limit : measured <= limit;
    const n = rows.reduce((sum, row) => sum + row.n, 0);
    bars.push({ id: `${corpus}: ${what}`, corpus, what, n, value: measured, unit, must, limit, met });
  };
  const attacks = (name: CorpusName): readonly Row[] =>
    rowsOf(name).filter(({ expect }) => expect === "block");
  const benign = (name: CorpusName): readonly Row[] => rowsOf(name).filter(({ expect }) => expect === "pass");

  add("crs-attacks", "blocked", attacks("crs-attacks"), rate, "%", "≥", 95);
  add("crs-attacks", "blocked, mean over families", attacks("crs-attacks"), mean, "%", "≥", 93);
  add("crs-near-misses", "blocked", benign("crs-near-misses"), rateNotPassed, "%", "≤", 5);
  add("gotestwaf", "attacks blocked", attacks("gotestwaf"), rate, "%", "≥", 90);
  add("gotestwaf", "benign blocked", benign("gotestwaf"), rateNotPassed, "%", "≤", 2);
  add("payload-lists", "blocked, mean over classes", attacks("payload-lists"), mean, "%", "≥", 95);
  add("payload-lists", "blocked, worst class", attacks("payload-lists"), worst, "%", "≥", 85);
  add("benign-browsing", "blocked", benign("benign-browsing"), wrong, "cases", "≤", 4);
  add(
    "json-suite",
    "must-reject not refused by the JSON gate",
    attacks("json-suite"),
    wrong,
    "cases",
    "≤",
    0,
  );
  add("json-suite", "must-accept refused", benign("json-suite"), wrong, "cases", "≤", 0);
  add("desync", "attacks forwarded ambiguously", attacks("desync"), wrong, "cases", "≤", 0);
  add("desync", "compliant refused, beyond the list", benign("desync"), wrong, "cases", "≤", 0);
  add("generator", "blocked", benign("generator"), wrong, "cases", "≤", 0);
  return bars;
}

const total = (rows: readonly Row[]): number => rows.reduce((sum, { n }) => sum + n, 0);
const wrong = (rows: readonly Row[]): number => rows.reduce((sum, row) => sum + row.wrong.length, 0);
const rate = (rows: readonly Row[]): number =>
  (100 * rows.reduce((sum, row) => sum + blockedOf(row), 0)) / total(rows);
const rateNotPassed = (rows: readonly Row[]): number => (100 * wrong(rows)) / total(rows);
const rateOf = (row: Row): number => (100 * blockedOf(row)) / row.n;
const mean = (rows: readonly Row[]): number => rows.reduce((sum, row) => sum + rateOf(row), 0) / rows.length;
const worst = (rows: readonly Row[]): number => Math.min(...rows.map(rateOf));

import type { Corpus, CorpusName } from "./corpora.ts";
import { isBlocked, isRight, type Judged } from "./verdict.ts";

/** Everything a run measured. Cases are named by id: no line of a corpus is kept. */
export interface Figures {
  readonly schema: 1;
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly target: string;
  readonly corpora: readonly CorpusFigures[];
}

export interface CorpusFigures {
  readonly corpus: CorpusName;
  readonly leftOut: number;
  readonly rows: readonly Row[];
}

/** One category of one corpus, by what is expected of it. */
export interface Row {
  readonly category: string;
  readonly expect: "block" | "pass" | "either";
  readonly n: number;
  /** Refused by the WAF. */
  readonly waf: number;
  /** Refused by the head parser, a limit, or by closing. */
  readonly refused: number;
  /** Forwarded, and seen by the raw origin as unambiguous. */
  readonly clean: number;
  /** Neither refused nor forwarded: answers of another kind and time-outs. */
  readonly lost: number;
  /** Cases whose outcome is not the expected one. */
  readonly wrong: readonly Wrong[];
}

export interface Wrong {
  readonly id: string;
  /** Gate and rule that refused, or what happened instead; "" = forwarded. */
  readonly why: string;
}

export function blockedOf(row: Row): number {
  return row.waf + row.refused;
}

/** Counts the judged cases of a corpus by category. */
export function figuresOf(corpus: Corpus, judged: readonly Judged[]): CorpusFigures {
  if (judged.length !== corpus.cases.length) throw new Error(`${corpus.name}: not every case was judged`);
  const rows = new Map<string, { -readonly [K in keyof Row]: Row[K] } & { wrong: Wrong[] }>();
  for (const result of judged) {
    const { one, verdict } = result;
    const key = `${one.category} ${one.expect}`;
    let row = rows.get(key);
    if (row === undefined) {
      row = {
        category: one.category,
        expect: one.expect,
        n: 0,
        waf: 0,
        refused: 0,
        clean: 0,
        lost: 0,
        wrong: [],
      };
      rows.set(key, row);
    }
    row.n++;
    if (verdict === "waf") row.waf++;
    if (verdict === "refused") row.refused++;
    if (verdict === "clean") row.clean++;
    if (verdict === "other" || verdict === "timeout") row.lost++;
    if (!isRightIn(corpus.name, result)) row.wrong.push(named(result));
  }
  const sorted = [...rows.values()].sort((a, b) => (a.category + a.expect < b.category + b.expect ? -1 : 1));
  return { corpus: corpus.name, leftOut: corpus.leftOut.length, rows: sorted };
}

/** Compliant requests of the desync corpus that the gateway refuses on purpose: test/conformance checks them one by one. */
export const stricter: ReadonlySet<string> = new Set([
  "desync/guardian-more-compliant-tests-5",
  "desync/guardian-more-compliant-tests-7",
  "desync/guardian-more-compliant-tests-8",
  "desync/guardian-rfc-compliant-4",
  "desync/guardian-rfc-compliant-6",
  "desync/guardian-rfc-compliant-8",
  "desync/guardian-rfc-compliant-9",
  "desync/guardian-rfc-compliant-11",
  "desync/guardian-uri-specific-test-cases-12",
  "desync/guardian-uri-specific-test-cases-13",
]);

function isRightIn(corpus: CorpusName, { one, verdict, gate }: Judged): boolean {
  // Malformed JSON must be refused because it is malformed, not for a rule that its bytes happen to trip.
  if (corpus === "json-suite" && one.expect === "block") return verdict === "waf" && gate === "json";
  if (corpus === "desync" && stricter.has(one.id) && isBlocked(verdict)) return true;
  return isRight(one, verdict);
}

function named({ one, verdict, gate, rule }: Judged): Wrong {
  if (verdict === "forwarded") return { id: one.id, why: "" };
  return { id: one.id, why: [gate, rule].filter((word) => word !== "").join(" ") || verdict };
}

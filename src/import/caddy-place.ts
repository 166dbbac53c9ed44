import type { CaddyMatcher } from "./caddy-matcher.ts";
import type { Segment } from "./caddyfile-syntax.ts";
import type { Ledger } from "./ledger.ts";
import type { RoutePlace } from "./route-place.ts";
import type { Outcome, Verdict } from "./verdict.ts";

/** A path of a site while its route is made. */
export interface CaddyPlace extends RoutePlace {
  readonly ledger: Ledger;
}

/** A directive with the requests that it is for. */
export interface CaddyStep {
  readonly segment: Segment;
  /** Arguments without the matcher. */
  readonly args: readonly string[];
  /** Undefined: it cannot be said here. */
  readonly matcher: CaddyMatcher | undefined;
}

/** A directive of a site. One that does nothing is always the same: its verdict and note. */
export interface CaddyRow {
  readonly verdict: Verdict;
  readonly becomes: string;
  readonly note: string;
  readonly apply?: (step: CaddyStep, place: CaddyPlace) => Outcome;
  /** It keeps somebody out, or changes where requests go: without its matcher the place is closed. */
  readonly isGuard?: boolean;
}

/** A row that does nothing. */
export type FixedRow = Pick<CaddyRow, "verdict" | "becomes" | "note">;

export function always(verdict: Verdict, note: string, becomes = ""): FixedRow {
  return { verdict, becomes, note };
}

/** Decides about a directive and everything in its block. */
export function decideSegment(ledger: Ledger, segment: Segment, outcome: Outcome): void {
  ledger.decide(segment.item, outcome);
  for (const inner of segment.block ?? []) decideSegment(ledger, inner, outcome);
}

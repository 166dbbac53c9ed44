import type { Explanation } from "./explanation.ts";
import type { PastRequest } from "./past.ts";
import type { Today } from "./today.ts";

/** What a configuration does to one request, or did. */
export type Outcome =
  | {
      readonly kind: "decided";
      readonly allowed: boolean;
      readonly route: string;
      /** The row of reason.ts, or the WAF's word: a rule, a reader's reason; "" = nothing was against it. */
      readonly by: string;
      /** Of the first finding; "" = none. */
      readonly place: string;
    }
  | { readonly kind: "undecidable"; readonly why: string };

export function outcomeOf({ decision, findings, undecided }: Explanation): Outcome {
  if (undecided.length > 0) return { kind: "undecidable", why: undecided[0]! };
  const allowed = decision.decision !== "deny" && decision.decision !== "error";
  return {
    kind: "decided",
    allowed,
    route: decision.route,
    by: decision.wafDetail === "" ? decision.reason : decision.wafDetail,
    place: decision.wafGate === "patterns" ? (findings[0]?.place ?? "") : "",
  };
}

/** Of a past request, by another configuration. */
export function outcomeOfToday({ allowed, says }: Today, past: PastRequest): Outcome {
  return allowed === undefined ? { kind: "undecidable", why: says } : { ...outcomeOfPast(past), allowed };
}

/** As it was decided then. */
export function outcomeOfPast(past: PastRequest): Outcome & { readonly kind: "decided" } {
  return {
    kind: "decided",
    allowed: past.decision === "allow" || past.decision === "shadow",
    route: past.route,
    by: past.wafDetail === "" ? past.reason : past.wafDetail,
    place: past.wafGate === "patterns" ? (past.findings[0]?.place ?? "") : "",
  };
}

export type Flip = "allow-to-deny" | "deny-to-allow";

/** Requests of one kind that the candidate decides otherwise. */
export interface FlipGroup {
  readonly flip: Flip;
  readonly route: string;
  readonly by: string;
  readonly place: string;
  readonly count: number;
  /** The first of them. */
  readonly example: string;
}

export interface Tally {
  readonly total: number;
  /** What the base does, then what the candidate does. */
  readonly allowAllow: number;
  readonly allowDeny: number;
  readonly denyAllow: number;
  readonly denyDeny: number;
  /** Refused by both, for another reason. */
  readonly otherReason: number;
  /** By why, the most frequent first. */
  readonly undecidable: readonly { readonly why: string; readonly count: number }[];
  /** The most frequent first. */
  readonly flips: readonly FlipGroup[];
}

/** Compares what two configurations do, request by request; holds groups, not requests. */
export class Comparison {
  #allowAllow = 0;
  #allowDeny = 0;
  #denyAllow = 0;
  #denyDeny = 0;
  #otherReason = 0;
  readonly #undecidable = new Map<string, number>();
  readonly #flips = new Map<string, { -readonly [K in keyof FlipGroup]: FlipGroup[K] }>();

  add(id: string, base: Outcome, candidate: Outcome): void {
    const open = base.kind === "undecidable" ? base : candidate;
    if (base.kind === "undecidable" || candidate.kind === "undecidable") {
      const why = open.kind === "undecidable" ? open.why : "";
      this.#undecidable.set(why, (this.#undecidable.get(why) ?? 0) + 1);
      return;
    }
    if (base.allowed && candidate.allowed) this.#allowAllow++;
    else if (!base.allowed && !candidate.allowed) {
      this.#denyDeny++;
      // Whoever says only that it was refused does not say why.
      if (base.by !== "" && base.by !== candidate.by) this.#otherReason++;
    } else if (base.allowed) {
      this.#allowDeny++;
      // Who refuses says why: the candidate what is new, the base what is gone.
      this.#flip(id, "allow-to-deny", candidate);
    } else {
      this.#denyAllow++;
      this.#flip(id, "deny-to-allow", base);
    }
  }

  #flip(id: string, flip: Flip, { route, by, place }: Outcome & { readonly kind: "decided" }): void {
    const key = JSON.stringify([flip, route, by, place]);
    const known = this.#flips.get(key);
    if (known !== undefined) known.count++;
    else this.#flips.set(key, { flip, route, by, place, count: 1, example: id });
  }

  tally(): Tally {
    const undecidable = [...this.#undecidable].map(([why, count]) => ({ why, count }));
    const decided = this.#allowAllow + this.#allowDeny + this.#denyAllow + this.#denyDeny;
    return {
      total: decided + undecidable.reduce((sum, { count }) => sum + count, 0),
      allowAllow: this.#allowAllow,
      allowDeny: this.#allowDeny,
      denyAllow: this.#denyAllow,
      denyDeny: this.#denyDeny,
      otherReason: this.#otherReason,
      undecidable: undecidable.sort((a, b) => b.count - a.count),
      flips: [...this.#flips.values()].sort((a, b) => b.count - a.count),
    };
  }
}

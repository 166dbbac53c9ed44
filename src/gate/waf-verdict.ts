import { type Reason, reasons } from "../reason.ts";
import type { Inspector } from "../waf/inspector.ts";

/** Which gate of the WAF refused; metrics label. */
export type WafGate =
  | "content_type"
  | "patterns"
  | "entropy"
  | "json"
  | "body_size"
  | "budget"
  | "coding"
  | "head"
  /** Of an answer. */
  | "answer";

/** What the WAF says about a body. One object per BodyInspection, written over by the next body. */
export interface WafVerdict {
  readonly refused: boolean;
  /** Meaningless unless refused. */
  readonly gate: WafGate;
  /** One word of a closed list: a reader's reason (`json_depth`), or the id of the rule with the most points. */
  readonly detail: string;
}

/** Why an exchange ends that a gate refuses. */
export const wafReasons: Readonly<Record<WafGate, Reason>> = {
  head: reasons.wafHead,
  patterns: reasons.wafPatterns,
  body_size: reasons.wafBodySize,
  content_type: reasons.wafContentType,
  coding: reasons.wafCoding,
  json: reasons.wafJson,
  entropy: reasons.wafEntropy,
  budget: reasons.wafBudget,
  answer: reasons.answerLeak,
};

/** Gate of a refusal that the inspector made. */
export function inspectorGate(inspector: Inspector, threshold: number): WafGate {
  return inspector.score >= threshold ? "patterns" : "budget";
}

/** The rule that says most: the first of those with the most points. `work_units` when only the budget is spent. */
export function topRule(inspector: Inspector): string {
  let id = "work_units";
  let score = 0;
  for (const { rule, shadow } of inspector.findings) {
    if (shadow || rule.score <= score) continue;
    score = rule.score;
    id = rule.id;
  }
  return id;
}

import { bodyBypasses } from "./waf-bypass-body.cases.ts";
import { headBypasses } from "./waf-bypass-head.cases.ts";

/**
 * Ways past a WAF, as data: the bypasses of the reference implementation (R1 to R9, in the order of its list) and the
 * rows of the bad-input catalogue about paths, queries and bodies (docs/threat-model.md). Outcomes are those of the
 * default profile.
 */
export interface BypassCase {
  /** Row of the catalogue; several cases may share one. */
  readonly id: string;
  readonly name: string;
  readonly bytes: Buffer;
  /**
   * `gate/detail` or `gate` of the WAF's refusal, for rules `patterns/CLASS` or `patterns/RULE`; `reason/CODE` of a
   * refusal before it; `passes`: forwarded, its body byte for byte.
   */
  readonly outcome: string;
}

export const bypassCases: readonly BypassCase[] = [...headBypasses, ...bodyBypasses];

import net from "node:net";
import { kindOfPlace } from "../body/place.ts";
import type { Config } from "../config/config.ts";
import { buildWaf } from "../control/compile.ts";
import { buildRuleSet } from "../waf/compile.ts";
import { detectors } from "../waf/detectors.ts";
import { isExcluded, looksAt, type Profile } from "../waf/profile.ts";
import type { Explanation } from "./explanation.ts";
import type { PastRequest } from "./past.ts";
import type { Question } from "./question.ts";

/** What another configuration would decide about a request whose fields and body are not there. */
export interface Today {
  /** `same` and `changed` are certain; where the rest of the request could matter it is `undecidable`. */
  readonly verdict: "same" | "changed" | "undecidable";
  readonly says: string;
  /** Whether it would be let in, all gates but the WAF taken as they were; undefined = not certain. */
  readonly allowed: boolean | undefined;
}

/** What is left of the request, to be asked about; undefined = nothing is. */
export function remainsOf(past: PastRequest, secure: boolean): Question | undefined {
  if (past.method === "" || past.target === "") return undefined;
  // Values of the query may be hidden, and no route asks for it.
  const [target] = past.target.split("?", 1);
  const head = `${past.method} ${target} HTTP/1.1\r\nHost: ${past.host}\r\n\r\n`;
  return {
    bytes: Buffer.from(head, "latin1"),
    from: net.isIP(past.client) === 0 ? NOBODY : past.client,
    secure,
    serverName: secure ? past.host : "",
    brief: true,
  };
}

/** `remains`: what `config` says to what is left of the request; see `remainsOf`. */
export function judgeAgain(
  past: PastRequest,
  remains: Explanation | undefined,
  config: Config,
  nowMs: number,
): Today {
  if (remains === undefined) return undecidable("nothing of the request is stored");
  const { decision } = remains;
  if (isCertain(decision.reason)) {
    const says = `refused with ${decision.status}: ${decision.reason}`;
    return { verdict: decision.reason === past.reason ? "same" : "changed", says, allowed: false };
  }
  if (decision.route === "") return undecidable("header fields are not stored");
  if (past.wafGate !== "") return judgeFindings(past, decision.route, config, nowMs);
  if (isCertain(past.reason))
    return { verdict: "changed", says: `it would reach the route ${decision.route}`, allowed: undefined };
  return undecidable("header fields and body are not stored");
}

/** Of a request that was kept whole. */
export function judgeWhole(past: PastRequest, { decision, undecided }: Explanation): Today {
  if (undecided.length > 0) return undecidable(undecided[0]!);
  const allowed = decision.decision !== "deny" && decision.decision !== "error";
  const by = decision.wafDetail === "" ? decision.reason : decision.wafDetail;
  const wasBy = past.wafDetail === "" ? past.reason : past.wafDetail;
  const says = allowed ? "allowed" : `refused with ${decision.status}: ${by}`;
  const isSame = decision.decision === past.decision && (allowed || by === wasBy);
  return { verdict: isSame ? "same" : "changed", says, allowed };
}

/** Reasons that what is not stored has no part in. */
function isCertain(reason: string): boolean {
  return /^(?:route_not_found|method_route|path_\w+)$/.test(reason);
}

/** The same rules on the same bytes find the same: what counts is whether they still look there. */
function judgeFindings(past: PastRequest, routeName: string, config: Config, nowMs: number): Today {
  const route = config.routes.find(({ name }) => name === routeName);
  const ruleSet = buildRuleSet(config.waf.rules, detectors);
  const waf = buildWaf(route?.waf, config, ruleSet);
  if (waf === undefined)
    return { verdict: "changed", says: `the WAF is off for the route ${routeName}`, allowed: true };
  if (past.wafGate !== "patterns") return undecidable("the body is not stored");
  const { profile } = waf;
  const left = past.findings.filter((finding) => counts(profile, routeName, finding, nowMs));
  const score = left.reduce((sum, { rule }) => sum + profile.ruleSet.rules[indexOf(profile, rule)]!.score, 0);
  const points = `the same findings give ${score} of ${profile.threshold} points`;
  if (score < profile.threshold) return undecidable(`${points}; what else is in the body is not stored`);
  const wasShadow = past.decision === "shadow";
  if (waf.shadow)
    return {
      verdict: wasShadow ? "same" : "changed",
      says: `let through by the shadow of ${routeName}: ${points}`,
      allowed: true,
    };
  return { verdict: wasShadow ? "changed" : "same", says: `refused: ${points}`, allowed: false };
}

function counts(
  profile: Profile,
  route: string,
  { rule: id, place }: PastRequest["findings"][number],
  nowMs: number,
): boolean {
  const index = indexOf(profile, id);
  const kind = kindOfPlace(place);
  const rule = profile.ruleSet.rules[index];
  if (rule === undefined || kind < 0) return false;
  if (profile.active[index] === 0 || profile.shadow[index] === 1) return false;
  return looksAt(rule, kind, () => place) && !isExcluded(profile, index, route, kind, place, nowMs);
}

function indexOf(profile: Profile, rule: string): number {
  return profile.ruleSet.rules.findIndex(({ id }) => id === rule);
}

function undecidable(says: string): Today {
  return { verdict: "undecidable", says, allowed: undefined };
}

/** For documentation (RFC 5737): no client, and no internal address. */
export const NOBODY = "192.0.2.1";

import { matchesAllowList, type TypeList } from "../body/type-list.ts";
import { isEventStream } from "../http/event-stream.ts";
import { F } from "../http/field.ts";
import { addField } from "../http/field-edit.ts";
import type { StepOwner } from "../http/outlet.ts";
import { type CanonicalRequest, FIELD_ID, FIELD_SLOTS, FORWARD } from "../http/request.ts";
import { RESPONSE_NONE, type ResponseHead } from "../http/response-head.ts";
import type { Finding } from "../waf/finding.ts";
import type { LeakRules } from "../waf/leak/leak-rules.ts";
import { LeakScan } from "../waf/leak/leak-scan.ts";
import type { Profile } from "../waf/profile.ts";
import { answerField, essenceOf } from "./coded-head.ts";
import { InspectStep } from "./inspect-step.ts";
import type { InspectionDesk } from "./inspection-desk.ts";

/** How a route's answers are inspected. */
export interface InspectionRule {
  readonly profile: Profile;
  readonly leaks: LeakRules;
  readonly types: TypeList;
  /** So much of an answer is held, with its head, until it is inspected. */
  readonly windowBytes: number;
  /** Nothing is blocked or masked. */
  readonly reportOnly: boolean;
}

/** The exchange, as the inspection of its answer sees it. */
export interface InspectionOwner extends StepOwner {
  /** `refused`: the answer ends with it. */
  onLeak(finding: Finding, refused: boolean): void;
}

/** What looks at this answer on its way; undefined: nobody can or should. */
export function beginInspection(
  rule: InspectionRule,
  head: ResponseHead,
  route: string,
  nowMs: number,
  desk: InspectionDesk,
  owner: InspectionOwner,
): InspectStep | undefined {
  if (head.bodyKind === RESPONSE_NONE) return undefined;
  const type = answerField(head, F.contentType, "content-type");
  const essence = type === undefined ? "" : essenceOf(type);
  if (type !== undefined && !matchesAllowList(essence, rule.types)) return undefined;
  const coding = answerField(head, F.contentEncoding, "content-encoding");
  if (coding !== undefined && coding.toLowerCase() !== "identity") {
    desk.uninspected.coded++;
    return undefined;
  }
  const scan = new LeakScan(rule.profile, rule.leaks, route, nowMs);
  const facts = { isJson: /[/+]json$/.test(essence), status: head.status, holds: !isEventStream(head) };
  return new InspectStep(owner, rule, scan, desk, facts);
}

/** Upstreams that inspected answers come from are asked not to code them; the client's wish stays readable. */
export function askForPlain(request: CanonicalRequest): void {
  const { fields } = request;
  for (let index = 0; index < request.fieldCount; index++)
    if (fields[index * FIELD_SLOTS + FIELD_ID] === F.acceptEncoding)
      fields[index * FIELD_SLOTS + FORWARD] = 0;
  // Without the field any coding would be welcome (RFC 9110 §12.5.3).
  addField(request, "Accept-Encoding", "identity");
}

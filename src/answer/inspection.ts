import { matchesAllowList, type TypeList } from "../body/type-list.ts";
import { isEventStream } from "../http/event-stream.ts";
import { F } from "../http/field.ts";
import { addField } from "../http/field-edit.ts";
import type { StepOwner } from "../http/outlet.ts";
import { type CanonicalRequest, FIELD_ID, FIELD_SLOTS, FORWARD } from "../http/request.ts";
import { withhold } from "../http/request-copy.ts";
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
  const isParts = head.status === 206 && essence === "multipart/byteranges";
  if (type !== undefined && !isParts && !matchesAllowList(essence, rule.types)) return undefined;
  const coding = answerField(head, F.contentEncoding, "content-encoding");
  if (coding !== undefined && coding.toLowerCase() !== "identity") {
    desk.uninspected.coded++;
    return undefined;
  }
  const scan = new LeakScan(rule.profile, rule.leaks, route, nowMs);
  const facts = { isJson: /[/+]json$/.test(essence), status: head.status, holds: !isEventStream(head) };
  return new InspectStep(owner, rule, scan, desk, facts);
}

/** What comes is to be inspected: asked for uncoded and whole. The client's wish for a coding stays readable. */
export function askForInspectable(request: CanonicalRequest, rule: InspectionRule): void {
  const { fields } = request;
  for (let index = 0; index < request.fieldCount; index++)
    if (fields[index * FIELD_SLOTS + FIELD_ID] === F.acceptEncoding)
      fields[index * FIELD_SLOTS + FORWARD] = 0;
  // Without the field any coding would be welcome (RFC 9110 §12.5.3).
  addField(request, "Accept-Encoding", "identity");
  askForWhole(request, rule);
}

/**
 * A client that asks for a secret in two halves gets a secret: neither half looks like one. So its Range is not heard
 * (RFC 9110 §14.2), but for one of what players seek in and downloads are resumed of. A part of something else that comes
 * all the same is refused (inspect-step.ts).
 */
export function askForWhole(request: CanonicalRequest, { reportOnly }: InspectionRule): void {
  if (reportOnly || request.firstField[F.range]! < 0) return;
  const isOne = !request.fieldText(F.range)!.includes(",");
  if (isOne && SEEKABLE.test(request.routePathText())) return;
  for (const id of [F.range, F.ifRange]) {
    withhold(request, id);
    request.firstField[id] = -1;
  }
}

const SEEKABLE =
  /\.(?:mp[34]|m4[av]|webm|mov|og[agv]|opus|flac|wav|aac|m4s|ts|pdf|zip|gz|tgz|xz|bz2|zst|7z|iso|deb|rpm|exe|msi|dmg|apk|jar|wasm)$/i;

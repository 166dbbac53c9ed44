import { matchesAllowList, type TypeList } from "../body/type-list.ts";
import { type AnswerCoding, chooseCoding } from "../http/accept-encoding.ts";
import { isEventStream } from "../http/event-stream.ts";
import { F } from "../http/field.ts";
import { isGrpc } from "../http/grpc.ts";
import type { AnswerStep, Outlet, StepOwner } from "../http/outlet.ts";
import { type CanonicalRequest, HEAD } from "../http/request.ts";
import { RESPONSE_LENGTH, RESPONSE_NONE, type ResponseHead } from "../http/response-head.ts";
import { couldLeak } from "./breach-guard.ts";
import { answerField, essenceOf, markCoded, markVarying, weakenTag } from "./coded-head.ts";
import type { EffortRow } from "./coding-effort.ts";
import { CompressStep } from "./compress-step.ts";
import type { CompressionDesk, Skip } from "./compression-desk.ts";

/** How a route's answers are compressed. */
export interface CompressionRule {
  /** The first is taken where a client likes several as much. */
  readonly codings: readonly AnswerCoding[];
  readonly types: TypeList;
  /** Shorter bodies are not worth it. Where the upstream does not say the length, it counts as long enough. */
  readonly bytesMin: number;
  readonly effort: EffortRow;
  readonly breachGuard: boolean;
}

/** What codes this answer on its way to `next`; undefined: it goes as it is. */
export function beginCompression(
  rule: CompressionRule,
  head: ResponseHead,
  request: CanonicalRequest,
  desk: CompressionDesk,
  owner: StepOwner,
  next: Outlet,
): AnswerStep | undefined {
  const coding = planCoding(rule, head, request, desk);
  return coding === undefined ? undefined : new CompressStep(owner, next, desk, coding, rule.effort);
}

/**
 * Decides by heads alone, so that the head of HEAD's answer says what GET's would. Writes into `head` what is true
 * whether or not the body is coded; undefined: it goes as it is.
 */
function planCoding(
  rule: CompressionRule,
  head: ResponseHead,
  request: CanonicalRequest,
  desk: CompressionDesk,
): AnswerCoding | undefined {
  const unfit = whyUnfit(rule, head, request);
  if (unfit !== undefined) {
    desk.skipped[unfit]++;
    return undefined;
  }
  if (head.status === 304) {
    restoreTag(head, request);
    desk.skipped.status++;
    return undefined;
  }
  markVarying(head);
  const coding = chooseCoding(request, rule.codings);
  const isLeaky = coding !== undefined && rule.breachGuard && couldLeak(request);
  if (coding === undefined || isLeaky) {
    desk.skipped[isLeaky ? "breach" : "accept"]++;
    return undefined;
  }
  if (head.bodyKind !== RESPONSE_NONE) return coding;
  if (request.method === HEAD) {
    markCoded(head, coding);
    // Known only once the body is coded, so GET's answer alone has it (RFC 9110 §9.3.2).
    head.bodyLength = -1;
  }
  return undefined;
}

/** What of the answer itself speaks against it. */
function whyUnfit(rule: CompressionRule, head: ResponseHead, request: CanonicalRequest): Skip | undefined {
  const { status } = head;
  if (status === 304) return undefined;
  if (status < 200 || status === 204 || status === 205 || status === 206) return "status";
  if (answerField(head, F.contentRange, "content-range") !== undefined) return "status";
  if (answerField(head, F.contentEncoding, "content-encoding") !== undefined) return "coded";
  const type = answerField(head, F.contentType, "content-type");
  if (type === undefined || !matchesAllowList(essenceOf(type), rule.types)) return "type";
  if (isEventStream(head) || head.isStream || isGrpc(request)) return "stream";
  const isLengthKnown =
    head.bodyKind === RESPONSE_LENGTH || (head.bodyKind === RESPONSE_NONE && head.bodyLength >= 0);
  if (isLengthKnown && head.bodyLength < rule.bytesMin) return "small";
  if (forbids(answerField(head, F.cacheControl, "cache-control"))) return "no_transform";
  if (forbids(request.fieldText(F.cacheControl))) return "no_transform";
  return undefined;
}

/** RFC 9110 §7.7, RFC 9111 §5.2.1.6: no intermediary may change the content. */
function forbids(cacheControl: string | undefined): boolean {
  return cacheControl !== undefined && /(?:^|[\s,])no-transform(?:[\s,]|$)/i.test(cacheControl);
}

/**
 * A 304 must name what the client has (RFC 9110 §15.4.5): where it asks with the weak form of the upstream's ETag, it
 * has an answer that was coded here.
 */
function restoreTag(head: ResponseHead, request: CanonicalRequest): void {
  const tag = answerField(head, F.etag, "etag");
  if (tag === undefined || request.fieldText(F.ifNoneMatch)?.includes(`W/${tag}`) !== true) return;
  weakenTag(head);
  markVarying(head);
}

import { F } from "../http/field.ts";
import { fieldLines } from "../http/field-lines.ts";
import { findNamedField } from "../http/named-field.ts";
import {
  BODY_LENGTH,
  BODY_NONE,
  type CanonicalRequest,
  FIELD_SLOTS,
  FORWARD,
  GET,
  HEAD,
} from "../http/request.ts";
import type { BypassWhy } from "./counts.ts";
import { type Directives, noDirectives, readDirectives } from "./directives.ts";
import { ageSecs, type Life } from "./life.ts";
import type { CacheRule } from "./rule.ts";

/** What a request asks of a cache. */
export interface Demand {
  /** Undefined = nothing: any answer that is fresh. */
  readonly directives: Directives | undefined;
  /** It says who asks: what it gets is for others only where the answer says so (RFC 9111 §3.5). */
  readonly hasCredentials: boolean;
}

/** Why the request is none of the cache's business; undefined = it is one. */
export function bypassOf(request: CanonicalRequest): BypassWhy | undefined {
  const { method, bodyKind, bodyLength } = request;
  if (method !== GET && method !== HEAD) return "method";
  // A body has a meaning to some upstreams, and is in no key.
  if (bodyKind !== BODY_NONE && !(bodyKind === BODY_LENGTH && bodyLength === 0)) return "body";
  if (request.webSocket || request.upgrade) return "upgrade";
  // They are the origin's to answer (RFC 9111 §4.3.2).
  if (request.firstField[F.ifMatch]! >= 0 || request.firstField[F.ifUnmodifiedSince]! >= 0)
    return "condition";
  // Only plain HTTP/1.0 comes without a host, and the upstream then makes one up.
  return request.hostEnd === request.hostStart ? "key" : undefined;
}

export function readDemand(request: CanonicalRequest, rule: CacheRule): Demand {
  const { firstField } = request;
  if (
    firstField[F.cacheControl]! < 0 &&
    firstField[F.pragma]! < 0 &&
    firstField[F.authorization]! < 0 &&
    firstField[F.cookie]! < 0 &&
    request.identity === undefined &&
    request.clientCertificate === undefined
  )
    return PLAIN;
  return {
    directives: readRequestDirectives(request),
    hasCredentials:
      firstField[F.authorization]! >= 0 ||
      request.identity !== undefined ||
      request.clientCertificate !== undefined ||
      (!rule.ignoresCookies && sendsCookies(request)),
  };
}

const PLAIN: Demand = { directives: undefined, hasCredentials: false };

/** Whether an answer of this age is what the request wants (RFC 9111 §5.2.1). */
export function isFreshEnough(life: Life, { directives }: Demand, nowMs: number): boolean {
  const age = ageSecs(life, nowMs);
  const leftSecs = life.freshSecs - age;
  if (life.alwaysAsk) return false;
  if (directives === undefined) return leftSecs > 0;
  if (directives.noCache) return false;
  if (directives.maxAgeSecs >= 0 && age > directives.maxAgeSecs) return false;
  if (directives.maxAgeSecs === 0) return false;
  if (directives.minFreshSecs >= 0 && leftSecs < directives.minFreshSecs) return false;
  if (leftSecs > 0) return true;
  return directives.maxStaleSecs >= 0 && !life.neverStale && -leftSecs <= directives.maxStaleSecs;
}

/** Whether a stale answer may be given out while a new one is fetched (RFC 5861 §3). */
export function mayGoOnStale(life: Life, { directives }: Demand, nowMs: number): boolean {
  if (life.neverStale || life.alwaysAsk || life.staleWhileRevalidateSecs === 0) return false;
  if (
    directives !== undefined &&
    (directives.noCache || directives.maxAgeSecs >= 0 || directives.minFreshSecs >= 0)
  )
    return false;
  return ageSecs(life, nowMs) - life.freshSecs <= life.staleWhileRevalidateSecs;
}

/** Whether it may be given out because no other can be had (RFC 5861 §4). */
export function mayStandIn(life: Life, { directives }: Demand, rule: CacheRule, nowMs: number): boolean {
  if (life.neverStale || life.alwaysAsk || directives?.noCache === true) return false;
  const said = life.staleIfErrorSecs > 0 ? life.staleIfErrorSecs : rule.staleIfErrorSecs;
  const staleSecs = ageSecs(life, nowMs) - life.freshSecs;
  const allowedSecs = Math.max(said, directives?.staleIfErrorSecs ?? 0);
  return allowedSecs > 0 && staleSecs <= allowedSecs;
}

function readRequestDirectives(request: CanonicalRequest): Directives | undefined {
  if (request.firstField[F.cacheControl]! >= 0) return readDirectives(lines(request, F.cacheControl));
  if (request.firstField[F.pragma]! < 0) return undefined;
  // RFC 9111 §5.4: for those who know nothing else.
  if (!/(?:^|,)\s*no-cache\s*(?:,|$)/i.test(lines(request, F.pragma))) return undefined;
  return { ...noDirectives(), noCache: true };
}

function lines({ arena, fields, fieldCount }: CanonicalRequest, id: number): string {
  return fieldLines(arena, fields, fieldCount, id);
}

/** Cookies that the route takes away say nothing to the upstream. */
function sendsCookies(request: CanonicalRequest): boolean {
  for (
    let index = findNamedField(request, "cookie", 0);
    index >= 0;
    index = findNamedField(request, "cookie", index + 1)
  )
    if (request.fields[index * FIELD_SLOTS + FORWARD] !== 0) return true;
  return false;
}

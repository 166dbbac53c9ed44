import type { Reason } from "../reason.ts";
import { fieldIdCount } from "./field.ts";
import type { RefusedHead } from "./refused-head.ts";
import type { ShownCertificate } from "./tls-facts.ts";

/**
 * Methods this gateway knows, by id. The first seven are served where a route says nothing of methods; those of WebDAV, its
 * calendars, searches and versions where a route names them (RFC 4918, 3744, 4791, 5323, 3253); the last two never.
 */
export const methodNames = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "PROPFIND",
  "PROPPATCH",
  "MKCOL",
  "COPY",
  "MOVE",
  "LOCK",
  "UNLOCK",
  "REPORT",
  "SEARCH",
  "ACL",
  "MKCALENDAR",
  "MKACTIVITY",
  "CHECKOUT",
  "MERGE",
  "TRACE",
  "CONNECT",
] as const;
export type MethodName = (typeof methodNames)[number];
export const GET = 0;
export const HEAD = 1;
export const POST = 2;
export const PUT = 3;
export const PATCH = 4;
export const DELETE = 5;
export const OPTIONS = 6;
export const PROPFIND = 7;
export const COPY = 10;
export const MOVE = 11;
export const REPORT = 14;
export const SEARCH = 15;
export const TRACE = 21;
export const CONNECT = 22;
/** Ids below this are served by routes that name no methods. */
export const COMMON_METHODS = PROPFIND;

/** How the body is framed on the wire it came in by. */
export const BODY_NONE = 0;
export const BODY_LENGTH = 1;
export const BODY_CHUNKED = 2;

/** Int32 slots of one field in `CanonicalRequest.fields`. */
export const FIELD_SLOTS = 6;
/** Offsets within a field's slots: spans in the arena, the field's id (0 = not a known name), and its fate. */
export const NAME_START = 0;
export const NAME_END = 1;
export const VALUE_START = 2;
export const VALUE_END = 3;
export const FIELD_ID = 4;
/** 1 = goes upstream as it stands, 0 = is not forwarded (hop-by-hop, replaced by ours, or scrubbed). */
export const FORWARD = 5;

/** An IP address; see identity/address.ts `Address`. */
export interface IpWords {
  readonly v4: boolean;
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
}

/** Who a request was verified to come from. Met by identity/identity.ts `Identity`. */
export interface RequestIdentity {
  /** The claim `sub`, the user's name or the id of the API key; "" = none. */
  readonly subject: string;
  /** "" = it was no API key. */
  readonly apiKeyId: string;
  /** Until when it is good, in milliseconds since the epoch; Infinity = nobody said. */
  readonly untilMs: number;
  /** A claim that a limit counts by, as text; undefined = there is none, or it is neither text nor number. */
  claim(name: string): string | undefined;
}

const NO_ADDRESS: IpWords = { v4: true, w0: 0, w1: 0, w2: 0, w3: 0 };

/**
 * One request in the one form that routing, gates, WAF, limits, log and the upstream printer share: a byte arena and
 * an index of spans. HTTP/1 heads and HTTP/2 fields are written into the same form.
 *
 *     arena   ┌ Host: a.test\r\n ┬ Accept: text/html\r\n ┬ … ┬ /canonical/path ┬ ?query ┬ a.test ┐
 *     fields  [nameStart nameEnd valueStart valueEnd id forward] × fieldCount
 *
 * Every field line stands in the arena as `Name: value\r\n` with one space and no padding, in wire order, so that a run
 * of forwarded lines is one copy. Objects are pooled per worker: nothing may keep one after its exchange ended.
 */
export class CanonicalRequest {
  arena: Buffer;
  arenaEnd = 0;
  /** Index into `methodNames`. */
  method = GET;
  /** 10, 11 or 20. */
  version = 11;
  /** Arrived over TLS. */
  secure = false;

  /** Canonical path as forwarded (`//` kept). Starts with `/`; `*` only for OPTIONS. */
  pathStart = 0;
  pathEnd = 0;
  /** The same with `//` merged: what routes and the WAF see. Equal to the path span when there is nothing to merge. */
  routePathStart = 0;
  routePathEnd = 0;
  /** The path holds `%2F`. */
  hasEncodedSlash = false;
  /** Query with its `?`, byte-exact; empty span when there is none. */
  queryStart = 0;
  queryEnd = 0;

  /** The target that goes upstream, where the route rewrites it; empty span = path and query as they are. */
  sentTargetStart = 0;
  sentTargetEnd = 0;
  /** `Host: …` with CRLF that goes upstream, where the route says so. */
  sentHostLine: Uint8Array | undefined = undefined;

  /** Lower-case host without port and trailing dot; IPv6 literals keep their brackets. Empty only in HTTP/1.0. */
  hostStart = 0;
  hostEnd = 0;
  /** Port that the client named; -1 when it named none. */
  port = -1;

  fieldCount = 0;
  fields: Int32Array;
  /** First field of each known id, as its index, or -1. Indexed by the ids of field.ts. */
  readonly firstField = new Int16Array(fieldIdCount).fill(-1);

  bodyKind = BODY_NONE;
  /** Declared body bytes for BODY_LENGTH; 0 otherwise. */
  bodyLength = 0;
  expectContinue = false;
  /** The client wants the connection kept after this exchange. */
  keepAlive = true;
  /** `Connection: upgrade` with an Upgrade field. */
  upgrade = false;
  /** A WebSocket handshake that the route takes; see gate/upgrade.ts. */
  webSocket = false;
  /** The client said `TE: trailers`. */
  acceptsTrailers = false;

  /** The target named an authority itself (absolute-form), and with https. */
  hasTargetAuthority = false;
  secureTarget = false;
  /** Bytes of the request-target as received. */
  targetBytes = 0;
  /** Why the head parser refused; undefined while it has not. */
  refusal: Reason | undefined = undefined;
  /** What is told of a head that was refused. */
  refusedHead: RefusedHead | undefined = undefined;

  /** Fields removed because clients must not set them: overrides, identity, httpoxy. */
  scrubbed = 0;
  /** Fields dropped for an underscore or an unusual token character in their name; counted in metrics. */
  droppedNames = 0;
  /** `X-Request-ID: …` and `traceparent: …` as two lines with CRLF: sent upstream and echoed on every answer. */
  idLinesStart = 0;
  idLinesEnd = 0;
  /** The two values within those lines. */
  requestIdStart = 0;
  requestIdEnd = 0;
  traceStart = 0;
  traceEnd = 0;
  /** The client's own traceparent was malformed and was replaced. */
  traceReplaced = false;
  /** Where the client's span id stands in the arena; -1 = it sent none. Spans of it are reported, as `sampled` says. */
  parentSpanStart = -1;
  sampled = false;

  /** The forwarding chain could not be read: `clientAddress` is the proxy's, and such a client is never internal. */
  clientMalformed = false;
  /** Client address after trusted hops, textual; the peer's when nothing better is known. */
  clientAddress = "";
  /** The same in words. Of a request that could not be read, all zero. */
  clientIp: IpWords = NO_ADDRESS;
  /** Set by the gate gate/auth.ts; undefined = nobody was asked for, or not yet. */
  identity: RequestIdentity | undefined = undefined;
  /** Shown at the handshake, good or bad. */
  shownCertificate: ShownCertificate | undefined = undefined;
  /** The same where it is good; see gate/client-certificate.ts. */
  clientCertificate: ShownCertificate | undefined = undefined;
  /** Places of caps that it takes; see gate/in-flight.ts. */
  inFlightKey = -1;
  inFlightLoad: { inFlight: number } | undefined = undefined;
  /** Told the status of the answer and the points of the WAF, at the end: limits that count by them. */
  onSettled: ((status: number, wafScore: number, nowMs: number) => void) | undefined = undefined;
  /** From what kind of network the client comes, for the log; "" = the log does not say. */
  originClass = "";
  /** A refusal is held back for a while: see gate/tarpit.ts. */
  tarpit = false;
  /** Which limit or list refused, for the log; "" = the reason says all. */
  refusalDetail = "";

  /** Whole lines with CRLF that every answer to this request gets, refusals too. */
  answerLines = "";

  constructor(arenaBytes = 4096, fieldsMax = 64) {
    this.arena = Buffer.allocUnsafeSlow(arenaBytes);
    this.fields = new Int32Array(fieldsMax * FIELD_SLOTS);
  }

  /** Host for routing and certificates; "" when the client sent none. */
  hostText(): string {
    return this.arena.latin1Slice(this.hostStart, this.hostEnd);
  }

  /** Path for routing: `//` merged. */
  routePathText(): string {
    return this.arena.latin1Slice(this.routePathStart, this.routePathEnd);
  }

  /** Text of a span. For routing, refusal details and tests; not for byte-exact work. */
  text(start: number, end: number): string {
    return this.arena.latin1Slice(start, end);
  }

  /** Value of the first field with this id, or undefined. Allocates: not for the hot path. */
  fieldText(id: number): string | undefined {
    const index = this.firstField[id]!;
    if (index < 0) return undefined;
    const at = index * FIELD_SLOTS;
    return this.arena.latin1Slice(this.fields[at + VALUE_START]!, this.fields[at + VALUE_END]!);
  }

  /** Makes room for `bytes` more after `arenaEnd`, keeping what is there. */
  reserve(bytes: number): void {
    const needed = this.arenaEnd + bytes;
    if (needed <= this.arena.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.arena.length * 2));
    this.arena.copy(grown, 0, 0, this.arenaEnd);
    this.arena = grown;
  }

  /** Room for `count` fields; keeps what is there. */
  growFields(count: number): Int32Array {
    const grown = new Int32Array(count * FIELD_SLOTS);
    grown.set(this.fields);
    this.fields = grown;
    return grown;
  }

  /** Ready for the next head. Spans need no clearing: each is written before it is read. */
  reset(): void {
    this.arenaEnd = 0;
    this.fieldCount = 0;
    this.firstField.fill(-1);
    this.port = -1;
    this.hasEncodedSlash = false;
    this.hostStart = this.hostEnd = 0;
    this.queryStart = this.queryEnd = 0;
    this.sentTargetStart = this.sentTargetEnd = 0;
    this.sentHostLine = undefined;
    this.idLinesStart = this.idLinesEnd = 0;
    this.requestIdStart = this.requestIdEnd = 0;
    this.traceStart = this.traceEnd = 0;
    this.version = 11;
    this.bodyKind = BODY_NONE;
    this.bodyLength = 0;
    this.expectContinue = false;
    this.keepAlive = true;
    this.upgrade = false;
    this.webSocket = false;
    this.acceptsTrailers = false;
    this.droppedNames = 0;
    this.scrubbed = 0;
    this.refusal = undefined;
    this.refusedHead = undefined;
    this.hasTargetAuthority = false;
    this.targetBytes = 0;
    this.traceReplaced = false;
    this.parentSpanStart = -1;
    this.sampled = false;
    this.clientAddress = "";
    this.clientMalformed = false;
    this.clientIp = NO_ADDRESS;
    this.identity = undefined;
    this.shownCertificate = undefined;
    this.clientCertificate = undefined;
    this.refusalDetail = "";
    this.tarpit = false;
    this.originClass = "";
    this.onSettled = undefined;
    this.inFlightKey = -1;
    this.inFlightLoad = undefined;
    this.answerLines = "";
  }
}

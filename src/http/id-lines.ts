import type { RandomPool } from "../std/random-pool.ts";
import { F } from "./field.ts";
import { type CanonicalRequest, FIELD_ID, FIELD_SLOTS, FORWARD, VALUE_END, VALUE_START } from "./request.ts";
import { isRequestId, REQUEST_ID_BYTES, writeRequestId } from "./request-id.ts";
import {
  isChosen,
  isSampled,
  isTraceparent,
  isTracestate,
  markSampled,
  SPAN_AT,
  TRACEPARENT_BYTES,
  writeSpanId,
  writeTraceparent,
} from "./trace.ts";

/** What the gateway does with traces when it reports spans; made once per snapshot. */
export interface TraceRule {
  /** A trace is reported when the last 32 bits of its id are below: every hop that does the same agrees. */
  readonly below: number;
}

/**
 * Writes the two lines that name this exchange: `X-Request-ID`, the client's if well-formed, and `traceparent`, the
 * client's if valid (W3C Trace Context), else fresh unguessable ones. A refused head gets fresh ones too: every answer
 * carries both. `tracestate` goes along only with the traceparent it belongs to.
 *
 * With `rule` the gateway is a hop of the trace: its own span id goes on, and the sampled flag says what it decided.
 * The client's flag counts only where `trusted`: anybody could have each of his requests reported.
 */
export function stampIds(
  request: CanonicalRequest,
  pool: RandomPool,
  rule: TraceRule | undefined,
  trusted: boolean,
): void {
  request.reserve(ID_LINES_BYTES_MAX);
  const arena = request.arena;
  const whole = request.refusal === undefined;
  let at = request.arenaEnd;
  request.idLinesStart = at;
  arena.set(REQUEST_ID_NAME, at);
  at += REQUEST_ID_NAME.length;
  request.requestIdStart = at;
  const idSlot = whole ? soleField(request, F.xRequestId) : -1;
  if (
    idSlot >= 0 &&
    isRequestId(arena, request.fields[idSlot + VALUE_START]!, request.fields[idSlot + VALUE_END]!)
  ) {
    const start = request.fields[idSlot + VALUE_START]!;
    const end = request.fields[idSlot + VALUE_END]!;
    arena.copyWithin(at, start, end);
    at += end - start;
  } else {
    writeRequestId(arena, at, pool);
    at += REQUEST_ID_BYTES;
  }
  request.requestIdEnd = at;
  arena.set(TRACEPARENT_NAME, at);
  at += TRACEPARENT_NAME.length;
  request.traceStart = at;
  const traceSlot = whole ? soleField(request, F.traceparent) : -1;
  const traceGiven = whole && request.firstField[F.traceparent]! >= 0;
  if (
    traceSlot >= 0 &&
    isTraceparent(arena, request.fields[traceSlot + VALUE_START]!, request.fields[traceSlot + VALUE_END]!)
  ) {
    const given = request.fields[traceSlot + VALUE_START]!;
    arena.copyWithin(at, given, request.fields[traceSlot + VALUE_END]!);
    request.parentSpanStart = given + SPAN_AT;
    if (rule !== undefined) writeSpanId(arena, at + SPAN_AT, pool);
    if (request.firstField[F.tracestate]! >= 0) dropTracestate(request, false);
  } else {
    request.parentSpanStart = -1;
    writeTraceparent(arena, at, pool);
    request.traceReplaced = traceGiven;
    if (whole && request.firstField[F.tracestate]! >= 0) dropTracestate(request, true);
  }
  if (rule !== undefined) {
    const wanted = trusted && request.parentSpanStart >= 0 && isSampled(arena, at);
    request.sampled = wanted || isChosen(arena, at, rule.below);
    markSampled(arena, at, request.sampled);
  }
  at += TRACEPARENT_BYTES;
  request.traceEnd = at;
  arena[at++] = 13;
  arena[at++] = 10;
  request.idLinesEnd = request.arenaEnd = at;
}

const REQUEST_ID_NAME = Buffer.from("X-Request-ID: ", "latin1");
const TRACEPARENT_NAME = Buffer.from("\r\ntraceparent: ", "latin1");
const ID_LINES_BYTES_MAX = 256;

/** Slot of the field when it occurs exactly once, else -1: two ids are as good as none. */
function soleField(request: CanonicalRequest, id: number): number {
  const first = request.firstField[id]!;
  if (first < 0) return -1;
  for (let index = first + 1; index < request.fieldCount; index++) {
    if (request.fields[index * FIELD_SLOTS + FIELD_ID] === id) return -1;
  }
  return first * FIELD_SLOTS;
}

/** Takes tracestate lines away: all of them, or malformed ones and all when they are longer together than one may be. */
function dropTracestate(request: CanonicalRequest, all: boolean): void {
  if (soleField(request, F.tracestate) < 0) all = true; // one line is what senders send; the limits are for the sum
  for (let index = request.firstField[F.tracestate]!; index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (request.fields[slot + FIELD_ID] !== F.tracestate) continue;
    const valid = isTracestate(
      request.arena,
      request.fields[slot + VALUE_START]!,
      request.fields[slot + VALUE_END]!,
    );
    if (all || !valid) request.fields[slot + FORWARD] = 0;
  }
}

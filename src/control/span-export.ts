import { randomBytes } from "node:crypto";
import { type HrTime, type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { AttemptFacts, SpanFacts } from "../record/span-log.ts";

/** Spans of one exchange as the exporter takes them: the gateway's, and one for each attempt. */
export function spansOf(facts: SpanFacts, resource: Resource): ReadableSpan[] {
  const context = contextOf(facts.traceId, facts.spanId);
  const parent = facts.parentId === "" ? undefined : contextOf(facts.traceId, facts.parentId);
  const server = span({
    resource,
    context,
    parent,
    name: facts.name,
    kind: SpanKind.SERVER,
    startMs: facts.startMs,
    endMs: facts.endMs,
    error: facts.isError ? String(facts.attributes["error.type"] ?? "error") : "",
    attributes: facts.attributes,
  });
  return [server, ...facts.attempts.map((attempt) => attemptSpan(attempt, facts, context, resource))];
}

function attemptSpan(
  { url, startMs, endMs, error }: AttemptFacts,
  { traceId, attributes }: SpanFacts,
  parent: SpanContext,
  resource: Resource,
): ReadableSpan {
  const method = String(attributes["http.request.method"]);
  return span({
    resource,
    context: contextOf(traceId, randomBytes(8).toString("hex")),
    parent,
    name: method,
    kind: SpanKind.CLIENT,
    startMs,
    endMs,
    error,
    attributes: {
      "http.request.method": method,
      "url.full": url,
      ...(error === "" ? {} : { "error.type": error }),
    },
  });
}

function span(parts: {
  readonly resource: Resource;
  readonly context: SpanContext;
  readonly parent: SpanContext | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly endMs: number;
  /** "" = none. */
  readonly error: string;
  readonly attributes: Readonly<Record<string, string | number>>;
}): ReadableSpan {
  const { context, parent, startMs, endMs, error } = parts;
  return {
    name: parts.name,
    kind: parts.kind,
    spanContext: () => context,
    ...(parent === undefined ? {} : { parentSpanContext: parent }),
    startTime: hrTime(startMs),
    endTime: hrTime(endMs),
    duration: hrTime(Math.max(0, endMs - startMs)),
    status: error === "" ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    attributes: parts.attributes,
    links: [],
    events: [],
    ended: true,
    resource: parts.resource,
    instrumentationScope: { name: "zion" },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function contextOf(traceId: string, spanId: string): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

function hrTime(ms: number): HrTime {
  const secs = Math.floor(ms / 1000);
  return [secs, Math.round((ms - secs * 1000) * 1e6)];
}

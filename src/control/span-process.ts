import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { SpanFacts } from "../record/span-log.ts";
import { beginChild } from "./child-entry.ts";
import { spansOf } from "./span-export.ts";

/** What the primary says to this process. */
export type ToSpanProcess =
  | {
      readonly type: "collector";
      readonly endpoint: string;
      readonly serviceName: string;
      readonly version: string;
    }
  | { readonly type: "spans"; readonly spans: readonly SpanFacts[] };

/** Since the last word. */
export interface SpanProcessCounts {
  readonly sent: number;
  readonly dropped: number;
}

/** Waiting for the collector; beyond that the oldest go (reliability.md F44). */
const QUEUE_MAX = 2048;
const BATCH_MAX = 512;
const TIMEOUT_MS = 5000;

/**
 * A process that sends spans to the collector: what a stranger answers is read where there is nothing to steal, and a
 * collector that is slow or gone costs the gateway nothing. Started by span-reporter.ts.
 */
let exporter: OTLPTraceExporter | undefined;
let resource = resourceFromAttributes({});
let queue: ReadableSpan[] = [];
let isSending = false;

beginChild("span process");
process.on("message", (message: ToSpanProcess) => {
  if (message.type === "collector") {
    void exporter?.shutdown().catch(() => {});
    exporter = new OTLPTraceExporter({
      url: message.endpoint,
      timeoutMillis: TIMEOUT_MS,
      concurrencyLimit: 1,
    });
    resource = resourceFromAttributes({
      "service.name": message.serviceName,
      "service.version": message.version,
    });
    return;
  }
  for (const facts of message.spans) queue.push(...spansOf(facts, resource));
  const beyond = queue.length - QUEUE_MAX;
  if (beyond > 0) {
    queue = queue.slice(beyond);
    tell(0, beyond);
  }
  send();
});
process.on("disconnect", () => process.exit(0));

function send(): void {
  if (isSending || exporter === undefined || queue.length === 0) return;
  const batch = queue.splice(0, BATCH_MAX);
  isSending = true;
  exporter.export(batch, ({ code }) => {
    isSending = false;
    if (code === 0) tell(batch.length, 0);
    else tell(0, batch.length);
    send();
  });
}

function tell(sent: number, dropped: number): void {
  process.send!({ sent, dropped } satisfies SpanProcessCounts);
}

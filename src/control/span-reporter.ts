import type { ChildProcess } from "node:child_process";
import type { TracingConfig } from "../config/config.ts";
import type { SpanFacts } from "../record/span-log.ts";
import { systemClock } from "../std/clock.ts";
import { forkBare } from "./bare-child.ts";
import type { Exposition } from "./exposition.ts";
import type { Log } from "./log.ts";
import type { Family } from "./obituaries.ts";
import type { SpanProcessCounts, ToSpanProcess } from "./span-process.ts";

export interface SpanReporterOptions {
  /** Path of span-process. */
  readonly entry: string;
  readonly flags: () => readonly string[];
  readonly version: string;
  readonly family: Family;
  readonly exposition: Exposition;
  readonly log: Log;
}

export interface SpanReporter {
  /** The configuration in force; undefined = no tracing. */
  adopt(tracing: TracingConfig | undefined): void;
  report(spans: readonly SpanFacts[]): void;
  close(): void;
}

/** Messages that the process has not taken yet. */
const WAITING_MAX = 8;
/** After it ended without being told to. */
const RESTART_MS = 5000;

/** Keeps the process that talks to the collector, and counts what became of spans. */
export function createSpanReporter(options: SpanReporterOptions): SpanReporter {
  const { family, exposition, log } = options;
  let inForce: TracingConfig | undefined;
  let child: ChildProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let waiting = 0;

  const send = (message: ToSpanProcess) => {
    waiting++;
    child!.send(message, undefined, {}, () => waiting--);
  };

  const start = ({ endpoint, serviceName }: TracingConfig) => {
    waiting = 0;
    // Without our environment: OTEL_* variables would change where spans go.
    const own = forkBare(options.entry, options.flags(), family);
    child = own;
    const startedMs = systemClock.nowMs();
    own.on("message", ({ sent, dropped }: SpanProcessCounts) => {
      if (sent > 0) exposition.add("spans", ["sent"], sent);
      if (dropped > 0) exposition.add("spans", ["dropped"], dropped);
    });
    const ended = (code: number | null, signal: string | null): void => {
      if (child !== own) return;
      child = undefined;
      const uptimeMs = Math.round(systemClock.nowMs() - startedMs);
      if (own.pid !== undefined)
        family.died({ process: "span process", pid: own.pid, code, signal, uptimeMs });
      log.warn({ "event.name": "zion.tracing.ended", code, signal }, "the process that reports spans ended");
      restart = setTimeout(() => {
        if (inForce !== undefined) start(inForce);
      }, RESTART_MS);
      restart.unref();
    };
    own.on("exit", ended);
    // 'exit' follows, unless the fork itself failed.
    own.on("error", () => own.pid === undefined && ended(null, null));
    send({ type: "collector", endpoint, serviceName, version: options.version });
  };

  const stop = () => {
    clearTimeout(restart);
    const own = child;
    child = undefined;
    if (own?.connected) own.disconnect();
  };

  return {
    adopt(tracing) {
      const isSame = tracing?.endpoint === inForce?.endpoint && tracing?.serviceName === inForce?.serviceName;
      inForce = tracing;
      if (isSame) return;
      stop();
      if (tracing !== undefined) start(tracing);
    },
    report(spans) {
      if (child === undefined || waiting >= WAITING_MAX) exposition.add("spans", ["dropped"], spans.length);
      else send({ type: "spans", spans });
    },
    close: stop,
  };
}

import type { Clock } from "../std/clock.ts";
import { type ControlAnswer, type ControlRequest, json, text } from "./control-listener.ts";
import type { Exposition } from "./exposition.ts";
import { contentTypes, formatFor, type MetricFormat } from "./series-print.ts";

/** A primary whose own timers are this late does not supervise any more. */
const aliveWithinMs = 5000;
/** A worker that does not answer a scrape in this time keeps its last figures. */
const scrapeDeadlineMs = 500;
/** However many scrapers ask, the workers are asked this seldom. */
const scrapeCacheMs = 1000;

/** What probes and readiness are told from. */
export interface Vitals {
  /** Milliseconds since the supervision last ran. */
  readonly sinceTickMs: number;
  readonly servingWorkers: number;
  readonly wantedWorkers: number;
  /** A configuration is in force. */
  readonly configured: boolean;
  /** Of the store that counts limits for several machines. */
  readonly limitStore: "off" | "up" | "down";
  /** Why the newest one is not, in a line that may be shown to anybody; undefined = it is. */
  readonly configRefused: string | undefined;
  /** Of the audit log. */
  readonly audit: "off" | "up" | "degraded" | "down";
  /** Requests are refused while it is down. */
  readonly auditRequired: boolean;
  /** All workers have served once. */
  readonly started: boolean;
  readonly draining: boolean;
  /** Another version has taken over, on the same addresses; this one finishes. */
  readonly replaced: boolean;
}

export interface TelemetryOptions {
  readonly vitals: () => Vitals;
  readonly exposition: Exposition;
  readonly scrapeWorkers: (deadlineMs: number) => Promise<void>;
  readonly clock: Clock;
}

/** What of a request it reads. */
export type TelemetryRequest = Pick<ControlRequest, "method" | "path" | "query" | "header">;

/**
 * The telemetry listener: for the kubelet and Prometheus, which do not come from loopback. GET only, no bodies, no
 * token, and nothing in it names an upstream host (operators.md §1.2).
 */
export function createTelemetry(
  options: TelemetryOptions,
): (request: TelemetryRequest) => Promise<ControlAnswer> {
  const { vitals, exposition, scrapeWorkers, clock } = options;
  const printed = new Map<MetricFormat, { readonly atMs: number; readonly body: Promise<string> }>();

  const print = async (format: MetricFormat): Promise<string> => {
    await scrapeWorkers(scrapeDeadlineMs);
    const { servingWorkers, wantedWorkers } = vitals();
    exposition.set("workers", servingWorkers);
    exposition.set("workersWanted", wantedWorkers);
    return exposition.print(format);
  };

  const metrics = async (format: MetricFormat): Promise<ControlAnswer> => {
    // The promise is kept, so scrapes at the same time share one round.
    let page = printed.get(format);
    if (page === undefined || clock.nowMs() - page.atMs > scrapeCacheMs) {
      page = { atMs: clock.nowMs(), body: print(format) };
      printed.set(format, page);
    }
    return { status: 200, body: await page.body, type: contentTypes[format] };
  };

  return async ({ method, path, query, header }) => {
    if (method !== "GET") return text(405, "method not allowed", { Allow: "GET" });
    switch (path) {
      case "/livez":
        return vitals().sinceTickMs < aliveWithinMs ? text(200, "ok") : text(503, "event loop late");
      case "/readyz":
        return readiness(vitals(), query.has("verbose"));
      case "/startupz":
        return vitals().started ? text(200, "ok") : text(503, "starting");
      case "/metrics":
        return metrics(formatFor(header("accept")));
      default:
        return text(404, "not found");
    }
  };
}

/**
 * 200 "ready", 200 "degraded" with fewer workers than wanted, a refused configuration or without a store, else 503
 * (reliability.md C36). A probe that was under way at an upgrade asks for the gateway, not for this process.
 */
export function readiness(vitals: Vitals, verbose: boolean): ControlAnswer {
  const {
    servingWorkers,
    wantedWorkers,
    configured,
    configRefused,
    limitStore,
    audit,
    auditRequired,
    started,
    draining,
    replaced,
  } = vitals;
  if (replaced) return text(200, "ready");
  const checks = {
    // The old one serves: no reason to send clients elsewhere.
    config: !configured ? "fail" : configRefused === undefined ? "ok" : "degraded",
    startup: started ? "ok" : "fail",
    draining: draining ? "fail" : "ok",
    workers: servingWorkers === 0 ? "fail" : servingWorkers < wantedWorkers ? "degraded" : "ok",
    ...(audit === "off" ? {} : { audit: auditCheck(audit, auditRequired) }),
    // Limits go on as each says in `on_store_error`: no reason to send clients elsewhere.
    ...(limitStore === "off" ? {} : { limit_store: limitStore === "up" ? "ok" : "degraded" }),
  };
  const results = Object.values(checks);
  const failed = results.includes("fail");
  const state = failed ? "not ready" : results.includes("degraded") ? "degraded" : "ready";
  const status = failed ? 503 : 200;
  if (!verbose) return text(status, state);
  return json(status, {
    state,
    checks,
    ...(configRefused === undefined ? {} : { config_refused: configRefused }),
    workers: { serving: servingWorkers, wanted: wantedWorkers },
  });
}

/** What cannot be recorded is served all the same, unless the configuration says otherwise. */
function auditCheck(audit: Vitals["audit"], isRequired: boolean): "ok" | "degraded" | "fail" {
  if (audit === "up") return "ok";
  // Where evidence is required, a log that is not what was written is no evidence.
  return isRequired ? "fail" : "degraded";
}

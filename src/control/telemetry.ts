import { type ControlAnswer, type ControlRequest, json, text } from "./control-listener.ts";
import type { Exposition } from "./exposition.ts";
import { readinessNumbers, readinessOf, type Vitals } from "./readiness.ts";
import { contentTypes, formatFor, type MetricFormat } from "./series-print.ts";

/** A primary whose own timers are this late does not supervise any more. */
const aliveWithinMs = 5000;
/** Every path of it; label values of `zion_admin_requests_total`. */
export const telemetryPaths = ["/livez", "/healthz", "/readyz", "/startupz", "/version", "/metrics"] as const;

export interface TelemetryOptions {
  readonly version: string;
  readonly vitals: () => Vitals;
  readonly exposition: Exposition;
  /** Brings the figures up to date; the same promise = the same round. */
  readonly scrape: () => Promise<void>;
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
  const { version, vitals, exposition, scrape } = options;
  /** By format: of the round of figures that it was printed from. */
  const printed = new Map<MetricFormat, { readonly round: Promise<void>; readonly body: Promise<string> }>();

  const print = async (round: Promise<void>, format: MetricFormat): Promise<string> => {
    await round;
    const now = vitals();
    exposition.set("workers", now.servingWorkers);
    exposition.set("workersWanted", now.wantedWorkers);
    exposition.set("readyState", readinessNumbers[readinessOf(now).state]);
    return exposition.print(format);
  };

  const metrics = async (format: MetricFormat): Promise<ControlAnswer> => {
    const round = scrape();
    let page = printed.get(format);
    if (page?.round !== round) {
      page = { round, body: print(round, format) };
      printed.set(format, page);
    }
    return { status: 200, body: await page.body, type: contentTypes[format] };
  };

  return async ({ method, path, query, header }) => {
    if (method !== "GET") return text(405, "method not allowed", { Allow: "GET" });
    switch (path) {
      case "/livez":
      case "/healthz":
        return vitals().sinceTickMs < aliveWithinMs ? text(200, "ok") : text(503, "event loop late");
      case "/readyz":
        return readyPage(vitals(), query.has("verbose"));
      case "/startupz":
        return vitals().started ? text(200, "ok") : text(503, "starting");
      case "/version":
        return json(200, { version, node: process.version });
      case "/metrics":
        return metrics(formatFor(header("accept")));
      default:
        return text(404, "not found");
    }
  };
}

/**
 * 200 "ready", 200 "degraded" with a line for each reason, else 503, with reasons as well: whoever looks at the wrong
 * moment should not have to ask again.
 */
function readyPage(vitals: Vitals, verbose: boolean): ControlAnswer {
  const { state, checks, reasons } = readinessOf(vitals);
  const status = state === "not ready" ? 503 : 200;
  if (!verbose)
    return text(
      status,
      [state, ...Object.entries(reasons).map(([name, why]) => `${name}: ${why}`)].join("\n"),
    );
  const { servingWorkers: serving, wantedWorkers: wanted } = vitals;
  return json(status, { state, checks, reasons, workers: { serving, wanted } });
}

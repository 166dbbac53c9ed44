import type { AdminOptions } from "./admin-client.ts";
import { findAdmin, unavailable } from "./admin-client.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";
import { printTable } from "./table.ts";
import type { Snapshot } from "./views.ts";

export interface TopOptions extends AdminOptions {
  /** Between two pictures. */
  readonly intervalSecs: number;
  /** Pictures; 0 = until it is stopped. */
  readonly count: number;
}

/** What is read twice to tell a rate. */
type Reading = Pick<
  Snapshot,
  "time" | "totals" | "latency" | "workers" | "routes" | "generation" | "readiness"
>;

/**
 * `zion top`: rates of the gateway that runs, again and again; on a terminal in place, elsewhere one picture after the
 * other. Resolves with the exit code when Ctrl-C has ended it, or after `count` pictures.
 */
export async function topCommand(
  { intervalSecs, count, ...options }: TopOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
  terminal: boolean,
): Promise<number> {
  const admin = findAdmin(options, environment, output);
  if (typeof admin === "number") return admin;
  let last: Reading | undefined;
  for (let pictures = 0; count === 0 || pictures < count; ) {
    try {
      const { status, body } = await admin.get("/snapshot");
      if (status !== 200) return unavailable(`the gateway says ${status}: ${body.trim()}`, output);
      const now = JSON.parse(body) as Reading;
      if (last !== undefined) {
        output.out.write(`${terminal ? clearScreen : ""}${picture(last, now)}${terminal ? "" : "\n"}`);
        pictures++;
      }
      last = now;
    } catch (error) {
      return unavailable(`the gateway does not answer: ${String(error)}`, output);
    }
    if (count === 0 || pictures < count) await new Promise((done) => setTimeout(done, intervalSecs * 1000));
  }
  return exitCodes.ok;
}

/** Cursor home, then all below it away: less flicker than clearing first. */
const clearScreen = "\x1b[H\x1b[J";

/** Exported for tests. */
export function picture(last: Reading, now: Reading): string {
  const secs = Math.max(0.001, (Date.parse(now.time) - Date.parse(last.time)) / 1000);
  const rate = (after = 0, before = 0): number => Math.round((Math.max(0, after - before) / secs) * 10) / 10;
  const { totals, workers, latency } = now;
  const of = (name: string): number => rate(totals.decisions[name], last.totals.decisions[name]);
  const processes = workers.processes;
  const memory = processes.reduce((sum, one) => sum + (one.resident_bytes ?? 0), 0);
  const loop = Math.max(0, ...processes.map((one) => one.event_loop_utilization ?? 0));
  const head = `${now.readiness.state}  generation ${now.generation}  ${rate(totals["requests"], last.totals["requests"])} requests/s  refused ${of("deny")}/s  shadow ${of("shadow")}/s  errors ${of("error")}/s
p50 ${latency.request_ms.p50 ?? "-"} ms  p99 ${latency.request_ms.p99 ?? "-"} ms since the start  workers ${workers.serving}/${workers.wanted}  memory ${Math.round(memory / 1_048_576)} MiB  busiest loop ${Math.round(loop * 100)} %
`;
  const rows = now.routes
    .map(({ name, waf, upstream }) => {
      const seen = latency.request_ms_by_route[name];
      const before = last.latency.request_ms_by_route[name];
      const perSec = rate(seen?.count, before?.count);
      return [name, perSec, seen?.p99 ?? 0, waf.mode, upstream ?? "itself"] as const;
    })
    .sort((a, b) => b[1] - a[1]);
  return `${head}\n${printTable(["ROUTE", "REQUESTS/S", "P99 MS", "WAF", "TO"], rows.slice(0, 30))}`;
}

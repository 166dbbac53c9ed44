import { againstNginx, type Figure, figureOf, type Row } from "./results.ts";
import type { ScenarioName } from "./scenarios.ts";
import { type Spread, spread } from "./statistics.ts";

/** A limit the gateway sets itself, one worker, no WAF, access log on. */
export interface Bar {
  readonly title: string;
  readonly scenario: ScenarioName | "any load";
  readonly figure: Figure | "idleKb";
  readonly limit: number;
  readonly unit: "x nginx" | "MB" | "kB";
}

export interface Verdict {
  readonly bar: Bar;
  /** The value compared and its spread; undefined = not measured in this run. */
  readonly measured: Spread | undefined;
  readonly met: boolean | undefined;
}

export const bars: readonly Bar[] = [
  ratio("GET 150 B, CPU", "get150", "cpuUs", 1.25),
  ratio("POST 1 kB, CPU", "post1k", "cpuUs", 1.25),
  ratio("GET 10 kB, CPU", "get10k", "cpuUs", 1.25),
  ratio("TLS 1.3 GET, CPU", "tls-get", "cpuUs", 1.35),
  ratio("connection per request, CPU", "conn-per-request", "cpuUs", 2.5),
  ratio("full TLS handshake, CPU", "full-handshake", "cpuUs", 1.5),
  ratio("p99.9 at saturation, GET 150 B", "get150", "p999Ms", 1.5),
  {
    title: "RSS of the worker under load",
    scenario: "any load",
    figure: "workerRssMb",
    limit: 110,
    unit: "MB",
  },
  { title: "idle TLS connection", scenario: "idle-tls", figure: "idleKb", limit: 48, unit: "kB" },
];

/** A ratio is judged by its median over the rounds, memory by the highest value seen. */
export function judge(rows: readonly Row[], all: readonly Bar[] = bars): readonly Verdict[] {
  return all.map((bar) => {
    const measured = measure(rows, bar);
    const value = bar.figure === "workerRssMb" ? measured?.max : measured?.median;
    return { bar, measured, met: value === undefined ? undefined : value <= bar.limit };
  });
}

function measure(rows: readonly Row[], bar: Bar): Spread | undefined {
  const ours = rows.filter((row) => row.candidate === "zion" && row.log);
  if (bar.scenario === "any load") {
    const peaks = ours.flatMap((row) => figureOf(row, bar.figure as Figure)?.max ?? []);
    return spread(peaks);
  }
  const row = ours.find((one) => one.scenario === bar.scenario);
  if (row === undefined) return undefined;
  return bar.figure === "idleKb" ? spread(row.idleKb) : againstNginx(rows, row, bar.figure);
}

function ratio(title: string, scenario: ScenarioName, figure: Figure, limit: number): Bar {
  return { title, scenario, figure, limit, unit: "x nginx" };
}

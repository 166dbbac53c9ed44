import type { CandidateName } from "./candidate.ts";
import { against, type Figure, figureOf, type Row } from "./results.ts";
import { type ScenarioName, scenarios } from "./scenarios.ts";
import { type Spread, scaled, spread } from "./statistics.ts";

/** A limit the gateway sets itself, one worker, access log on; those of `waf-` scenarios with the WAF on. */
export interface Bar {
  readonly title: string;
  readonly scenario: ScenarioName | "any load";
  readonly figure: Figure | "idleKb";
  /** The figure is a ratio to this candidate's; undefined = an amount. */
  readonly peer: CandidateName | undefined;
  readonly limit: number;
  /** What is worked for beyond the limit; undefined = nothing. */
  readonly aim: number | undefined;
  readonly unit: "x" | "MB" | "kB" | "ms";
}

export interface Verdict {
  readonly bar: Bar;
  /** The value compared and its spread, in the bar's unit; undefined = not measured in this run. */
  readonly measured: Spread | undefined;
  readonly met: boolean | undefined;
  /** Undefined: not measured, or there is no aim. */
  readonly aimMet: boolean | undefined;
}

/** For a table; empty where nothing was measured. */
export function verdictText({ met, aimMet }: Verdict): string {
  if (met === undefined) return "";
  if (!met) return "**missed**";
  if (aimMet === undefined) return "met";
  return aimMet ? "met, as the aim" : "met, **aim missed**";
}

export const bars: readonly Bar[] = [
  ratio("GET 150 B, CPU", "get150", "cpuUs", 1.25, { aim: 1.15 }),
  ratio("POST 1 kB, CPU", "post1k", "cpuUs", 1.25),
  ratio("GET 10 kB, CPU", "get10k", "cpuUs", 1.25),
  ratio("TLS 1.3 GET, CPU", "tls-get", "cpuUs", 1.35, { aim: 1.25 }),
  ratio("TLS 1.3 GET 1 MB, CPU", "tls-get1m", "cpuUs", 1.25),
  ratio("upstream over TLS, GET 150 B, CPU", "tls-upstream", "cpuUs", 1.5),
  ratio("connection per request, CPU", "conn-per-request", "cpuUs", 2.5),
  ratio("full TLS handshake, CPU", "full-handshake", "cpuUs", 1.5),
  ratio("resumed TLS handshake, CPU", "resumed-handshake", "cpuUs", 1.3),
  ratio("HTTP/2 GET 150 B, CPU", "h2-get", "cpuUs", 1.5),
  ratio("HTTP/2 POST 1 kB, CPU", "h2-post1k", "cpuUs", 1.5),
  ratio("HTTP/2 GET 1 MB, CPU", "h2-get1m", "cpuUs", 1.25),
  ratio("p99.9 at saturation, GET 150 B", "get150", "p999Ms", 1.5, { aim: 1.2 }),
  amount("RSS of the worker under load", "any load", "workerRssMb", 110, "MB", 90),
  amount("idle TLS connection", "idle-tls", "idleKb", 48, "kB"),
  ratio("WAF on: GET, CPU", "waf-get", "cpuUs", 2, { aim: 1.5 }),
  ratio("WAF on: POST 1 kB JSON, CPU", "waf-post-json", "cpuUs", 2.5, { aim: 2 }),
  ratio("WAF on: GET, CPU", "waf-get", "cpuUs", 1 / 40, { peer: "nginx-modsecurity" }),
  ratio("WAF on: POST 1 kB JSON, CPU", "waf-post-json", "cpuUs", 1 / 40, { peer: "nginx-modsecurity" }),
  amount("WAF on: 10 MB JSON upload, CPU", "waf-upload-10mb", "cpuUs", 150, "ms"),
  amount("WAF on: loop held during it", "waf-upload-10mb", "holdMs", 5, "ms"),
];

/**
 * Judged by the median over the rounds, memory by the highest value seen. A stall that the code makes is in the worst
 * of every round, one that a neighbour on the machine makes is not: so its median counts as well.
 */
export function judge(rows: readonly Row[], all: readonly Bar[] = bars): readonly Verdict[] {
  return all.map((bar) => {
    const measured = measure(rows, bar);
    const value = bar.figure === "workerRssMb" ? measured?.max : measured?.median;
    const isWithin = (most: number | undefined): boolean | undefined =>
      value === undefined || most === undefined ? undefined : value <= most;
    return { bar, measured, met: isWithin(bar.limit), aimMet: isWithin(bar.aim) };
  });
}

function measure(rows: readonly Row[], bar: Bar): Spread | undefined {
  const ours = rows.filter((row) => row.candidate === "zion" && row.log);
  if (bar.scenario === "any load") {
    // The bar is of a gateway that inspects nothing.
    const plain = ours.filter((row) => !scenarios[row.scenario].waf);
    return spread(plain.flatMap((row) => figureOf(row, bar.figure as Figure)?.max ?? []));
  }
  const row = ours.find((one) => one.scenario === bar.scenario);
  // A gateway that let attacks through has not been measured with its WAF on.
  if (row === undefined || (scenarios[row.scenario].waf && row.waf !== "on")) return undefined;
  if (bar.figure === "idleKb") return spread(row.idleKb);
  if (bar.peer !== undefined) return against(rows, row, bar.figure, bar.peer);
  return scaled(figureOf(row, bar.figure), bar.figure === "cpuUs" ? 1 / 1000 : 1);
}

function ratio(
  title: string,
  scenario: ScenarioName,
  figure: Figure,
  limit: number,
  { peer = "nginx", aim }: { peer?: CandidateName; aim?: number } = {},
): Bar {
  return { title, scenario, figure, peer, limit, aim, unit: "x" };
}

function amount(
  title: string,
  scenario: Bar["scenario"],
  figure: Bar["figure"],
  limit: number,
  unit: "MB" | "kB" | "ms",
  aim?: number,
): Bar {
  return { title, scenario, figure, peer: undefined, limit, aim, unit };
}

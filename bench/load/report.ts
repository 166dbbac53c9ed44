import { judge, type Verdict, verdictText } from "./bars.ts";
import { label } from "./candidate.ts";
import { against, figureOf, type Results, type Row } from "./results.ts";
import { loadConnections, type ScenarioName, scenarios } from "./scenarios.ts";
import { type Spread, scaled, spread } from "./statistics.ts";
import { stepTable } from "./steps.ts";

/** The whole run as a Markdown page: machine, bars, one table per scenario. */
export function report(results: Results): string {
  const parts = [heading(results), barTable(judge(results.rows)), stepTable(results.steps)];
  for (const name of results.options.scenarios) {
    const rows = results.rows.filter((row) => row.scenario === name);
    if (rows.length === 0) continue;
    parts.push(`## ${name}: ${scenarios[name].title}\n\n${table(name, rows)}`);
  }
  const failures = results.rows.flatMap((row) =>
    row.failed === undefined
      ? []
      : `${row.scenario}, ${label(row.candidate, row.log)}: ${oneLine(row.failed)}`,
  );
  const quick = results.options.quick ? ["**A quick run: too short to judge bars by.**"] : [];
  const notes = [
    ...quick,
    ...uninspected(results.rows),
    ...results.notes,
    ...failures,
    ...disturbance(results.rows),
  ];
  if (notes.length > 0) parts.push(`## Notes\n\n${notes.map((note) => `- ${note}`).join("\n")}`);
  return `${parts.join("\n\n")}\n`;
}

function heading({ date, machine, options }: Results): string {
  const { versions, packages } = machine;
  const debian = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  const programs = [versions.nginx, versions.haproxy, versions.wrk, versions.h2load].filter(
    (one) => one !== undefined,
  );
  return `# Load benchmark, ${date.slice(0, 10)}

Made by \`npm run bench\`; how it measures: [bench/README.md](../README.md). Figures of one machine: compare ratios, and only within this page.

- ${machine.cpus} x ${machine.cpu}, ${machine.memoryGb} GB, Linux ${machine.kernel}, ${machine.system}
- Node ${versions.node}; ${[...programs, ...debian].join("; ")}
- commit ${machine.commit}${machine.dirty ? " with local changes" : ""}
- one worker each, ${loadConnections} connections, 1 route, WAF off but in the scenarios named waf; ${options.rounds} interleaved rounds of ${options.seconds} s after ${options.warmUpSeconds} s of warm-up
- every figure is median (min–max); "x nginx" is the median of the ratios within a round, log on against log on`;
}

function barTable(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map((verdict) => {
    const { bar, measured } = verdict;
    const unit = bar.peer === undefined ? bar.unit : `x ${bar.peer}`;
    const digits = bar.figure === "holdMs" ? 1 : bar.peer === undefined ? 0 : ratioDigits(bar.limit);
    const value = measured === undefined ? "not measured" : `${show(measured, digits)} ${unit}`;
    const aim = bar.aim === undefined ? "" : `${bar.aim}`;
    return `| ${bar.title} | ≤ ${bar.limit} ${unit} | ${aim} | ${value} | ${verdictText(verdict)} |`;
  });
  return `## Bars\n\n| bar | limit | aim | measured | |\n|---|---|---|---|---|\n${lines.join("\n")}`;
}

function table(name: ScenarioName, rows: readonly Row[]): string {
  const { kind, waf } = scenarios[name];
  if (kind === "idle") return idleTable(rows);
  if (kind === "upload") return uploadTable(rows);
  return waf ? `${wafTable(rows)}\n\n${loadTable(rows)}` : loadTable(rows);
}

/** Who inspected, and what a request costs beside those who do not and those who do. */
function wafTable(rows: readonly Row[]): string {
  const peers = ["nginx", "nginx-modsecurity", "apache-modsecurity"] as const;
  const lines = rows.map((row) => {
    const ratios = peers.map((peer) => {
      const ratio = against(rows, row, "cpuUs", peer);
      return show(ratio, ratio === undefined ? 0 : ratioDigits(ratio.median));
    });
    const cells = [row.candidate, row.waf ?? "–", show(figureOf(row, "cpuUs"), 1), ...ratios];
    return `| ${cells.join(" | ")} |`;
  });
  return `| | WAF | us CPU/request | ${peers.map((peer) => `x ${peer}`).join(" | ")} |
|---|---|---|---|---|---|
${lines.join("\n")}`;
}

function uploadTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const cells = [
      row.candidate,
      row.waf ?? "–",
      show(scaled(figureOf(row, "cpuUs"), 1 / 1000), 1),
      show(against(rows, row, "cpuUs"), 2),
      show(figureOf(row, "holdMs"), 1),
      median(figureOf(row, "p50Ms"), 0),
      median(figureOf(row, "rps"), 1),
      median(figureOf(row, "busyPct"), 0),
      median(figureOf(row, "workerRssMb"), 0),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return `| | WAF | ms CPU/upload | x nginx | longest wait of a small request, ms | ms/upload | uploads/s | CPU % | RSS worker MB |
|---|---|---|---|---|---|---|---|---|
${lines.join("\n")}`;
}

function loadTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const cells = [
      label(row.candidate, row.log),
      show(figureOf(row, "cpuUs"), 1),
      show(against(rows, row, "cpuUs"), 2),
      median(figureOf(row, "rps"), 0),
      median(figureOf(row, "busyPct"), 0),
      median(figureOf(row, "p50Ms"), 2),
      median(figureOf(row, "p99Ms"), 2),
      median(figureOf(row, "p999Ms"), 2),
      show(against(rows, row, "p999Ms"), 2),
      median(figureOf(row, "workerRssMb"), 0),
      median(figureOf(row, "treeRssMb"), 0),
      row.idleRssMb.toFixed(0),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return `| | us CPU/request | x nginx | requests/s | CPU % | p50 ms | p99 ms | p99.9 ms | p99.9 x nginx | RSS worker MB | RSS all MB | RSS all, before load |
|---|---|---|---|---|---|---|---|---|---|---|---|
${lines.join("\n")}`;
}

function idleTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => `| ${label(row.candidate, row.log)} | ${show(spread(row.idleKb), 1)} |`);
  return `| | kB RssAnon per connection |\n|---|---|\n${lines.join("\n")}`;
}

/** What was to be measured with the WAF on, and was not. */
function uninspected(rows: readonly Row[]): readonly string[] {
  const found = rows.filter((row) => row.waf === "off" && ["zion", "before"].includes(row.candidate));
  return found.map(
    (row) =>
      `**${row.scenario}: ${row.candidate} let attacks through. It ran without a WAF, and its figures are those of a plain proxy.**`,
  );
}

/** How far the machine was shared, and which windows did not count. */
function disturbance(rows: readonly Row[]): readonly string[] {
  const samples = rows.flatMap((row) => row.samples);
  const foreign = spread(samples.map((one) => one.foreignPct));
  if (foreign === undefined) return [];
  const invalid = rows.flatMap((row) =>
    row.samples.flatMap((one, round) =>
      one.invalid === undefined
        ? []
        : `${row.scenario}, ${label(row.candidate, row.log)}, round ${round + 1} does not count: ${one.invalid}`,
    ),
  );
  const silent = rows.flatMap((row) =>
    row.logLinesPerRequest === undefined || row.logLinesPerRequest >= 0.99
      ? []
      : `${row.scenario}, ${label(row.candidate, row.log)} logged only ${(row.logLinesPerRequest * 100).toFixed(0)} % of the requests`,
  );
  const shared = foreign.median > 5 ? " **The machine was not quiet: do not judge bars by this run.**" : "";
  return [
    ...silent,
    `CPU under test used by others during a window: ${show(foreign, 1)} %.${shared}`,
    ...invalid,
  ];
}

/** A failure may quote a program's output; the whole of it is in the JSON. */
function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

function show(value: Spread | undefined, digits: number): string {
  if (value === undefined) return "–";
  const [middle, low, high] = [value.median, value.min, value.max].map((one) => one.toFixed(digits));
  return `${middle} (${low}–${high})`;
}

/** Three digits that count, for ratios far below 1. */
function ratioDigits(value: number): number {
  return value > 0 && value < 0.1 ? 4 : value < 10 ? 2 : 0;
}

function median(value: Spread | undefined, digits: number): string {
  return value === undefined ? "–" : value.median.toFixed(digits);
}

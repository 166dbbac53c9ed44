import { judge, type Verdict } from "./bars.ts";
import { label } from "./candidate.ts";
import { againstNginx, figureOf, type Results, type Row } from "./results.ts";
import { loadConnections, scenarios } from "./scenarios.ts";
import { type Spread, spread } from "./statistics.ts";

/** The whole run as a Markdown page: machine, bars, one table per scenario. */
export function report(results: Results): string {
  const parts = [heading(results), barTable(judge(results.rows))];
  for (const name of results.options.scenarios) {
    const rows = results.rows.filter((row) => row.scenario === name);
    if (rows.length === 0) continue;
    const table = scenarios[name].kind === "idle" ? idleTable(rows) : loadTable(results.rows, rows);
    parts.push(`## ${name}: ${scenarios[name].title}\n\n${table}`);
  }
  const failures = results.rows.flatMap((row) =>
    row.failed === undefined
      ? []
      : `${row.scenario}, ${label(row.candidate, row.log)}: ${oneLine(row.failed)}`,
  );
  const quick = results.options.quick ? ["**A quick run: too short to judge bars by.**"] : [];
  const notes = [...quick, ...results.notes, ...failures, ...disturbance(results.rows)];
  if (notes.length > 0) parts.push(`## Notes\n\n${notes.map((note) => `- ${note}`).join("\n")}`);
  return `${parts.join("\n\n")}\n`;
}

function heading({ date, machine, options }: Results): string {
  const { versions } = machine;
  const programs = [versions.nginx, versions.haproxy, versions.wrk].filter((one) => one !== undefined);
  return `# Load benchmark, ${date.slice(0, 10)}

Made by \`npm run bench\`; how it measures: [bench/README.md](../README.md). Figures of one machine: compare ratios, and only within this page.

- ${machine.cpus} x ${machine.cpu}, ${machine.memoryGb} GB, Linux ${machine.kernel}, ${machine.system}
- Node ${versions.node}; ${programs.join("; ")}
- commit ${machine.commit}${machine.dirty ? " with local changes" : ""}
- one worker each, ${loadConnections} connections, 1 route, no WAF; ${options.rounds} interleaved rounds of ${options.seconds} s after ${options.warmUpSeconds} s of warm-up
- every figure is median (min–max); "x nginx" is the median of the ratios within a round, log on against log on`;
}

function barTable(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ bar, measured, met }) => {
    const digits = bar.unit === "x nginx" ? 2 : 0;
    const value = measured === undefined ? "not measured" : `${show(measured, digits)} ${bar.unit}`;
    const verdict = met === undefined ? "" : met ? "met" : "**missed**";
    return `| ${bar.title} | ≤ ${bar.limit} ${bar.unit} | ${value} | ${verdict} |`;
  });
  return `## Bars\n\n| bar | limit | measured | |\n|---|---|---|---|\n${lines.join("\n")}`;
}

function loadTable(all: readonly Row[], rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const cells = [
      label(row.candidate, row.log),
      show(figureOf(row, "cpuUs"), 1),
      show(againstNginx(all, row, "cpuUs"), 2),
      median(figureOf(row, "rps"), 0),
      median(figureOf(row, "busyPct"), 0),
      median(figureOf(row, "p50Ms"), 2),
      median(figureOf(row, "p99Ms"), 2),
      median(figureOf(row, "p999Ms"), 2),
      show(againstNginx(all, row, "p999Ms"), 2),
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

function median(value: Spread | undefined, digits: number): string {
  return value === undefined ? "–" : value.median.toFixed(digits);
}

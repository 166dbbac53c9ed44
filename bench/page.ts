import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { FuzzResults } from "../test/fuzz/results.ts";
import type { Found } from "./conformance/found.ts";
import { conformanceSections } from "./conformance/page.ts";
import { fuzzSection } from "./fuzz-page.ts";
import { judge, type Verdict, verdictText } from "./load/bars.ts";
import type { CandidateName } from "./load/candidate.ts";
import type { Law } from "./load/growth-law.ts";
import { barsSvg } from "./load/plot.ts";
import { against, figureOf, type Results, type Row } from "./load/results.ts";
import { type ScenarioName, scenarios } from "./load/scenarios.ts";

/**
 * docs/benchmarks.md and its plots, from the committed results: `node bench/page.ts --write`. Without the option it says
 * whether the page is what the results say. A scenario's rows are those of the newest run that drove it.
 */
const results = path.join(import.meta.dirname, "results");
const docs = path.join(import.meta.dirname, "../docs");

/** The page as the results in bench/results say. */
export function benchmarksPage(): string {
  const runs = readRuns();
  const parts = [
    `# Benchmarks

What the gateway costs and how it holds up, beside nginx, HAProxy, Caddy, two ModSecurity servers and proxies from npm. \`npm run prove\`
measures everything again and writes this page; [bench/README.md](../bench/README.md) says how. Figures of one machine (two
CPUs, loopback): compare ratios within a row, nothing else. Losses stand beside wins.`,
    cost(runs),
    bars(runs),
    rates(),
    growth(),
    ...conformance(),
    detection(),
    fuzzing(),
    `## Faults, detection, floods, soak

- Faults under load, beside nginx, HAProxy and Caddy: [faults.md](faults.md), figures in [fault.md](../bench/results/fault.md).
- Detection and false positives over the corpora: [detection.md](detection.md).
- HTTP/2 floods: [http2-floods.md](../bench/results/http2-floods.md).
- Handshakes and certificates: [certificates.md](../bench/results/certificates.md).
- Log, metrics and traces as a part of a request: [observed.md](../bench/results/observed.md).
- Where the CPU goes where a bar is missed, and what was tried: [profiles.md](../bench/results/profiles.md).
- Soak: [soak.md](../bench/results/soak.md).`,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

interface Run {
  readonly name: ScenarioName;
  readonly rows: readonly Row[];
  readonly date: string;
  readonly commit: string;
}

function readRuns(): readonly Run[] {
  const files = readdirSync(results).filter((name) => /^\d{4}-.*\.json$/.test(name));
  const all = files
    .map((name) => JSON.parse(readFileSync(path.join(results, name), "utf8")) as Results)
    .toSorted((a, b) => b.date.localeCompare(a.date));
  return (Object.keys(scenarios) as ScenarioName[]).flatMap((name) => {
    const run = all.find(({ rows }) => rows.some((row) => row.scenario === name && row.samples.length > 0));
    if (run === undefined) return [];
    const rows = run.rows.filter((row) => row.scenario === name);
    return [{ name, rows, date: run.date.slice(0, 10), commit: run.machine.commit }];
  });
}

function cost(runs: readonly Run[]): string {
  const lines = runs.map(({ name, rows, date, commit }) => {
    const cells = shown.map((candidate) => {
      const row = rows.find((one) => one.candidate === candidate && (one.log || isLogless(candidate)));
      const us = row && figureOf(row, "cpuUs");
      if (row === undefined || us === undefined) return "–";
      const ratio = row.log ? against(rows, row, "cpuUs") : undefined;
      return `${number(us.median)}${candidate === "nginx" || ratio === undefined ? "" : ` (${ratio.median.toFixed(2)}x)`}`;
    });
    return `| ${name} | ${cells.join(" | ")} | ${date}, ${commit} |`;
  });
  return `## Cost of a request

Microseconds of CPU of all processes per request, one worker each, access log on; in brackets the median of the ratios to nginx
within a round. \`waf-\` rows: the gateway inspects, nginx does not. The npm packages have no log and no limits.

![CPU per GET](images/benchmarks/get150.svg)

| scenario | ${shown.join(" | ")} | run |
| --- |${" --: |".repeat(shown.length)} --- |
${lines.join("\n")}`;
}

const shown: readonly CandidateName[] = [
  "zion",
  "nginx",
  "haproxy",
  "caddy",
  "nginx-modsecurity",
  "apache-modsecurity",
  "http-proxy-3",
  "fastify-http-proxy",
  "http2-proxy",
  "fast-proxy",
];

function isLogless(name: CandidateName): boolean {
  return shown.indexOf(name) > 5;
}

function bars(runs: readonly Run[]): string {
  const verdicts = judge(runs.flatMap(({ rows }) => rows)).filter(({ measured }) => measured !== undefined);
  const lines = verdicts.map((verdict: Verdict) => {
    const { bar, measured } = verdict;
    const { unit } = bar;
    const title = `${bar.title}${bar.peer === undefined || bar.peer === "nginx" ? "" : `, of ${bar.peer}`}`;
    const aim = bar.aim === undefined ? "–" : limit(bar.aim, unit);
    return `| ${title} | ${limit(bar.limit, unit)} | ${aim} | ${number(measured!.median)} (${number(measured!.min)} to ${number(measured!.max)}) | ${verdictText(verdict)} |`;
  });
  return `## Bars

A limit is what the gateway was built to; an aim is what it is driven towards now.

| bar | limit | aim | measured | |
| --- | --- | --- | --- | --- |
${lines.join("\n")}`;
}

function limit(value: number, unit: Verdict["bar"]["unit"]): string {
  return unit === "x" && value < 1 ? `1/${Math.round(1 / value)}` : `${value} ${unit}`;
}

function rates(): string {
  const found = read<{
    date: string;
    load: number;
    lines: readonly {
      candidate: string;
      capacity: number;
      share: number;
      kept: number;
      p50Ms: number;
      p99Ms: number;
      p999Ms: number;
    }[];
  }>("rates.json");
  if (found === undefined) return "";
  const lines = found.lines.map(
    ({ candidate, capacity, share, kept, p50Ms, p99Ms, p999Ms }) =>
      `| ${candidate} | ${Math.round(capacity)} | ${share * 100} % | ${(kept * 100).toFixed(0)} % | ${number(p50Ms)} | ${number(p99Ms)} | ${number(p999Ms)} |`,
  );
  return `## Latency at fixed rates

\`bench/rates.ts\`, ${found.date.slice(0, 10)}, load ${found.load.toFixed(1)}. Milliseconds, corrected for coordinated omission. Capacity is a closed loop of the same
generator, which shares its CPU with the origin and may be the limit.

![p99](images/benchmarks/rates.svg)

| candidate | capacity, 1/s | rate | came back | p50 | p99 | p99.9 |
| --- | --: | --: | --: | --: | --: | --: |
${lines.join("\n")}`;
}

function growth(): string {
  const found = read<{
    date: string;
    load: number;
    lines: readonly {
      dimension: string;
      candidate: string;
      points: readonly (readonly [number, number])[];
      law: Law;
    }[];
  }>("growth.json");
  if (found === undefined) return "";
  const lines = found.lines.map(
    ({ dimension, candidate, points, law }) =>
      `| ${dimension} | ${candidate} | ${points.map(([size, us]) => `${size}: ${number(us)}`).join(", ")} | ${law.name}, ${law.factor.toFixed(2)}x |`,
  );
  const plots = [...new Set(found.lines.map(({ dimension }) => dimension))].map(
    (name) => `![${name}](images/benchmarks/growth-${name}.svg)`,
  );
  return `## How costs grow

\`bench/growth.ts\`, ${found.date.slice(0, 10)}, load ${found.load.toFixed(1)}. Microseconds of CPU per request at each size; the law is the better of a straight line
over the size and over its logarithm, or flat below 1.15x.

| what grows | candidate | us by size | law, last by first |
| --- | --- | --- | --- |
${lines.join("\n")}

${plots.join("\n")}`;
}

function conformance(): readonly string[] {
  const found = read<Found>("conformance.json");
  return found === undefined ? [] : conformanceSections(found);
}

function fuzzing(): string {
  const found = read<FuzzResults>("fuzz.json");
  return found === undefined ? "" : fuzzSection(found);
}

function detection(): string {
  interface Line {
    readonly corpus: string;
    readonly candidate: string;
    readonly blocked: readonly {
      readonly expect: "block" | "pass";
      readonly cases: number;
      readonly refused: number;
    }[];
  }
  const found = read<{ date: string; lines: readonly Line[] }>("detection.json");
  if (found === undefined) return "";
  const candidates = [...new Set(found.lines.map(({ candidate }) => candidate))];
  const lines: string[] = [];
  for (const { corpus, blocked } of found.lines.filter(({ candidate }) => candidate === candidates[0]))
    for (const { expect, cases } of blocked) {
      const cells = candidates.map((name) => {
        const line = found.lines.find((one) => one.corpus === corpus && one.candidate === name);
        const share = line?.blocked.find((one) => one.expect === expect);
        return share === undefined ? "–" : `${((100 * share.refused) / share.cases).toFixed(1)} %`;
      });
      lines.push(
        `| ${corpus} | ${expect === "block" ? "attacks: more is better" : "harmless: less is better"} | ${cases} | ${cells.join(" | ")} |`,
      );
    }
  return `## Detection beside ModSecurity

\`bench/detection.ts\`, ${found.date.slice(0, 10)}: the same requests, each with its defaults, and how many were refused. The Core Rule Set 3.3.4 is at
paranoia level 1, as Debian ships it; some of its own tests need a higher one, and it knows none of the texts that the generator
was written for. The generator's are requests that this gateway was corrected by, so its 0 is no surprise. *generator-apart* are harmless
requests that attackers send as well, such as command lines and WebDAV's methods: [apart.ts](../test/eval/benign/apart.ts) says of each
why it is refused.

| corpus | what | requests | ${candidates.join(" | ")} |
| --- | --- | --: |${" --: |".repeat(candidates.length)}
${lines.join("\n")}`;
}

function read<T>(name: string): T | undefined {
  const file = path.join(results, name);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as T) : undefined;
}

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

if (import.meta.main) {
  const file = path.join(docs, "benchmarks.md");
  if (process.argv.includes("--write")) {
    const plots = path.join(docs, "images/benchmarks");
    mkdirSync(plots, { recursive: true });
    const get = readRuns().find(({ name }) => name === "get150");
    const amounts = shown.flatMap((name): [string, number][] => {
      const row = get?.rows.find((one) => one.candidate === name && (one.log || isLogless(name)));
      const us = row && figureOf(row, "cpuUs");
      return us === undefined ? [] : [[name, us.median]];
    });
    writeFileSync(path.join(plots, "get150.svg"), barsSvg("CPU per GET of 150 B, keep-alive", "us", amounts));
    writeFileSync(file, benchmarksPage());
  } else if (!existsSync(file) || readFileSync(file, "utf8") !== benchmarksPage()) {
    console.error("docs/benchmarks.md is not what bench/results says: node bench/page.ts --write");
    process.exitCode = 1;
  }
}

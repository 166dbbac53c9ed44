import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Options } from "./load/options.ts";
import type { Row } from "./load/results.ts";
import { runAll } from "./load/run-all.ts";
import { type ScenarioName, scenarios } from "./load/scenarios.ts";
import { pairedRatios, spread } from "./load/statistics.ts";
import { checkout } from "./load/zion.ts";

/**
 * What access log, metrics and trace context cost together, as a part of a request's CPU (bar: 12 %). "On" is this
 * checkout; "off" is a copy of it without the lines that do them, below, and with the access log turned off. Both are
 * built, checked for doing the work, and driven in turn in the same rounds, as in `npm run bench`.
 * `node bench/observed.ts [--rounds N] [--save]` after `npm run build`; about 2 minutes, Linux and two CPUs.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "3" },
    save: { type: "boolean" },
  },
});
const BAR = 0.12;
const measured: readonly ScenarioName[] = ["get150", "post1k", "tls-get"];

/** What is taken out: each text stands once in its file, or this program is out of date and says so. */
const cuts: Readonly<Record<string, readonly (readonly [text: string, instead: string])[]>> = {
  "src/control/data-plane.ts": [
    ["counters.conclude(record, request, nowMs);", ""],
    ["state.decisions.add(record, request, downstream.peerText, nowMs);", ""],
  ],
  // X-Request-ID and traceparent: neither read nor made, sent upstream or answered.
  "src/listener/identify.ts": [
    ["stampIds(request, state.random, snapshot.tracing, peer.trusted);", ""],
    ['import { stampIds } from "../http/id-lines.ts";', ""],
  ],
  // Times that only the log and the histograms read.
  "src/exchange.ts": [
    ["this.record.gatedMs = this.record.sentMs = this.state.clock.nowMs();", ""],
    ["    this.record.sentMs = this.state.clock.nowMs();\n", ""],
  ],
};

process.exitCode = await compare();

async function compare(): Promise<number> {
  process.env["ZION_BUILT"] = "1";
  process.setMaxListeners(32);
  const directory = mkdtempSync(path.join(tmpdir(), "zion-bench-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
  const off = path.join(directory, "off");
  copyWithout(off);
  const options: Options = {
    scenarios: measured,
    candidates: ["zion", "before"],
    logs: [true, false],
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    warmUpSeconds: 3,
    idleConnections: 0,
    save: false,
    quick: false,
    before: off,
  };
  const rows = await runAll(options, ["zion", "before"], directory);
  const failed = rows.filter((row) => row.failed !== undefined);
  for (const row of failed) console.error(`${row.scenario} ${row.candidate}: ${row.failed}`);
  if (failed.length > 0) return 1;
  const text = report(rows, options);
  console.log(text);
  if (values.save === true) writeFileSync(path.join(import.meta.dirname, "results/observed.md"), text);
  return 0;
}

/** With modules of its own: the gateway may read nothing outside of its package. */
function copyWithout(directory: string): void {
  for (const one of ["bin", "src", "rules", "config", "package.json", "tsconfig.json", "tsconfig.build.json"])
    cpSync(path.join(checkout, one), path.join(directory, one), { recursive: true });
  execFileSync("cp", ["-a", "--reflink=auto", path.join(checkout, "node_modules"), directory]);
  for (const [file, texts] of Object.entries(cuts)) {
    let source = readFileSync(path.join(directory, file), "utf8");
    for (const [text, instead] of texts) {
      const parts = source.split(text);
      if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${text.trim()}`);
      source = parts.join(instead);
    }
    writeFileSync(path.join(directory, file), source);
  }
  const build = path.join(checkout, "node_modules/.bin/tsc");
  execFileSync(
    build,
    [
      "-p",
      path.join(directory, "tsconfig.build.json"),
      "--noUnusedLocals",
      "false",
      "--noUnusedParameters",
      "false",
    ],
    {
      stdio: "inherit",
    },
  );
  // As `npm run build` does.
  cpSync(path.join(directory, "src/control/console"), path.join(directory, "dist/control/console"), {
    recursive: true,
  });
}

function report(rows: readonly Row[], { rounds, seconds }: Options): string {
  const find = (scenario: ScenarioName, candidate: string, log: boolean): Row =>
    rows.find((row) => row.scenario === scenario && row.candidate === candidate && row.log === log)!;
  const cpu = ({ samples }: Row) => samples.map((one) => (one.invalid === undefined ? one.cpuUs : undefined));
  const figure = (row: Row): string =>
    (spread(cpu(row).filter((us) => us !== undefined))?.median ?? Number.NaN).toFixed(1);
  const lines = measured.map((scenario) => {
    const [on, noLog, off] = [
      find(scenario, "zion", true),
      find(scenario, "zion", false),
      find(scenario, "before", false),
    ];
    const part = (less: Row): string => {
      const found = spread(pairedRatios(cpu(less), cpu(on)).map((ratio) => 100 * (1 - ratio)));
      if (found === undefined) return "no valid rounds";
      return `${found.median.toFixed(1)} % (${found.min.toFixed(1)} to ${found.max.toFixed(1)})`;
    };
    const shares = spread(pairedRatios(cpu(off), cpu(on)).map((ratio) => 1 - ratio));
    // On a busy machine rounds differ by more than what is looked for.
    const verdict =
      shares === undefined || (shares.min <= BAR && shares.max > BAR)
        ? "not resolved"
        : shares.max <= BAR
          ? "met"
          : "**missed**";
    return `| ${scenarios[scenario].title} | ${figure(on)} | ${figure(noLog)} | ${figure(off)} | ${part(noLog)} | ${part(off)} | ${verdict} |`;
  });
  const foreign = spread(rows.flatMap(({ samples }) => samples.map((one) => one.foreignPct)))?.median ?? 0;
  const commit = execFileSync("git", ["-C", checkout, "rev-parse", "--short=10", "HEAD"], {
    encoding: "utf8",
  }).trim();
  return `# Being observed

\`node bench/observed.ts --rounds ${rounds} --seconds ${seconds} --save\`, ${new Date().toISOString()}, commit ${commit}, Node ${process.version}, load ${loadavg()[0]!.toFixed(1)} of this and others, ${foreign.toFixed(0)} % of the CPU under test used by somebody else (median).

Microseconds of CPU per request of all processes of a gateway with one worker, medians of ${rounds} rounds; parts are paired within a round, with the lowest and the highest. *On*: access log to a file, metrics, the ring of decisions, ids and trace context. *No log*: \`enabled = false\`. *Off*: a copy of the source without the lines that count, stamp ids and take times for the log, and no log. What stays in it are the empty record of each exchange and clock readings that balancing needs too.

| scenario | on | no log | off | of it the log | log, metrics, ids and trace context | bar ${BAR * 100} % |
| --- | --- | --- | --- | --- | --- | --- |
${lines.join("\n")}
`;
}

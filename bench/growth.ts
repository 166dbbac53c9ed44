import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { type Candidate, type CandidateName, type Growth, startCandidate } from "./load/candidate.ts";
import { makeCertificate } from "./load/certificate.ts";
import { opensslConfText } from "./load/client.ts";
import { type Law, lawOf } from "./load/growth-law.ts";
import { describeMachine, type Machine } from "./load/machine.ts";
import { startOrigin } from "./load/origin.ts";
import { plotSvg } from "./load/plot.ts";
import { pinSelf } from "./load/process.ts";
import { allowedCpus } from "./load/run-all.ts";
import { loadConnections, type Scenario, scenarios } from "./load/scenarios.ts";
import { spread } from "./load/statistics.ts";
import { getSmall, post, type Traffic, wafGet } from "./load/traffic.ts";
import { measureWindow, settle } from "./load/window.ts";
import { startWitness } from "./load/witness.ts";
import { runWrk, writeWrkScript } from "./load/wrk.ts";

/**
 * How the cost of a request grows: with routes, own rules, header fields, body bytes, workers and clients, and by what
 * law (flat, logarithmic, linear). The gateway and nginx take turns at every size. `node bench/growth.ts [--only NAME,…]
 * [--rounds N] [--seconds N] [--save]` after `npm run build`; about 15 minutes, Linux and two CPUs.
 */

/** What one size of a dimension changes. */
interface Step {
  readonly growth?: Growth;
  readonly traffic?: Traffic;
  readonly connections?: number;
}

interface Dimension {
  readonly name: string;
  readonly title: string;
  readonly waf: boolean;
  readonly candidates: readonly CandidateName[];
  readonly sizes: readonly number[];
  step(size: number, directory: string): Step;
}

/** What was found: the content of results/growth.json. */
interface Found {
  readonly date: string;
  readonly machine: Machine;
  readonly load: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly lines: readonly Line[];
}

/** One candidate along one dimension. */
interface Line {
  readonly dimension: string;
  readonly candidate: CandidateName;
  /** Size and microseconds of CPU per request, the median of the rounds. */
  readonly points: readonly (readonly [size: number, cpuUs: number])[];
  readonly law: Law;
}

const dimensions: readonly Dimension[] = [
  {
    name: "routes",
    title: "routes before the one that is asked for",
    waf: false,
    candidates: ["zion", "nginx"],
    sizes: [10, 100, 1000, 10_000],
    step: (routes) => ({ growth: { routes } }),
  },
  {
    name: "rules",
    title: "rules of the operator, WAF on",
    waf: true,
    candidates: ["zion"],
    sizes: [100, 500, 2000, 5000],
    step: (count, directory) => ({ growth: { ruleFiles: writeRules(directory, count) }, traffic: wafGet }),
  },
  {
    name: "fields",
    title: "header fields of a request, WAF on (nginx without one)",
    waf: true,
    candidates: ["zion", "nginx"],
    sizes: [8, 16, 32, 64],
    step: (count) => ({ traffic: { ...wafGet, fields: fieldsOf(count) } }),
  },
  {
    name: "body",
    title: "bytes of a JSON body, WAF on (nginx without one)",
    waf: true,
    candidates: ["zion", "nginx"],
    sizes: [100, 1000, 10_000, 100_000],
    // Few at a time: 64 large bodies at once are overload, which is answered 503.
    step: (bytes) => ({ traffic: post("application/json", jsonOf(bytes)), connections: 8 }),
  },
  {
    name: "workers",
    title: "workers on one CPU",
    waf: false,
    candidates: ["zion", "nginx"],
    sizes: [1, 2, 4],
    step: (workers) => ({ growth: { workers } }),
  },
  {
    name: "clients",
    title: "connections that ask all the time",
    waf: false,
    candidates: ["zion", "nginx"],
    sizes: [8, 64, 512, 4096],
    step: (connections) => ({ growth: {}, connections }),
  },
];

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "2" },
    save: { type: "boolean" },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
process.exitCode = await main();

async function main(): Promise<number> {
  process.env["ZION_BUILT"] = "1";
  process.setMaxListeners(64);
  const directory = mkdtempSync(path.join(tmpdir(), "zion-growth-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
  const chosen = dimensions.filter(({ name }) => values.only?.split(",").includes(name) ?? true);
  const [proxyCpu, loadCpu] = allowedCpus() as [number, number];
  pinSelf(loadCpu);
  const witness = await startWitness();
  const origin = await startOrigin(loadCpu, directory, witness.port);
  const lines: Line[] = [];
  try {
    for (const one of chosen)
      lines.push(...(await grow(one, { directory, proxyCpu, loadCpu, port: origin.port })));
  } finally {
    await origin.process.stop();
    witness.close();
  }
  const found: Found = {
    date: new Date().toISOString(),
    machine: describeMachine(),
    load: loadavg()[0]!,
    rounds,
    seconds,
    lines,
  };
  for (const { dimension, candidate, points, law } of lines)
    console.log(
      `${dimension} ${candidate}: ${points.map(([size, us]) => `${size}: ${us.toFixed(1)} us`).join(", ")}; ${law.name}, ${law.factor.toFixed(2)}x`,
    );
  if (values.save === true) save(found);
  return 0;
}

interface Place {
  readonly directory: string;
  readonly proxyCpu: number;
  readonly loadCpu: number;
  /** Of the origin. */
  readonly port: number;
}

async function grow(dimension: Dimension, place: Place): Promise<readonly Line[]> {
  const found = new Map<CandidateName, [number, number][]>(dimension.candidates.map((name) => [name, []]));
  for (const size of dimension.sizes) {
    const step = dimension.step(size, place.directory);
    const samples = await measure(dimension, step, place);
    for (const [name, costs] of samples) {
      const cost = spread(costs);
      if (cost !== undefined) found.get(name)!.push([size, cost.median]);
      console.error(`${dimension.name} ${size}: ${name} ${cost?.median.toFixed(1) ?? "no valid window"} us`);
    }
  }
  return [...found]
    .filter(([, points]) => points.length > 2)
    .map(([candidate, points]) => ({ dimension: dimension.name, candidate, points, law: lawOf(points) }));
}

/** CPU per request by candidate, one value a round. */
async function measure(
  { waf, candidates }: Dimension,
  { growth, traffic = getSmall, connections = loadConnections }: Step,
  { directory, proxyCpu, loadCpu, port }: Place,
): Promise<ReadonlyMap<CandidateName, readonly number[]>> {
  const scenario: Scenario = { ...scenarios.get150, waf, traffic };
  const opensslConf = path.join(directory, "openssl.cnf");
  writeFileSync(opensslConf, opensslConfText);
  const around = { directory, beforeDirectory: undefined, ...makeCertificate(directory) };
  const work = {
    waf,
    holdProbe: false,
    endless: false,
    backend: "origin",
    originPort: port,
    growth,
  } as const;
  const started: Candidate[] = [];
  const costs = new Map<CandidateName, number[]>();
  try {
    for (const name of candidates) started.push(await startCandidate(name, true, proxyCpu, around, work));
    const drive = (candidate: Candidate, forSeconds: number) => {
      const authority = `localhost:${candidate.httpPort}`;
      const scriptFile = path.join(directory, `wrk-${candidate.httpPort}.lua`);
      writeWrkScript(scriptFile, scenario, authority);
      const url = `http://${authority}/`;
      return runWrk({ cpu: loadCpu, scriptFile, url, seconds: forSeconds, connections, opensslConf });
    };
    for (const candidate of started) await drive(candidate, 2);
    for (let round = 0; round < rounds; round++) {
      for (const candidate of started) {
        await settle(candidate);
        const sample = await measureWindow(candidate, proxyCpu, traffic.answerBytes, () =>
          drive(candidate, seconds),
        );
        candidate.takeLogLines();
        if (sample.invalid === undefined)
          costs.set(candidate.name, [...(costs.get(candidate.name) ?? []), sample.cpuUs]);
        else console.error(`${candidate.name}: ${sample.invalid}`);
      }
    }
  } finally {
    for (const candidate of started) await candidate.process.stop();
  }
  return costs;
}

/** Rules as an operator writes them: literals of his own application, and a regex behind each. A thousand a file. */
function writeRules(directory: string, count: number): readonly string[] {
  const files: string[] = [];
  for (let from = 0; from < count; from += 1000) {
    const rules = [`class = "own-${from}"`];
    for (let rule = from; rule < Math.min(count, from + 1000); rule++) rules.push(ownRule(rule));
    const file = path.join(directory, `own-${count}-${from}.toml`);
    writeFileSync(file, rules.join("\n"));
    files.push(file);
  }
  return files;
}

function ownRule(rule: number): string {
  const word = `old_${((rule + 1) * 7919).toString(36)}`;
  return `
[[rule]]
id = "own-${rule}"
severity = "warning"
why = "An export of the old shop that nobody may call any more."
literals = ["${word}"]
regex = '${word}\\s*='
block = ["${word}=1", "x ${word} = 2"]
allow = ["${word}", "the ${word} of May"]`;
}

function fieldsOf(count: number): Traffic["fields"] {
  const own = wafGet.fields.slice(0, Math.min(count - 1, wafGet.fields.length));
  const more: [string, string][] = [];
  for (let field = own.length + 1; field < count; field++)
    more.push([`X-Client-Fact-${field}`, `version 4.${field} of the app, channel stable`]);
  return [...own, ...more];
}

function jsonOf(bytes: number): string {
  const lines: string[] = [];
  for (let line = 0, length = 14; ; line++) {
    const text = JSON.stringify({ sku: `GT-${line}`, qty: line % 9, name: "Garden hose 5m, green" });
    if ((length += text.length + 1) > bytes) break;
    lines.push(text);
  }
  const text = `{"items":[${lines.join(",")}],"note":""}`;
  return text.replace('"note":""', `"note":"${"x".repeat(Math.max(0, bytes - text.length))}"`);
}

function save(found: Found): void {
  const results = path.join(import.meta.dirname, "results");
  const plots = path.join(import.meta.dirname, "../docs/images/benchmarks");
  mkdirSync(plots, { recursive: true });
  writeFileSync(path.join(results, "growth.json"), `${JSON.stringify(found, null, 1)}\n`);
  for (const { name, title } of dimensions) {
    const lines = found.lines.filter(({ dimension }) => dimension === name);
    if (lines.length === 0) continue;
    const series = lines.map(({ candidate, points }) => ({ name: candidate, points }));
    const svg = plotSvg({ title: `CPU per request by ${title}`, x: title, y: "us", logX: true, series });
    writeFileSync(path.join(plots, `growth-${name}.svg`), svg);
  }
}

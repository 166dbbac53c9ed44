import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { type Candidate, type CandidateName, startCandidate } from "./load/candidate.ts";
import { makeCertificate } from "./load/certificate.ts";
import { checkCandidate } from "./load/correctness.ts";
import { runGenerator } from "./load/generator.ts";
import { loadOf } from "./load/handshakes.ts";
import { describeMachine, type Machine } from "./load/machine.ts";
import { startOrigin } from "./load/origin.ts";
import { plotSvg } from "./load/plot.ts";
import { pinSelf } from "./load/process.ts";
import { allowedCpus } from "./load/run-all.ts";
import { scenarios } from "./load/scenarios.ts";
import { spread } from "./load/statistics.ts";
import { getSmall } from "./load/traffic.ts";
import { settle } from "./load/window.ts";
import { startWitness } from "./load/witness.ts";

/**
 * Latency at fixed rates: a quarter, half and three quarters of what each candidate can do in a closed loop of the same
 * generator. A request that had to wait for its turn counts with that wait: what a connection could not send while it
 * waited longer than the interval is added (coordinated omission). `node bench/rates.ts [--rounds N] [--seconds N]
 * [--candidates a,b] [--save]` after `npm run build`.
 */
const { values } = parseArgs({
  options: {
    candidates: { type: "string", default: "zion,nginx,haproxy,caddy" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "4" },
    save: { type: "boolean" },
  },
});
const CONNECTIONS = 64;
const shares = [0.25, 0.5, 0.75] as const;

/** The content of results/rates.json. */
interface Found {
  readonly date: string;
  readonly machine: Machine;
  readonly load: number;
  readonly lines: readonly Line[];
}

interface Line {
  readonly candidate: CandidateName;
  /** Answers a second in a closed loop: the generator and the origin share one CPU, and may be the limit. */
  readonly capacity: number;
  readonly share: number;
  /** What came back of what was to be sent, 0 to 1. */
  readonly kept: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

interface Entry {
  readonly candidate: Candidate;
  readonly capacities: number[];
  readonly windows: Map<number, Line[]>;
}

process.exitCode = await main();

async function main(): Promise<number> {
  process.env["ZION_BUILT"] = "1";
  process.setMaxListeners(64);
  const directory = mkdtempSync(path.join(tmpdir(), "zion-rates-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
  const [proxyCpu, loadCpu] = allowedCpus() as [number, number];
  pinSelf(loadCpu);
  const witness = await startWitness();
  const origin = await startOrigin(loadCpu, directory, witness.port);
  const around = { directory, beforeDirectory: undefined, ...makeCertificate(directory) };
  const work = {
    waf: false,
    holdProbe: false,
    endless: true,
    backend: "origin",
    originPort: origin.port,
  } as const;
  const entries: Entry[] = [];
  try {
    for (const name of values.candidates.split(",") as CandidateName[]) {
      const candidate = await startCandidate(name, true, proxyCpu, around, work);
      entries.push({ candidate, capacities: [], windows: new Map(shares.map((share) => [share, []])) });
      const wrong = await checkCandidate(candidate, scenarios.get150, origin.port);
      if (wrong.length > 0) throw new Error(`${name}: ${wrong.join("; ")}`);
    }
    const ask = (candidate: Candidate, rate: number | undefined, seconds: number) =>
      drive({ cpu: loadCpu, port: candidate.httpPort, rate, seconds, directory });
    for (const { candidate } of entries) await ask(candidate, undefined, 2);
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const { candidate, capacities, windows } of entries) {
        await settle(candidate);
        const capacity = (await ask(candidate, undefined, 2)).perSecond;
        capacities.push(capacity);
        for (const share of shares) {
          await settle(candidate);
          const rate = Math.round((capacity * share) / CONNECTIONS) * CONNECTIONS;
          const { perSecond, load } = await ask(candidate, rate, Number(values.seconds));
          const { p50Ms, p99Ms, p999Ms } = load;
          const kept = perSecond / rate;
          windows
            .get(share)!
            .push({ candidate: candidate.name, capacity, share, kept, p50Ms, p99Ms, p999Ms });
          candidate.takeLogLines();
          console.error(
            `${candidate.name} ${share * 100} % = ${rate}/s: p50 ${p50Ms.toFixed(2)}, p99 ${p99Ms.toFixed(2)}, p99.9 ${p999Ms.toFixed(2)} ms, ${(kept * 100).toFixed(0)} % kept`,
          );
        }
      }
    }
  } finally {
    for (const { candidate } of entries) await candidate.process.stop();
    await origin.process.stop();
    witness.close();
  }
  const lines = entries.flatMap(({ windows }) => shares.map((share) => middle(windows.get(share)!)));
  const found: Found = {
    date: new Date().toISOString(),
    machine: describeMachine(),
    load: loadavg()[0]!,
    lines,
  };
  console.log(JSON.stringify(lines, null, 1));
  if (values.save === true) save(found);
  return 0;
}

/** Each figure's median over the rounds. */
function middle(windows: readonly Line[]): Line {
  const of = (figure: "capacity" | "kept" | "p50Ms" | "p99Ms" | "p999Ms") =>
    spread(windows.map((one) => one[figure]))!.median;
  return {
    ...windows[0]!,
    capacity: of("capacity"),
    kept: of("kept"),
    p50Ms: of("p50Ms"),
    p99Ms: of("p99Ms"),
    p999Ms: of("p999Ms"),
  };
}

interface Drive {
  readonly cpu: number;
  readonly port: number;
  /** Requests a second of all connections together; undefined = a closed loop. */
  readonly rate: number | undefined;
  readonly seconds: number;
  readonly directory: string;
}

async function drive({ cpu, port, rate, seconds, directory }: Drive) {
  const logFile = path.join(directory, `h2load-${port}.log`);
  rmSync(logFile, { force: true });
  const args = ["h2load", "--h1", `-c${CONNECTIONS}`, `--duration=${seconds}`, `--log-file=${logFile}`];
  if (rate !== undefined) args.push(`--rps=${rate / CONNECTIONS}`);
  for (const [name, value] of getSmall.fields) args.push("-H", `${name.toLowerCase()}: ${value}`);
  args.push(`http://127.0.0.1:${port}${getSmall.target}`);
  let perSecond = 0;
  const load = await runGenerator(args, { cpu, timeoutMs: (seconds + 15) * 1000 }, () => {
    const times: number[] = [];
    for (const line of readFileSync(logFile, "latin1").split("\n")) {
      const [, status, us] = line.split("\t");
      if (status === "200") times.push(Number(us) / 1000);
    }
    perSecond = times.length / seconds;
    const all = rate === undefined ? times : uncoordinated(times, (1000 * CONNECTIONS) / rate);
    return loadOf(all, { seconds, bytes: 0, socketErrors: 0, statusErrors: 0 });
  });
  return { load, perSecond };
}

/** With what a connection could not send while it waited (Tene's correction by the expected interval). */
function uncoordinated(times: readonly number[], intervalMs: number): number[] {
  const all = [...times];
  for (const time of times)
    for (let missed = time - intervalMs; missed > intervalMs / 2; missed -= intervalMs) all.push(missed);
  return all;
}

function save(found: Found): void {
  const plots = path.join(import.meta.dirname, "../docs/images/benchmarks");
  mkdirSync(plots, { recursive: true });
  writeFileSync(path.join(import.meta.dirname, "results/rates.json"), `${JSON.stringify(found, null, 1)}\n`);
  const names = [...new Set(found.lines.map(({ candidate }) => candidate))];
  const series = names.map((name) => ({
    name,
    points: found.lines
      .filter(({ candidate }) => candidate === name)
      .map(({ share, p99Ms }): [number, number] => [share * 100, p99Ms]),
  }));
  const title = "p99 at a share of one's own capacity";
  const svg = plotSvg({ title, x: "% of capacity", y: "p99, ms", logY: true, series });
  writeFileSync(path.join(plots, "rates.svg"), svg);
}

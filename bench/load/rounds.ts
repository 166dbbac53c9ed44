import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Candidate,
  type CandidateName,
  isSlow,
  label,
  type Surroundings,
  startCandidate,
} from "./candidate.ts";
import { checkCall, checkCandidate, checkCompressed, checkFanOut, checkFile } from "./correctness.ts";
import { type EventsOrigin, FanOut } from "./events.ts";
import type { Load } from "./generator.ts";
import { runH2load } from "./h2load.ts";
import { runHandshakes } from "./handshakes.ts";
import { measureHold } from "./hold.ts";
import { idleConnectionKb } from "./idle.ts";
import type { Options } from "./options.ts";
import { readStatusKb, readTree } from "./proc.ts";
import type { Row } from "./results.ts";
import {
  type Backend,
  loadConnections,
  type Scenario,
  type ScenarioName,
  scenarios,
  slowConnections,
} from "./scenarios.ts";
import { printRequest } from "./traffic.ts";
import { runUploads } from "./upload.ts";
import { checkWaf, type WafState } from "./waf-check.ts";
import { measureWindow, type Sample, settle } from "./window.ts";
import { runWrk, writeWrkScript } from "./wrk.ts";

/** What every scenario of a run works with. */
export interface Bench {
  readonly options: Options;
  /** Candidates that are installed, in table order. */
  readonly names: readonly CandidateName[];
  /** CPU of the candidates, and the one of generator and origin. */
  readonly proxyCpu: number;
  readonly loadCpu: number;
  readonly around: Surroundings;
  /** Ports of what can stand behind the candidates. */
  readonly backends: Readonly<Record<Backend, number>>;
  readonly events: EventsOrigin;
  readonly opensslConf: string;
  say(text: string): void;
}

/** A candidate on its way through one scenario. */
interface Entry {
  readonly name: CandidateName;
  readonly log: boolean;
  readonly candidate: Candidate | undefined;
  readonly failed: string | undefined;
  readonly waf: WafState | undefined;
  /** `fan-out` only. */
  readonly fanOut: FanOut | undefined;
  readonly idleRssMb: number;
  readonly samples: Sample[];
  /** Completed since the start, and what the access log says about it. */
  requests: number;
  logLines: number;
}

/** Every candidate has written its buffered lines after this long. */
const logFlushMs = 1_500;

/**
 * All candidates of one scenario, started afresh, checked, warmed up and then driven in turn: A B C A B C. What
 * disturbs the machine for a while then disturbs them alike, and ratios within a round stay comparable.
 */
export async function runScenario(bench: Bench, name: ScenarioName): Promise<readonly Row[]> {
  const scenario: Scenario = scenarios[name];
  if (scenario.kind === "idle") return runIdle(bench, name, scenario);
  const entries: Entry[] = [];
  try {
    // What a line of the log costs is measured without the WAF already.
    for (const log of scenario.waf ? bench.options.logs.slice(0, 1) : bench.options.logs) {
      for (const one of namesOf(bench, scenario)) entries.push(await enter(bench, scenario, one, log));
    }
    const ready = entries.filter((one) => one.candidate !== undefined);
    for (const one of ready) {
      one.requests += (await driver(bench, scenario, one)(bench.options.warmUpSeconds)).requests;
      await settle(one.candidate!);
    }
    for (let round = 1; round <= bench.options.rounds; round++) {
      for (const one of ready) {
        const candidate = one.candidate!;
        const drive = driver(bench, scenario, one);
        let sample = await measureWindow(candidate, bench.proxyCpu, scenario.traffic.answerBytes, () =>
          drive(bench.options.seconds),
        );
        await settle(candidate);
        if (scenario.kind === "upload")
          sample = await withHold(sample, candidate, drive, bench.options.seconds);
        one.requests += sample.requests;
        one.logLines += candidate.takeLogLines();
        one.samples.push(sample);
        bench.say(
          `${name} round ${round}: ${label(one.name, one.log)} ${sample.cpuUs.toFixed(1)} us, ` +
            `${sample.rps.toFixed(sample.rps < 100 ? 1 : 0)}/s` +
            `${sample.holdMs === undefined ? "" : `, ${sample.holdMs.toFixed(1)} ms deaf`}${sample.invalid === undefined ? "" : `, invalid: ${sample.invalid}`}`,
        );
      }
    }
    await sleep(logFlushMs);
    for (const one of ready) one.logLines += one.candidate!.takeLogLines();
  } finally {
    for (const one of entries) {
      one.fanOut?.close();
      await one.candidate?.process.stop();
    }
  }
  return entries.map((one) => row(name, one, []));
}

function namesOf(bench: Bench, scenario: Scenario): readonly CandidateName[] {
  return bench.names.filter((one) => scenario.candidates.includes(one));
}

/** Probes cost CPU: they have a window of their own, after the one in which it was measured. */
async function withHold(
  sample: Sample,
  candidate: Candidate,
  drive: (seconds: number) => Promise<Load>,
  seconds: number,
): Promise<Sample> {
  const hold = await measureHold(candidate.httpPort, () => drive(seconds));
  await settle(candidate);
  return { ...sample, holdMs: hold.worstMs, invalid: sample.invalid ?? hold.problem };
}

/** Memory is measured on fresh processes: what one scenario's garbage left behind is not a connection's. */
async function runIdle(bench: Bench, name: ScenarioName, scenario: Scenario): Promise<readonly Row[]> {
  const log = bench.options.logs[0] ?? true;
  const figures = new Map<CandidateName, number[]>();
  const last = new Map<CandidateName, Entry>();
  for (let round = 1; round <= Math.min(3, bench.options.rounds); round++) {
    for (const one of namesOf(bench, scenario)) {
      const entry = await enter(bench, scenario, one, log);
      last.set(one, entry);
      if (entry.candidate === undefined) continue;
      try {
        const bytes = printRequest(scenario.traffic, `localhost:${entry.candidate.httpsPort}`);
        const kb = await idleConnectionKb(entry.candidate, bytes, bench.options.idleConnections);
        figures.set(one, [...(figures.get(one) ?? []), kb]);
        bench.say(`${name} round ${round}: ${one} ${kb.toFixed(1)} kB a connection`);
      } catch (error) {
        last.set(one, { ...entry, failed: (error as Error).message });
        bench.say(`${name} round ${round}: ${one} failed: ${(error as Error).message}`);
      } finally {
        await entry.candidate.process.stop();
      }
    }
  }
  return [...last].map(([one, entry]) => row(name, entry, figures.get(one) ?? []));
}

async function enter(bench: Bench, scenario: Scenario, name: CandidateName, log: boolean): Promise<Entry> {
  let candidate: Candidate | undefined;
  try {
    const { waf, kind, backend } = scenario;
    const originPort = bench.backends[backend];
    const work = { waf, holdProbe: kind === "upload", endless: kind === "h2load", backend, originPort };
    candidate = await startCandidate(name, log, bench.proxyCpu, bench.around, work);
    const fanOut =
      kind === "fan-out" ? new FanOut(bench.events, candidate.httpPort, scenario.traffic) : undefined;
    const plainPort = backend === "encrypted" ? bench.backends.origin : originPort;
    const wrong = await checkWork(candidate, scenario, plainPort, fanOut);
    const inspection = scenario.waf ? await checkWaf(candidate) : undefined;
    wrong.push(...(inspection?.wrong ?? []));
    if (wrong.length > 0) throw new Error(wrong.join("; "));
    const found = inspection?.waf;
    if (found === "off" && (name === "zion" || name === "before"))
      bench.say(`${scenario.title}: ${name} lets attacks through: it runs without a WAF`);
    const idleRssMb = treeRssMb(candidate);
    return { name, log, candidate, failed: undefined, waf: found, fanOut, idleRssMb, ...nothingYet() };
  } catch (error) {
    await candidate?.process.stop();
    const failed = (error as Error).message;
    bench.say(`${scenario.title}: ${label(name, log)} left out: ${failed}`);
    const nothing = { candidate: undefined, waf: undefined, fanOut: undefined, idleRssMb: 0 };
    return { name, log, failed, ...nothing, ...nothingYet() };
  }
}

function checkWork(
  candidate: Candidate,
  scenario: Scenario,
  originPort: number,
  fanOut: FanOut | undefined,
): Promise<string[]> {
  if (fanOut !== undefined) return checkFanOut(fanOut);
  if (scenario.backend === "grpc") return checkCall(candidate, scenario);
  if (scenario.backend === "files") return checkFile(candidate, scenario);
  if (scenario.backend === "compressed") return checkCompressed(candidate, scenario, originPort);
  return checkCandidate(candidate, scenario, originPort);
}

function driver(
  bench: Bench,
  scenario: Scenario,
  { candidate: started, fanOut }: Entry,
): (seconds: number) => Promise<Load> {
  const candidate = started!;
  if (fanOut !== undefined) return (seconds) => fanOut.run(seconds);
  const port = scenario.tls ? candidate.httpsPort : candidate.httpPort;
  const authority = `localhost:${port}`;
  if (scenario.kind === "handshake" || scenario.kind === "resumption") {
    const resumes = scenario.kind === "resumption";
    const bytes = printRequest(scenario.traffic, authority, [["Connection", "close"]]);
    return (seconds) => runHandshakes(port, bytes, seconds, resumes);
  }
  if (scenario.kind === "upload") {
    const bytes = printRequest(scenario.traffic, authority);
    return (seconds) => runUploads(port, bytes, seconds);
  }
  if (scenario.kind === "h2load") {
    const { traffic } = scenario;
    const bodyFile = join(bench.around.directory, `h2load-${port}.body`);
    const logFile = join(bench.around.directory, `h2load-${port}.log`);
    return (seconds) => runH2load({ cpu: bench.loadCpu, port, traffic, seconds, bodyFile, logFile });
  }
  const connections = isSlow(candidate.name) ? slowConnections : loadConnections;
  const scriptFile = join(bench.around.directory, `wrk-${port}.lua`);
  writeWrkScript(scriptFile, scenario, authority);
  const url = `${scenario.tls ? "https" : "http"}://${authority}/`;
  return (seconds) =>
    runWrk({ cpu: bench.loadCpu, scriptFile, url, seconds, connections, opensslConf: bench.opensslConf });
}

function row(name: ScenarioName, entry: Entry, idleKb: readonly number[]): Row {
  const { name: candidate, log, samples, waf, idleRssMb, failed, requests, logLines, fanOut } = entry;
  // A stream has one line, whatever it carried.
  const isCounted = log && requests > 0 && fanOut === undefined;
  const logLinesPerRequest = isCounted ? logLines / requests : undefined;
  return { scenario: name, candidate, log, samples, idleKb, waf, idleRssMb, logLinesPerRequest, failed };
}

function nothingYet(): Pick<Entry, "samples" | "requests" | "logLines"> {
  return { samples: [], requests: 0, logLines: 0 };
}

function treeRssMb(candidate: Candidate): number {
  let kb = 0;
  for (const one of readTree(candidate.process.pid)) kb += readStatusKb(one.pid, "VmRSS");
  return kb / 1024;
}

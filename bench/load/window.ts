import { setTimeout as sleep } from "node:timers/promises";
import type { Candidate } from "./candidate.ts";
import type { Load } from "./generator.ts";
import { cpuSeconds, ownCpuSeconds, readCpuBusySeconds, readStatusKb, readTree } from "./proc.ts";

/** One candidate, one round. */
export interface Sample {
  /** Microseconds of CPU of the whole process tree per completed request. The figure. */
  readonly cpuUs: number;
  /** Of its CPU. Below about 90 the generator or the origin was the limit, and latencies are not at saturation. */
  readonly busyPct: number;
  readonly rps: number;
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Highest resident size of the process that did most of the work, MB. */
  readonly workerRssMb: number;
  /** Highest resident size of all its processes together, MB. */
  readonly treeRssMb: number;
  /** `upload` only: the longest a small request beside the uploads waited, ms, in a window of its own. */
  readonly holdMs: number | undefined;
  /** Share of the CPU under test that somebody else used meanwhile, percent: tells a disturbed window. */
  readonly foreignPct: number;
  /** Why the window does not count; undefined = it does. */
  readonly invalid: string | undefined;
}

/** Drives a candidate once and reads its CPU time and memory around it. `cpu` is where the candidate is pinned. */
export async function measureWindow(
  candidate: Candidate,
  cpu: number,
  answerBytes: number,
  drive: () => Promise<Load>,
): Promise<Sample> {
  const root = candidate.process.pid;
  const before = readTree(root);
  const busyBefore = readCpuBusySeconds(cpu);
  const peaks = new Map<number, number>();
  let treeKb = 0;
  const sampler = setInterval(() => {
    let sum = 0;
    for (const one of readTree(root)) {
      const kb = readStatusKb(one.pid, "VmRSS");
      sum += kb;
      peaks.set(one.pid, Math.max(peaks.get(one.pid) ?? 0, kb));
    }
    treeKb = Math.max(treeKb, sum);
  }, 250);
  let load: Load;
  try {
    load = await drive();
  } finally {
    clearInterval(sampler);
  }
  const after = readTree(root);
  const used = cpuSeconds(after) - cpuSeconds(before);
  const busy = readCpuBusySeconds(cpu) - busyBefore;

  let worker = root;
  let most = -1;
  for (const one of after) {
    const earlier = before.find((other) => other.pid === one.pid);
    const own = ownCpuSeconds(one) - (earlier === undefined ? 0 : ownCpuSeconds(earlier));
    if (own > most) [worker, most] = [one.pid, own];
  }
  return {
    cpuUs: load.requests === 0 ? 0 : (used / load.requests) * 1e6,
    busyPct: (used / load.seconds) * 100,
    rps: load.requests / load.seconds,
    requests: load.requests,
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    p999Ms: load.p999Ms,
    workerRssMb: (peaks.get(worker) ?? 0) / 1024,
    treeRssMb: treeKb / 1024,
    holdMs: undefined,
    foreignPct: Math.max(0, ((busy - used) / load.seconds) * 100),
    invalid: problem(load, answerBytes) ?? lostProcess(before, after),
  };
}

/**
 * Waits until a candidate has worked off what was under way when the window ended, at most 3 s: it must not be
 * charged to the next one on the same CPU.
 */
export async function settle(candidate: Candidate): Promise<void> {
  let before = cpuSeconds(readTree(candidate.process.pid));
  for (const deadline = Date.now() + 3_000; Date.now() < deadline; ) {
    await sleep(60);
    const now = cpuSeconds(readTree(candidate.process.pid));
    // One tick is what heartbeats and timers may take.
    if (now - before <= 0.011) return;
    before = now;
  }
}

function problem(load: Load, answerBytes: number): string | undefined {
  if (load.requests === 0) return "no request completed";
  if (load.statusErrors > 0) return `${load.statusErrors} answers were errors`;
  // A close that the last answer announced is no error to wrk, one in the middle of a request is. A few are let
  // pass: those under way when the window ends.
  if (load.socketErrors > 5 + load.requests / 10_000) return `${load.socketErrors} connections failed`;
  if (load.bytes < load.requests * answerBytes) return "answers were shorter than the origin's";
  return undefined;
}

function lostProcess(
  before: readonly { readonly pid: number }[],
  after: readonly { readonly pid: number }[],
): string | undefined {
  const gone = before.filter((one) => !after.some((other) => other.pid === one.pid)).length;
  return gone === 0 ? undefined : `${gone} processes ended meanwhile`;
}

import type { Clock } from "../std/clock.ts";
import { causeOfDeath, type DeathCause } from "./death-cause.ts";
import type { Exposition } from "./exposition.ts";
import { lastGaspLine, writeLastGasp } from "./last-gasp.ts";
import { type FoundGasp, type LastGaspFile, noLastGaspFile, openLastGaspFile } from "./last-gasp-file.ts";
import type { Log } from "./log.ts";
import type { OomWatch } from "./oom-watch.ts";
import type { WorkerDeath } from "./worker-end.ts";

/** A process of ours that ended without being told to, as its parent saw it. */
export interface SeenDeath {
  /** "worker 3", "audit writer", … */
  readonly process: string;
  readonly pid: number;
  readonly code: number | null;
  readonly signal: string | null;
  /** Why the primary itself killed it; undefined = it did not. */
  readonly killedFor?: DeathCause | undefined;
  readonly uptimeMs: number;
}

export function seenWorker({ worker, pid, code, signal, killedFor, uptimeMs }: WorkerDeath): SeenDeath {
  return {
    process: `worker ${worker}`,
    pid,
    code,
    signal: signal === "none" ? null : signal,
    killedFor,
    uptimeMs,
  };
}

/** One of them, with why. */
export interface Obituary extends Omit<SeenDeath, "killedFor"> {
  readonly time: string;
  readonly cause: DeathCause;
}

/** What a parent of a process needs. */
export interface Family {
  /** The last-gasp file, which each child gets as `lastGaspFd`. */
  readonly lastGaspFile: number | undefined;
  /** A child ended without being told to. Says why. */
  died(death: SeenDeath): DeathCause;
}

/** The primary's knowledge of what died: kept for operators, counted, and written where last words go. */
export interface Obituaries extends Family {
  /** The thread that reads configurations met a bug; it has no descriptor of its own. */
  threadDied(cause: unknown): void;
  /** Newest first, of this run. */
  readonly recent: readonly Obituary[];
  /** Of earlier runs, found at the start. */
  readonly found: readonly FoundGasp[];
}

const recentMax = 20;

export interface ObituaryOptions {
  /** Undefined: to standard error alone. */
  readonly path: string | undefined;
  readonly oom: OomWatch;
  /** The primary before this one has left its lock. */
  readonly predecessorKilled: boolean;
  readonly exposition: Exposition;
  readonly clock: Clock;
  readonly log: Log;
}

/** Tells at once of what the runs before left behind. */
export function openObituaries(options: ObituaryOptions): Obituaries {
  const { oom, exposition, clock } = options;
  const file = openFile(options);
  const recent: Obituary[] = [];
  exposition.add("panics", [], tellFound(file, options));

  return {
    lastGaspFile: file.fd,
    recent,
    found: file.found,
    died({ killedFor, ...death }) {
      const cause = killedFor ?? causeOfDeath(death.code, death.signal, oom.wasKilled());
      const time = new Date(clock.wallMs()).toISOString();
      recent.unshift({ time, ...death, cause });
      recent.length = Math.min(recent.length, recentMax);
      exposition.add("panics", []);
      const { uptimeMs, ...rest } = death;
      const record = { "event.name": "zion.process.died", ...rest, cause, uptime_ms: uptimeMs };
      file.append({ time, level: "error", ...record });
      return cause;
    },
    threadDied(cause) {
      exposition.add("panics", []);
      writeLastGasp(lastGaspLine("config thread", "uncaughtException", cause, clock.wallMs()), file.fd);
      // Told: the next start does not have to.
      file.append({
        "event.name": "zion.process.died",
        process: "config thread",
        pid: process.pid,
        cause: "fault",
      });
    },
  };
}

function openFile({ path, clock, log }: ObituaryOptions): LastGaspFile {
  if (path === undefined) return noLastGaspFile;
  try {
    return openLastGaspFile(path, clock.wallMs());
  } catch (cause) {
    log.warn(
      { "event.name": "zion.panic.no_file", problem: String(cause) },
      "last words go to standard error alone",
    );
    return noLastGaspFile;
  }
}

/** How many ends of earlier runs are counted now. */
function tellFound({ found, path }: LastGaspFile, { predecessorKilled, log }: ObituaryOptions): number {
  for (const { time, ...rest } of found.slice(-recentMax)) {
    log.error(
      { "event.name": "zion.panic.found", ended: time, ...rest, file: path },
      "an earlier run ended by a bug",
    );
  }
  // One that said why is among those found.
  const isSilent = predecessorKilled && !found.some(({ process }) => process === "primary");
  if (isSilent) log.error({ "event.name": "zion.panic.silent" }, "the primary before this one was killed");
  return found.length + (isSilent ? 1 : 0);
}

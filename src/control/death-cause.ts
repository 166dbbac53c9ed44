import { faultExitCode } from "./last-gasp.ts";

/** Why a process ended that was not told to; label values of `zion_worker_restarts_total`. */
export const deathCauses = [
  /** A bug: it said so itself, see the last-gasp record. */
  "fault",
  /** The kernel's out-of-memory killer. */
  "oom",
  /** V8 gave up, for want of heap most of all, or an assertion failed: SIGABRT. */
  "abort",
  /** A crash in native code: SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP. */
  "crash",
  /** Somebody else's signal. */
  "signal",
  /** It ended by itself, with another code. */
  "exit",
  /** No heartbeat: killed here. */
  "stuck",
  /** Not serving in time: killed here. */
  "slow_start",
  /** It could not put a configuration in force: killed here. */
  "config",
  /** It could not listen: killed here. */
  "listen",
] as const;
export type DeathCause = (typeof deathCauses)[number];

const crashes = new Set(["SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP"]);
/** How a shell, and V8 without a handler, say SIGABRT. */
const abortExitCode = 134;

/** As far as its parent can tell. `oomKilled`: the kernel has just ended a process of ours for want of memory. */
export function causeOfDeath(code: number | null, signal: string | null, oomKilled: boolean): DeathCause {
  if (signal === "SIGKILL" && oomKilled) return "oom";
  if (signal === "SIGABRT" || code === abortExitCode) return "abort";
  if (signal !== null) return crashes.has(signal) ? "crash" : "signal";
  return code === faultExitCode ? "fault" : "exit";
}

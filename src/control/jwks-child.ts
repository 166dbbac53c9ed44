import { fork } from "node:child_process";
import type { KeySourceConfig } from "../config/config.ts";
import type { KeysOrProblem } from "../identity/jwk.ts";
import { systemClock } from "../std/clock.ts";
import { childStdio } from "./last-gasp.ts";
import type { Family } from "./obituaries.ts";

/** The process has its own, shorter deadline; this one is for a process that hangs. */
const DEADLINE_MS = 10_000;

export interface KeyProcessOptions {
  /** Path of jwks-process. */
  readonly entry: string;
  readonly flags: () => readonly string[];
  readonly family: Family;
}

/** Fetches a key set in a process of its own. Never rejects. */
export function fetchInProcess(
  options: KeyProcessOptions,
): (source: KeySourceConfig) => Promise<KeysOrProblem> {
  return (source) =>
    new Promise((resolve) => {
      const child = fork(options.entry, [], {
        execArgv: [...options.flags()],
        env: {},
        serialization: "advanced",
        stdio: childStdio("ignore", options.family.lastGaspFile),
      });
      const startedMs = systemClock.nowMs();
      const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
      child.once("message", (result) => resolve(result as KeysOrProblem));
      child.once("exit", (code, signal) => {
        clearTimeout(timer);
        if (code !== 0) {
          const uptimeMs = Math.round(systemClock.nowMs() - startedMs);
          const killedFor = child.killed ? "stuck" : undefined;
          options.family.died({ process: "key fetcher", pid: child.pid!, code, signal, killedFor, uptimeMs });
        }
        // After an answer this says nothing any more.
        resolve(`the process that fetches it ended (${signal ?? code})`);
      });
      // The fork failed (EAGAIN, ENOMEM), or the message could not be sent.
      child.on("error", (cause: NodeJS.ErrnoException) => resolve(cause.code ?? "cannot start a process"));
      child.send(source, undefined, {}, () => {});
    });
}

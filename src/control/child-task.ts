import { systemClock } from "../std/clock.ts";
import { forkBare } from "./bare-child.ts";
import type { Family } from "./obituaries.ts";

/** The task has its own, shorter deadline; this one is for a process that hangs. */
const DEADLINE_MS = 15_000;

export interface ChildTaskOptions {
  /** File of a process that answers one message with one message. */
  readonly entry: string;
  readonly flags: () => readonly string[];
  /** What it is called in records of its end: "key fetcher". */
  readonly role: string;
  readonly family: Family;
}

/**
 * Has one question answered by a process of its own, which then ends: what strangers send is parsed where there is
 * nothing to steal, neither keys nor environment. Resolves with the answer, or with a string: why there is none.
 */
export function askChild<Answer>(options: ChildTaskOptions, question: unknown): Promise<Answer | string> {
  return new Promise((resolve) => {
    const child = forkBare(options.entry, options.flags(), options.family);
    const startedMs = systemClock.nowMs();
    const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
    child.once("message", (answer) => resolve(answer as Answer));
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      if (code !== 0) {
        const uptimeMs = Math.round(systemClock.nowMs() - startedMs);
        const killedFor = child.killed ? "stuck" : undefined;
        options.family.died({ process: options.role, pid: child.pid!, code, signal, killedFor, uptimeMs });
      }
      // After an answer this says nothing any more.
      resolve(`the process that fetches it ended (${signal ?? code})`);
    });
    // The fork failed (EAGAIN, ENOMEM), or the message could not be sent.
    child.on("error", (cause: NodeJS.ErrnoException) => resolve(cause.code ?? "cannot start a process"));
    child.send(question as object, undefined, {}, () => {});
  });
}

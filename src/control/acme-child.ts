import type { ChildProcess } from "node:child_process";
import { systemClock } from "../std/clock.ts";
import type { AcmeNews, AcmeOutcome, AcmeReason, AcmeTask } from "./acme-task.ts";
import { forkBare } from "./bare-child.ts";
import type { Family } from "./obituaries.ts";

/** For a whole order: validation from several places and a queue at the CA. */
const DEADLINE_MS = 600_000;

export interface AcmeProcessOptions {
  /** Path of acme-process. */
  readonly entry: string;
  readonly flags: () => readonly string[];
  readonly family: Family;
}

/** Sees to what the process needs on the way; what it throws ends the task. */
export type HearAcme = (news: AcmeNews) => Promise<void> | void;

/** Thrown by a `HearAcme`: why the task cannot go on. */
export class AcmeObstacle extends Error {
  readonly reason: AcmeReason;
  constructor(reason: AcmeReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface AcmeProcess {
  /** 0 = it could not be started. */
  readonly pid: number;
  /** Never rejects. */
  readonly outcome: Promise<AcmeOutcome>;
  stop(): void;
}

export type StartAcme = (task: AcmeTask, hear: HearAcme) => AcmeProcess;

/** Does tasks in processes of their own. */
export function acmeProcesses(options: AcmeProcessOptions): StartAcme {
  return (task, hear) => {
    const child = forkBare(options.entry, options.flags(), options.family);
    const startedMs = systemClock.nowMs();
    child.once("exit", (code, signal) => {
      if (code === 0 || child.killed) return;
      const uptimeMs = Math.round(systemClock.nowMs() - startedMs);
      options.family.died({ process: "ACME client", pid: child.pid!, code, signal, uptimeMs });
    });
    const outcome = new Promise<AcmeOutcome>((resolve) => follow(child, hear, resolve));
    child.send(task, undefined, {}, () => {});
    return { pid: child.pid ?? 0, outcome, stop: () => void child.kill("SIGKILL") };
  };
}

function follow(child: ChildProcess, hear: HearAcme, resolve: (outcome: AcmeOutcome) => void): void {
  const timer = setTimeout(() => give("deadline", "ten minutes are over"), DEADLINE_MS);
  const end = (outcome: AcmeOutcome): void => {
    clearTimeout(timer);
    resolve(outcome);
  };
  const give = (reason: AcmeReason, problem: string): void => {
    end({ type: "failed", reason, problem, retryAfterMs: undefined });
    child.kill("SIGKILL");
  };
  const take = async (news: AcmeNews): Promise<void> => {
    try {
      await hear(news);
    } catch (cause) {
      give(
        cause instanceof AcmeObstacle ? cause.reason : "disk",
        cause instanceof Error ? cause.message : "",
      );
      return;
    }
    if (child.connected) child.send("go_on", undefined, {}, () => {});
  };
  child.on("message", (message) => {
    const said = message as AcmeNews | AcmeOutcome;
    if (said.type === "key" || said.type === "order" || said.type === "challenges") void take(said);
    else end(said);
  });
  // After an outcome these say nothing any more.
  child.once("exit", (code, signal) => {
    give("unreachable", `the process that asks the CA ended (${signal ?? code})`);
  });
  // The fork failed (EAGAIN, ENOMEM), or a message could not be sent.
  child.on("error", (cause: NodeJS.ErrnoException) =>
    give("unreachable", cause.code ?? "cannot start a process"),
  );
}

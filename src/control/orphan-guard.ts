import { type ChildProcess, spawn } from "node:child_process";
import type { Log } from "./log.ts";
import { startChild } from "./start-child.ts";

/** A worker that has not noticed the loss of its primary by then is stuck: the same patience as the supervision's. */
const stuckAfterSecs = 5;
/** Beyond the grace period: longer than a worker takes that keeps its word (worker.ts). */
const overdueSecs = 3;

/** What a worker calls itself once it knows that its primary is gone: the guard sees by it that its loop turns. */
export function finishingTitle(viaName: string): string {
  return `zion: finishing, ${viaName}`;
}

/**
 * Lines say who is watched; the end of the input, that the primary is gone. A process id alone could be somebody else's
 * by then, so the command line must be a worker's of this gateway. Signals to the whole group are not for the guard.
 */
const script = `
trap '' INT TERM HUP QUIT USR2
while read -r secs list; do grace=$secs pids=$list; done
[ -n "$pids" ] || exit 0
sweep() { for pid in $pids; do grep -qs -- "$1" "/proc/$pid/cmdline" && kill -9 "$pid"; done; }
sleep ${stuckAfterSecs}
sweep "--via=$1"
while [ "$grace" -gt 0 ]; do
  left=
  for pid in $pids; do grep -qs -- "$1" "/proc/$pid/cmdline" && left=$pid; done
  [ -n "$left" ] || exit 0
  sleep 1
  grace=$((grace - 1))
done
sweep "$1"
`;

export interface OrphanGuard {
  /** Who is to be ended when this process is gone, and how long they may take to finish. */
  watch(workers: readonly number[], graceMs: number): void;
  /** Everything ended in good order. */
  stop(): void;
}

/**
 * Sees to it that no worker outlives its primary for long. Workers finish and exit by themselves when the primary is
 * lost, but one in an endless loop never hears of it, and Node cannot ask the kernel for a signal then. So a shell
 * waits for the end of a pipe: 1 MB, where a thread in each worker costs 14 MB of it. Without a shell there is no guard:
 * containers and service managers end what is left by themselves.
 */
export function createOrphanGuard(viaName: string, log: Log): OrphanGuard {
  let shell: ChildProcess | undefined;
  let isMissing = false;

  const start = (): ChildProcess => {
    const child = startChild(() =>
      spawn("sh", ["-c", script, "zion-orphan-guard", viaName], {
        stdio: ["pipe", "ignore", "ignore"],
        env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
      }),
    );
    child.on("error", (error) => {
      isMissing = true;
      log.warn(
        { "event.name": "zion.orphan_guard", problem: error.message },
        "no guard against lost workers",
      );
    });
    // Killed by somebody: the next change starts another.
    child.on("exit", () => {
      if (shell === child) shell = undefined;
    });
    child.stdin?.on("error", () => {});
    return child;
  };

  return {
    watch(workers, graceMs) {
      if (isMissing) return;
      shell ??= start();
      const graceSecs = Math.ceil(graceMs / 1000) + overdueSecs;
      shell.stdin?.write(`${graceSecs} ${workers.join(" ")}\n`);
    },
    stop() {
      shell?.stdin?.end("0\n");
      shell = undefined;
      isMissing = true;
    },
  };
}

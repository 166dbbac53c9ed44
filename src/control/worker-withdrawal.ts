import type { ClientConnection } from "../listener/client-connection.ts";
import { askToLeave } from "../listener/leave.ts";
import type { Clock } from "../std/clock.ts";

const ROUND_MS = 100;
/** A connection without a request for this long is taken to be idle. */
const QUIET_MS = 1000;

/** A worker's side of a withdrawal: answers close their connections, idle ones are closed, new ones are served. */
export interface WorkerWithdrawal {
  set(isWithdrawn: boolean): void;
  /** The worker ends: no way back. */
  forGood(): void;
}

export function createWorkerWithdrawal(
  state: { draining: boolean },
  connections: () => readonly ClientConnection[],
  clock: Clock,
): WorkerWithdrawal {
  let rounds: NodeJS.Timeout | undefined;
  let isEnding = false;

  const round = () => {
    if (rounds !== undefined) askToLeave(connections(), clock.nowMs() - QUIET_MS);
  };

  return {
    set(isWithdrawn) {
      if (isEnding) return;
      clearInterval(rounds);
      state.draining = isWithdrawn;
      // After the reads of this turn: what arrived meanwhile is no idle connection.
      rounds = isWithdrawn ? setInterval(() => setImmediate(round), ROUND_MS) : undefined;
      rounds?.unref();
    },
    forGood() {
      clearInterval(rounds);
      rounds = undefined;
      isEnding = true;
      state.draining = true;
    },
  };
}

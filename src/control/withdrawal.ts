import type { Log } from "./log.ts";

export interface WithdrawalOptions {
  /** From not being ready to closing connections: balancers need it to look elsewhere. */
  readonly delayMs: () => number;
  /** Tells all workers whether connections are to be kept. */
  readonly tellWorkers: (isWithdrawn: boolean) => void;
  readonly onChange: (state: WithdrawalState) => void;
  readonly log: Log;
}

/** `leaving`: not ready, and connections are kept. `draining`: they are closed after what is under way on them. */
export type WithdrawalState = "serving" | "leaving" | "draining";

/**
 * Takes the gateway out of its balancer's rotation without stopping it, and back. Readiness fails first; after the delay
 * of a shutdown connections are closed when they are idle, and after an exchange. Who connects all the same is served.
 * WebSockets and event streams stay until they end by themselves.
 */
export interface Withdrawal {
  readonly state: WithdrawalState;
  drain(): void;
  undrain(): void;
  stop(): void;
}

export function createWithdrawal({ delayMs, tellWorkers, onChange, log }: WithdrawalOptions): Withdrawal {
  let state: WithdrawalState = "serving";
  let timer: NodeJS.Timeout | undefined;

  const become = (next: WithdrawalState) => {
    state = next;
    log.info({ "event.name": "zion.drain", state }, "drain by an operator");
    onChange(state);
  };

  return {
    get state() {
      return state;
    },
    drain() {
      if (state !== "serving") return;
      become("leaving");
      timer = setTimeout(() => {
        become("draining");
        tellWorkers(true);
      }, delayMs());
    },
    undrain() {
      if (state === "serving") return;
      clearTimeout(timer);
      tellWorkers(false);
      become("serving");
    },
    stop: () => clearTimeout(timer),
  };
}

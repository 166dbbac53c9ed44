import type { Config } from "../config/config.ts";
import { workerCountOf } from "./flags.ts";
import { type ListenerChange, type ListenerSet, wantedListeners } from "./listener-set.ts";
import type { OperatorListeners } from "./operator-listeners.ts";
import type { Refusal } from "./reload.ts";
import { BindError } from "./slots.ts";

/** The sockets of a candidate, for clients and for operators: all of them are bound, or none. */
export interface CandidateSockets {
  readonly listeners: ListenerChange["listeners"];
  /** It is in force, and its workers have been told. */
  commit(): void;
  discard(): void;
}

/** First part of a reload, and what can fail most easily: nothing is asked of the workers before. */
export async function bindCandidate(
  config: Config,
  listeners: ListenerSet,
  control: OperatorListeners,
): Promise<CandidateSockets | Refusal> {
  let bound: ListenerChange | undefined;
  try {
    bound = await listeners.prepare(wantedListeners(config), workerCountOf(config.server));
    return together(bound, await control.prepare(config));
  } catch (error) {
    bound?.discard();
    if (!(error instanceof BindError)) throw error;
    return { reason: "listen", problem: error.message };
  }
}

function together(
  clients: ListenerChange,
  operators: Awaited<ReturnType<OperatorListeners["prepare"]>>,
): CandidateSockets {
  return {
    listeners: clients.listeners,
    commit() {
      clients.commit();
      operators.commit();
    },
    discard() {
      clients.discard();
      operators.discard();
    },
  };
}

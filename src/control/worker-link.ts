import type { SendHandle } from "node:child_process";
import { fork } from "node:child_process";
import type { DeathCause } from "./death-cause.ts";
import { childStdio } from "./last-gasp.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { BoundHandle } from "./slots.ts";
import { startChild } from "./start-child.ts";

/**
 * starting → preparing (it has reported, and compiles) → opening (its generation is in force) → serving (all its
 * listeners are open) → draining → gone.
 */
export type WorkerPhase = "starting" | "preparing" | "opening" | "serving" | "draining" | "gone";

/** One worker process, as the primary sees it. */
export interface WorkerLink {
  /** Never used again: a replacement in the same slot has another. */
  readonly id: number;
  readonly slot: number;
  readonly pid: number;
  readonly startedMs: number;
  phase: WorkerPhase;
  /** When it last said anything, monotonic ms. */
  lastHeardMs: number;
  /** Generations: last asked to vote on, last compiled, told to put in force, in force. 0 = none. */
  asked: number;
  ready: number;
  generation: number;
  inForce: number;
  /** Names of the parts of configurations that it holds. */
  held: Set<string>;
  /** Since when it serves, monotonic ms; Infinity = not yet. */
  servingSinceMs: number;
  /** Listeners it still has to open before it serves. */
  unopened: number;
  /** Why the primary killed it, for the exit line; "" = it did not. */
  killedFor: string;
  /** The same as a label; undefined = it did not, or everything ends. */
  killedCause: DeathCause | undefined;
  send(message: ToWorker, handle?: BoundHandle): void;
  kill(): void;
}

export interface WorkerEvents {
  message(message: FromWorker): void;
  exit(code: number | null, signal: string | null): void;
}

/** Starts a worker process for a slot. Tests give a fake. */
export type StartWorker = (slot: number, id: number, nowMs: number, events: WorkerEvents) => WorkerLink;

export interface ForkOptions {
  /** Path of the worker's entry file. */
  readonly entry: string;
  readonly flags: () => readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Descriptor of the last-gasp file. */
  readonly lastGaspFile: number | undefined;
  readonly viaName: string;
  readonly descriptorsMax: number;
}

/**
 * Workers are forks, not `node:cluster` workers: those end at once when the primary is lost, with every request in
 * flight, these see 'disconnect' and drain (reliability.md F4).
 */
export function forkWorkers(options: ForkOptions): StartWorker {
  return (slot, id, nowMs, events) => {
    const child = startChild(() =>
      fork(
        options.entry,
        [`--slot=${slot}`, `--via=${options.viaName}`, `--descriptors=${options.descriptorsMax}`],
        {
          execArgv: [...options.flags()],
          env: options.environment,
          serialization: "advanced",
          stdio: childStdio("inherit", options.lastGaspFile),
        },
      ),
    );
    child.on("message", (message) => events.message(message as FromWorker));
    let ended = false;
    const end = (code: number | null, signal: string | null) => {
      if (ended) return;
      ended = true;
      events.exit(code, signal);
    };
    child.on("exit", end);
    // The fork itself failed (EAGAIN, ENOMEM): no 'exit' follows then. Failed sends land here too and are harmless.
    child.on("error", () => {
      if (child.pid === undefined) end(null, null);
    });
    return {
      id,
      slot,
      pid: child.pid ?? 0,
      startedMs: nowMs,
      phase: "starting",
      lastHeardMs: nowMs,
      asked: 0,
      ready: 0,
      generation: 0,
      inForce: 0,
      held: new Set(),
      servingSinceMs: Infinity,
      unopened: 0,
      killedFor: "",
      killedCause: undefined,
      send: (message, handle) => {
        // The callback keeps a closed pipe from becoming an 'error' event; 'exit' tells the same.
        if (child.connected) child.send(message, handle as SendHandle | undefined, {}, () => {});
      },
      kill: () => void child.kill("SIGKILL"),
    };
  };
}

import type { Clock } from "../std/clock.ts";
import type { AdoptableSlot } from "./adoption.ts";
import { type CrashLoop, createCrashLoop } from "./crash-loop.ts";
import type { WorkerLink, WorkerPhase } from "./worker-link.ts";

/** Silent this long, a worker's sockets are served by a neighbour too. */
const adoptAfterMs = 1000;

/** A place for one worker after the other. */
export interface Slot extends AdoptableSlot {
  readonly crashes: CrashLoop;
  worker: WorkerLink | undefined;
  /** Is worn out or outdated: serves until `worker` does, then drains. */
  leaving: WorkerLink | undefined;
  restart: NodeJS.Timeout | undefined;
  opened: boolean;
  earlyDeaths: number;
  /** Processes started in it so far. */
  starts: number;
  wanted: boolean;
  /** Kills a worker that was told to finish and does not. */
  overdue: NodeJS.Timeout | undefined;
}

/** One slot and who is in it, for operators. */
export interface WorkerView {
  readonly slot: number;
  /** Undefined: none, until the next one is started. */
  readonly pid: number | undefined;
  readonly phase: WorkerPhase | "none";
  /** Is silent: its neighbours accept for it. */
  readonly stalled: boolean;
  readonly generation: number;
  readonly ageMs: number;
  /** Processes that there were in this slot before it. */
  readonly restarts: number;
  /** Slots of the workers that serve its sockets, too. */
  readonly adoptedBy: readonly number[];
  /** Process that finishes what it has begun, beside its successor. */
  readonly leaving: number | undefined;
}

/** All slots, and what can be asked about who is in them. */
export class WorkerSlots {
  /** Never fewer: the sockets of a slot without a worker are served by a neighbour. */
  readonly all: readonly Slot[];
  readonly #slots: Slot[] = [];
  readonly #nowMs: () => number;

  constructor(count: number, { nowMs }: Pick<Clock, "nowMs">) {
    this.all = this.#slots;
    this.#nowMs = nowMs;
    this.grow(count);
  }

  /** To at least this many. */
  grow(count: number): void {
    for (let index = this.#slots.length; index < count; index++) this.#slots.push(emptySlot(index));
  }

  /** Workers that accept connections now. A silent one does not count. */
  get serving(): number {
    return this.#slots.filter((slot) => this.isServing(slot.worker)).length;
  }

  get wanted(): number {
    return this.#slots.filter(({ wanted }) => wanted).length;
  }

  /** In force in each wanted worker, by its own word; 0 = none. */
  get generations(): readonly number[] {
    return this.#slots.filter(({ wanted }) => wanted).map(({ worker }) => worker?.inForce ?? 0);
  }

  /** Every slot that has a worker or should have one. */
  get views(): readonly WorkerView[] {
    const nowMs = this.#nowMs();
    const inUse = this.#slots.filter(({ wanted, worker }) => wanted || worker !== undefined);
    return inUse.map(({ index, worker, leaving, starts, adopters }) => ({
      slot: index,
      pid: worker?.pid,
      phase: worker?.phase ?? "none",
      stalled: worker?.phase === "serving" && !this.isServing(worker),
      generation: worker?.inForce ?? 0,
      ageMs: worker === undefined ? 0 : Math.round(nowMs - worker.startedMs),
      restarts: Math.max(0, starts - 1),
      adoptedBy: [...adopters].map(({ slot }) => slot),
      leaving: leaving?.pid,
    }));
  }

  /** All processes that have not exited. */
  get workers(): readonly WorkerLink[] {
    return this.#slots.flatMap(({ worker, leaving }) => [worker, leaving].filter((one) => one !== undefined));
  }

  /** Those that run a generation. */
  get running(): readonly WorkerLink[] {
    return this.workers.filter(
      ({ phase }) => phase === "opening" || phase === "serving" || phase === "draining",
    );
  }

  isServing(worker: WorkerLink | undefined): worker is WorkerLink {
    return worker?.phase === "serving" && this.#nowMs() - worker.lastHeardMs <= adoptAfterMs;
  }
}

function emptySlot(index: number): Slot {
  return {
    index,
    crashes: createCrashLoop(),
    worker: undefined,
    leaving: undefined,
    restart: undefined,
    opened: false,
    earlyDeaths: 0,
    starts: 0,
    wanted: true,
    overdue: undefined,
    adopters: new Set<WorkerLink>(),
  };
}

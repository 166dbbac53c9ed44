import type { Clock } from "../std/clock.ts";
import { adoptLostSlots, moveSlot, openSlot } from "./adoption.ts";
import type { Log } from "./log.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { Publication } from "./publication.ts";
import { Rollout } from "./rollout.ts";
import { Rounds } from "./rounds.ts";
import type { ListenerSlots } from "./slots.ts";
import { Succession } from "./succession.ts";
import { deathOf, drainWorker, isBeginning, killWorker, type WorkerDeath } from "./worker-end.ts";
import type { StartWorker, WorkerLink } from "./worker-link.ts";
import { passOn, type WorkerReports } from "./worker-reports.ts";
import { type Slot, WorkerSlots, type WorkerView } from "./worker-slots.ts";

/** Silent this long, a worker is stuck: it is killed and replaced (reliability.md F7, F8). */
const stuckAfterMs = 5000;
/** Beyond the grace period: a worker ends by itself before (worker.ts). */
const overdueMs = 3000;
/** From fork to serving. Much, because a starved machine is no reason to start over. */
const startWithinMs = 30_000;
const tickMs = 250;
/** Longer between two ticks, and it was the primary that stood still: nobody was heard, nobody is to blame. */
const ownStallMs = 1000;
/** Deaths of one slot before it ever served, after which a start counts as failed. */
const startAttempts = 3;

export interface SupervisionOptions extends WorkerReports {
  readonly workerCount: number;
  readonly startWorker: StartWorker;
  readonly listeners: readonly ListenerSlots[];
  /** What a new worker is told first: the current generation. */
  readonly current: () => Publication;
  /** What it is told before its listeners open: ticket keys, health, addresses. */
  readonly greeting: () => readonly ToWorker[];
  /** How long a worker that is relieved may take to finish. */
  readonly graceMs: () => number;
  /** Process ids of all workers, after each start and exit. */
  readonly onProcesses: (pids: readonly number[]) => void;
  /** A worker that serves gets a successor. */
  readonly onReplaced: (cause: "worn" | "renewed") => void;
  /** `death` is undefined when the worker was told to finish. */
  readonly onGone: (worker: number, death: WorkerDeath | undefined) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** How a start went. */
export type StartOutcome =
  | { readonly kind: "serving" }
  /** The data plane cannot compile this config. */
  | { readonly kind: "refused"; readonly message: string }
  /** A worker could not listen. */
  | { readonly kind: "not_listening"; readonly message: string }
  /** Workers die before they serve. */
  | { readonly kind: "dying"; readonly message: string };

/**
 * Keeps the wanted number of workers alive and every listening socket served: the life of a worker from its start to its
 * end. Long, because that is one state machine: what a worker may be told depends on its phase, and its phase on all that it
 * said. How a generation gets into workers is rollout.ts, how one that serves is replaced succession.ts.
 */
export class Supervision {
  readonly #options: SupervisionOptions;
  readonly #slots: WorkerSlots;
  #listeners: readonly ListenerSlots[];
  readonly #rollout: Rollout;
  readonly #succession: Succession;
  readonly #rounds = new Rounds();
  #nextWorkerId = 1;
  #timer: NodeJS.Timeout | undefined;
  #lastTickMs = 0;
  #stopping = false;
  #cut = 0;
  #started: ((outcome: StartOutcome) => void) | undefined;
  #emptied: (() => void) | undefined;

  constructor(options: SupervisionOptions) {
    const { clock, current, log, onReplaced } = options;
    this.#options = options;
    this.#listeners = options.listeners;
    this.#slots = new WorkerSlots(options.workerCount, clock);
    this.#rollout = new Rollout({ slots: this.#slots, current, clock });
    const start = (slot: Slot): void => this.#startIn(slot);
    this.#succession = new Succession({ slots: this.#slots, start, onReplaced, clock, log });
  }

  /** Starts all workers. Resolves when each serves, or when it is clear that they will not. */
  start(): Promise<StartOutcome> {
    this.#lastTickMs = this.#options.clock.nowMs();
    this.#timer = setInterval(() => this.#tick(), tickMs);
    const outcome = new Promise<StartOutcome>((resolve) => {
      this.#started = (result) => {
        this.#started = undefined;
        resolve(result);
      };
    });
    for (const slot of this.#slots.all) if (slot.wanted) this.#startIn(slot);
    return outcome;
  }

  /** Workers that accept connections now. A silent one does not count. */
  get serving(): number {
    return this.#slots.serving;
  }

  get wanted(): number {
    return this.#slots.wanted;
  }

  /** In force in each wanted worker, by its own word; 0 = none. */
  get generations(): readonly number[] {
    return this.#slots.generations;
  }

  /** Processes that have not exited. */
  get alive(): number {
    return this.#slots.workers.length;
  }

  /** Milliseconds since the supervision itself last ran; the primary's event loop is judged by it. */
  get sinceTickMs(): number {
    return this.#options.clock.nowMs() - this.#lastTickMs;
  }

  /** Every slot that has a worker or should have one. */
  get workers(): readonly WorkerView[] {
    return this.#slots.views;
  }

  /** To every worker that runs a generation; the others get the current state as their greeting. */
  broadcast(message: ToWorker): void {
    for (const worker of this.#slots.running) worker.send(message);
  }

  /** To every worker that runs a generation, its own message or none. */
  sendEach(messageFor: (worker: number) => ToWorker | undefined): void {
    for (const worker of this.#slots.running) {
      const message = messageFor(worker.id);
      if (message !== undefined) worker.send(message);
    }
  }

  /** Asks all workers for their figures; those that do not answer in time keep what they last said. True: all did. */
  scrape(deadlineMs: number): Promise<boolean> {
    const question = (round: number): ToWorker => ({ type: "metrics", scrape: round });
    return this.#rounds.ask(this.#slots.running, question, deadlineMs);
  }

  /** Has all workers tell what they decided so far, rather than once a second. */
  async hurryDecisions(deadlineMs: number): Promise<void> {
    const question = (round: number): ToWorker => ({ type: "decisions_asked", round });
    await this.#rounds.ask(this.#slots.running, question, deadlineMs);
  }

  /** See `Rollout.prepare`. */
  prepare(publication: Publication, deadlineMs: number): Promise<readonly string[]> {
    return this.#rollout.prepare(publication, deadlineMs);
  }

  /** See `Rollout.commit`. */
  commit(generation: number): Promise<void> {
    return this.#rollout.commit(generation);
  }

  discard(generation: number): void {
    this.#rollout.discard(generation);
  }

  /** See `Succession.renew`. */
  renew(): void {
    this.#succession.renew();
  }

  /**
   * After the commit of a generation with other listeners, or another number of workers. Workers beyond it finish what
   * they do, at most `graceMs`; no connection is lost, because a neighbour accepts on their sockets first.
   */
  rearrange(listeners: readonly ListenerSlots[], workerCount: number, graceMs: number): void {
    const gone = this.#listeners.filter((listener) => !listeners.includes(listener));
    const come = listeners.filter((listener) => !this.#listeners.includes(listener));
    this.#listeners = listeners;
    for (const slot of this.#slots.all) {
      const own =
        slot.worker?.phase === "opening" || slot.worker?.phase === "serving" ? slot.worker : undefined;
      if (own?.phase === "opening") own.unopened += come.length;
      // Who leaves serves until its successor does, and may be the only one.
      for (const holder of [own, slot.leaving, ...slot.adopters])
        if (holder !== undefined) moveSlot(gone, come, slot.index, holder);
    }
    this.#slots.grow(workerCount);
    for (const slot of this.#slots.all) {
      const wasWanted = slot.wanted;
      slot.wanted = slot.index < workerCount;
      // A reload while the primary starts: `start` brings them all, and knows none that is there before.
      if (this.#timer === undefined) continue;
      if (slot.wanted) {
        if (slot.worker === undefined && slot.restart === undefined) this.#startIn(slot);
      } else if (wasWanted) this.#retire(slot, graceMs);
    }
    this.#reconcile();
  }

  /** Lets all workers finish and exit, at most `graceMs` (and a second). Returns the exchanges that were cut. */
  async drain(graceMs: number): Promise<number> {
    this.#stopping = true;
    const killer = setTimeout(() => this.killAll("grace period over"), graceMs + 1000);
    const empty = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    for (const { restart } of this.#slots.all) clearTimeout(restart);
    for (const worker of this.#slots.workers) {
      if (isBeginning(worker)) worker.kill();
      else drainWorker(worker, graceMs);
    }
    if (this.alive > 0) await empty;
    clearTimeout(killer);
    clearInterval(this.#timer);
    return this.#cut;
  }

  /** Now. */
  killAll(reason: string): void {
    this.#stopping = true;
    for (const { restart } of this.#slots.all) clearTimeout(restart);
    for (const worker of this.#slots.workers) killWorker(worker, reason);
  }

  #startIn(slot: Slot): void {
    const id = this.#nextWorkerId++;
    const worker: WorkerLink = this.#options.startWorker(slot.index, id, this.#options.clock.nowMs(), {
      message: (message) => this.#hear(slot, worker, message),
      exit: (code, signal) => this.#bury(slot, worker, code, signal),
    });
    slot.worker = worker;
    slot.starts++;
    this.#tellProcesses();
  }

  #tellProcesses(): void {
    const pids = this.#slots.workers.map(({ pid }) => pid);
    // A fork that failed has none.
    this.#options.onProcesses(pids.filter((pid) => pid > 0));
  }

  #hear(slot: Slot, worker: WorkerLink, message: FromWorker): void {
    worker.lastHeardMs = this.#options.clock.nowMs();
    switch (message.type) {
      case "online":
        this.#rollout.begin(worker);
        return;
      case "ready":
        if (this.#rollout.hearReady(worker, message.generation))
          this.#admit(slot, worker, message.generation);
        return;
      case "failed":
        if (this.#rollout.hearFailed(worker, message.generation, message.message))
          this.#refuse(worker, message);
        return;
      case "committed":
        this.#rollout.hearSwitch(worker, message.generation);
        return;
      case "opened":
        if (message.slot === slot.index) this.#hearOpened(slot, worker);
        return;
      case "open_failed":
        this.#hearOpenFailed(worker, message);
        return;
      case "worn":
        if (!this.#stopping) this.#succession.relieve(slot, worker);
        return;
      case "drained":
        this.#options.onFrame(worker.id, message.frame);
        this.#cut += message.cut;
        return;
      case "cache_forgotten":
        for (const other of this.#slots.running) if (other !== worker) other.send(message);
        return;
      case "metrics":
        passOn(worker.id, message, this.#options);
        this.#rounds.hear(worker, message.scrape);
        return;
      case "decisions":
        passOn(worker.id, message, this.#options);
        this.#rounds.hear(worker, message.round);
        return;
      case "heartbeat":
        return;
      default:
        passOn(worker.id, message, this.#options);
    }
  }

  /** Puts the first generation of a worker in force, and gives it its sockets. */
  #admit(slot: Slot, worker: WorkerLink, generation: number): void {
    this.#rollout.commitTo(worker, generation);
    for (const greeting of this.#options.greeting()) worker.send(greeting);
    worker.phase = "opening";
    worker.unopened = this.#listeners.length;
    openSlot(this.#listeners, slot.index, worker);
  }

  #refuse(worker: WorkerLink, { generation, message }: FromWorker & { readonly type: "failed" }): void {
    this.#started?.({ kind: "refused", message });
    killWorker(worker, `cannot compile generation ${generation}: ${message}`, "config");
  }

  #hearOpened(slot: Slot, worker: WorkerLink): void {
    slot.opened = true;
    if (worker.phase !== "opening" || --worker.unopened > 0) return;
    worker.phase = "serving";
    worker.servingSinceMs = this.#options.clock.nowMs();
    slot.earlyDeaths = 0;
    if (slot.leaving !== undefined) drainWorker(slot.leaving, this.#options.graceMs());
    this.#reconcile();
    if (this.#started !== undefined && this.serving === this.wanted) this.#started({ kind: "serving" });
  }

  #hearOpenFailed(worker: WorkerLink, message: FromWorker & { readonly type: "open_failed" }): void {
    const text = `worker cannot listen (${message.listener}): ${message.message}`;
    this.#started?.({ kind: "not_listening", message: text });
    killWorker(worker, text, "listen");
  }

  /** There are to be fewer workers: whoever is in the slot finishes. */
  #retire(slot: Slot, graceMs: number): void {
    clearTimeout(slot.restart);
    slot.restart = undefined;
    for (const worker of [slot.worker, slot.leaving]) {
      if (worker === undefined) continue;
      const isNew = isBeginning(worker);
      drainWorker(worker, graceMs);
      if (isNew) worker.kill();
    }
    slot.overdue = setTimeout(() => {
      for (const worker of [slot.worker, slot.leaving])
        if (worker?.phase === "draining") killWorker(worker, "grace period over");
    }, graceMs + overdueMs);
    slot.overdue.unref();
  }

  /** Accepts the loss of a worker: its sockets go to a neighbour at once, a new one is started. */
  #bury(slot: Slot, worker: WorkerLink, code: number | null, signal: string | null): void {
    const { clock, log, onGone } = this.#options;
    const nowMs = clock.nowMs();
    const served = worker.phase === "serving" || worker.phase === "opening";
    const isRetired = worker.phase === "draining";
    worker.phase = "gone";
    this.#succession.forget(worker);
    if (slot.leaving === worker) slot.leaving = undefined;
    else slot.worker = undefined;
    this.#tellProcesses();
    for (const other of this.#slots.all) other.adopters.delete(worker);
    this.#rollout.leave(worker);
    this.#rounds.leave(worker);
    const death = deathOf(worker, code, signal, nowMs);
    const about = { worker: slot.index, pid: worker.pid, code, signal, uptime_ms: death.uptimeMs };

    if (this.#stopping || isRetired) {
      onGone(worker.id, undefined);
      log.info({ "event.name": "zion.worker.finished", ...about }, "worker finished");
      clearTimeout(slot.overdue);
      if (this.#stopping) {
        if (this.alive === 0) this.#emptied?.();
      } else if (slot.wanted && slot.worker === undefined) {
        // Wanted again while it finished.
        this.#startIn(slot);
      }
      return;
    }

    onGone(worker.id, death);
    const alone = this.alive === 0;
    const delayMs = slot.crashes.nextDelayMs(nowMs, nowMs - worker.servingSinceMs, alone);
    const reason = death.reason === "" ? undefined : death.reason;
    log.error(
      { "event.name": "zion.worker.exit", ...about, reason, restart_in_ms: delayMs },
      "worker exited",
    );
    // One that died before it was relieved: the next one is starting already.
    if (slot.worker !== undefined) return;
    if (delayMs === 0) this.#startIn(slot);
    else
      slot.restart = setTimeout(() => {
        slot.restart = undefined;
        this.#startIn(slot);
      }, delayMs);
    this.#reconcile();

    if (!served) slot.earlyDeaths++;
    if (slot.earlyDeaths >= startAttempts) {
      this.#started?.({ kind: "dying", message: `worker ${slot.index} exits before it serves` });
    }
  }

  #tick(): void {
    const nowMs = this.#options.clock.nowMs();
    const stalled = nowMs - this.#lastTickMs > ownStallMs;
    this.#lastTickMs = nowMs;
    for (const worker of this.#slots.workers) {
      if (stalled) worker.lastHeardMs = nowMs;
      if (isBeginning(worker) || worker.phase === "opening") {
        if (nowMs - worker.startedMs > startWithinMs) killWorker(worker, "not serving in time", "slow_start");
      } else if (nowMs - worker.lastHeardMs > stuckAfterMs) {
        // One that drains, too: it would not end by itself, and every generation would wait for its word.
        killWorker(worker, "no heartbeat", "stuck");
      }
    }
    this.#reconcile();
  }

  #reconcile(): void {
    if (this.#stopping) return;
    const { all } = this.#slots;
    adoptLostSlots(all, (worker) => this.#slots.isServing(worker), this.#listeners, this.#options.log);
    this.#succession.goOn();
  }
}

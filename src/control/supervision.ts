import type { OffenceReport } from "../gate/offence-watch.ts";
import type { SpentShare } from "../limit/limiter.ts";
import type { StrictBatch } from "../limit/strict.ts";
import type { Decision } from "../record/decision-log.ts";
import type { MetricFrame } from "../record/metric-frame.ts";
import type { SpanFacts } from "../record/span-log.ts";
import type { Clock } from "../std/clock.ts";
import type { PeerPlace } from "../upstream/cache-peer.ts";
import { type AdoptableSlot, adoptLostSlots, closeSlot, openSlot } from "./adoption.ts";
import { Ballot } from "./ballot.ts";
import { type CrashLoop, createCrashLoop } from "./crash-loop.ts";
import type { DeathCause } from "./death-cause.ts";
import type { Log } from "./log.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { PageAsk } from "./page-desk.ts";
import { forgetParts, type Publication, sendPublication } from "./publication.ts";
import { Rounds } from "./rounds.ts";
import type { ListenerSlots } from "./slots.ts";
import type { StartWorker, WorkerLink, WorkerPhase } from "./worker-link.ts";

/** Silent this long, a worker's sockets are served by a neighbour too. */
const adoptAfterMs = 1000;
/** Silent this long, a worker is stuck: it is killed and replaced (reliability.md F7, F8). */
const stuckAfterMs = 5000;
/** From the order to put a generation in force to its confirmation (reliability.md C37). */
const switchWithinMs = 2000;
/** Beyond the grace period: a worker ends by itself before (worker.ts). */
const overdueMs = 3000;
/** From fork to serving. Much, because a starved machine is no reason to start over. */
const startWithinMs = 30_000;
const tickMs = 250;
/** Longer between two ticks, and it was the primary that stood still: nobody was heard, nobody is to blame. */
const ownStallMs = 1000;
/** A worker whose memory does not come back is replaced, but not all of them at once, nor again and again. */
const relieveEveryMs = 300_000;
/** Deaths of one slot before it ever served, after which a start counts as failed. */
const startAttempts = 3;

/** A worker that was not told to finish, and did. */
export interface WorkerDeath {
  /** Index of its slot. */
  readonly worker: number;
  readonly pid: number;
  readonly code: number | null;
  /** "none" after an exit by code. */
  readonly signal: string;
  /** Why it was killed here, "" = it was not. */
  readonly reason: string;
  /** The same as a label; undefined = it was not. */
  readonly killedFor: DeathCause | undefined;
  readonly uptimeMs: number;
}

export interface SupervisionOptions {
  readonly workerCount: number;
  readonly startWorker: StartWorker;
  readonly listeners: readonly ListenerSlots[];
  /** What a new worker is told first: the current generation. */
  readonly current: () => Publication;
  /** What it is told before its listeners open: ticket keys, health, addresses. */
  readonly greeting: () => readonly ToWorker[];
  readonly onFrame: (worker: number, frame: MetricFrame) => void;
  readonly onDecisions: (decisions: readonly Decision[]) => void;
  readonly onCaptures: (lines: readonly string[]) => void;
  readonly onSpans: (spans: readonly SpanFacts[]) => void;
  /** A worker met a token whose key it does not know; by the id of the source of keys. */
  readonly onKeysWanted: (source: string) => void;
  readonly onLimitSpent: (worker: number, shares: readonly SpentShare[]) => void;
  readonly onOffences: (worker: number, report: OffenceReport) => void;
  readonly onStrictAsks: (worker: number, batch: StrictBatch) => void;
  readonly onLimitLevels: (ask: number, levels: readonly number[]) => void;
  readonly onCachePeer: (worker: number, place: PeerPlace) => void;
  readonly onPageAsked: (worker: number, ask: PageAsk) => void;
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

/** How a start went. */
export type StartOutcome =
  | { readonly kind: "serving" }
  /** The data plane cannot compile this config. */
  | { readonly kind: "refused"; readonly message: string }
  /** A worker could not listen. */
  | { readonly kind: "not_listening"; readonly message: string }
  /** Workers die before they serve. */
  | { readonly kind: "dying"; readonly message: string };

interface Slot extends AdoptableSlot {
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

/**
 * Keeps the wanted number of workers alive and every listening socket served. Long, because all of it is one state
 * machine: what a worker may be told depends on its phase, and its phase on all that it said.
 */
export class Supervision {
  readonly #options: SupervisionOptions;
  /** Never fewer: the sockets of a slot without a worker are served by a neighbour. */
  readonly #slots: Slot[] = [];
  #listeners: readonly ListenerSlots[];
  readonly #ballot: Ballot;
  readonly #rounds = new Rounds();
  #nextWorkerId = 1;
  #timer: NodeJS.Timeout | undefined;
  #lastTickMs = 0;
  #relievedMs = -Infinity;
  /** Those that `renew` has still to replace. */
  readonly #outdated = new Set<WorkerLink>();
  #stopping = false;
  #cut = 0;
  #started: ((outcome: StartOutcome) => void) | undefined;
  #emptied: (() => void) | undefined;

  constructor(options: SupervisionOptions) {
    this.#options = options;
    this.#ballot = new Ballot(options.clock.nowMs);
    this.#listeners = options.listeners;
    for (let index = 0; index < options.workerCount; index++) this.#slots.push(emptySlot(index));
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
    for (const slot of this.#slots) if (slot.wanted) this.#startIn(slot);
    return outcome;
  }

  /** Workers that accept connections now. A silent one does not count. */
  get serving(): number {
    return this.#slots.filter((slot) => this.#isServing(slot.worker)).length;
  }

  get wanted(): number {
    return this.#slots.filter(({ wanted }) => wanted).length;
  }

  /** In force in each wanted worker, by its own word; 0 = none. */
  get generations(): readonly number[] {
    return this.#slots.filter(({ wanted }) => wanted).map(({ worker }) => worker?.inForce ?? 0);
  }

  /** Processes that have not exited. */
  get alive(): number {
    return this.#workers().length;
  }

  /** Milliseconds since the supervision itself last ran; the primary's event loop is judged by it. */
  get sinceTickMs(): number {
    return this.#options.clock.nowMs() - this.#lastTickMs;
  }

  /** Every slot that has a worker or should have one. */
  get workers(): readonly WorkerView[] {
    const nowMs = this.#options.clock.nowMs();
    const inUse = this.#slots.filter(({ wanted, worker }) => wanted || worker !== undefined);
    return inUse.map(({ index, worker, leaving, starts, adopters }) => ({
      slot: index,
      pid: worker?.pid,
      phase: worker?.phase ?? "none",
      stalled: worker?.phase === "serving" && !this.#isServing(worker),
      generation: worker?.inForce ?? 0,
      ageMs: worker === undefined ? 0 : Math.round(nowMs - worker.startedMs),
      restarts: Math.max(0, starts - 1),
      adoptedBy: [...adopters].map(({ slot }) => slot),
      leaving: leaving?.pid,
    }));
  }

  /** To every worker that runs a generation; the others get the current state as their greeting. */
  broadcast(message: ToWorker): void {
    for (const worker of this.#runningGeneration()) worker.send(message);
  }

  /** To every worker that runs a generation, its own message or none. */
  sendEach(messageFor: (worker: number) => ToWorker | undefined): void {
    for (const worker of this.#runningGeneration()) {
      const message = messageFor(worker.id);
      if (message !== undefined) worker.send(message);
    }
  }

  /**
   * First phase of a reload: asks every worker that runs a generation to compile the next; `Ballot.ask` says what the
   * result means. Workers that are just starting get the winner when they are up.
   */
  prepare(publication: Publication, deadlineMs: number): Promise<readonly string[]> {
    return this.#ballot.ask(this.#runningGeneration(), publication, deadlineMs);
  }

  /**
   * Second phase. The caller has made the generation the current one. Resolves when every worker serves it; one that
   * does not in time is killed, and its replacement will.
   */
  async commit(generation: number): Promise<void> {
    const ready: WorkerLink[] = [];
    for (const worker of this.#runningGeneration()) {
      if (worker.ready === generation) {
        this.#commitTo(worker, generation);
        ready.push(worker);
      }
      // It came up with the old generation while the others voted.
      else sendPublication(worker, this.#options.current());
    }
    const late = await this.#ballot.awaitSwitch(ready, generation, switchWithinMs);
    for (const worker of late) this.#kill(worker, `generation ${generation} not in force in time`, "config");
  }

  discard(generation: number): void {
    for (const worker of this.#runningGeneration()) {
      if (worker.asked !== generation) continue;
      worker.send({ type: "discard", generation });
      forgetParts(worker, this.#options.current());
    }
  }

  /**
   * After the commit of a generation with other listeners, or another number of workers. Workers beyond it finish what
   * they do, at most `graceMs`; no connection is lost, because a neighbour accepts on their sockets first.
   */
  rearrange(listeners: readonly ListenerSlots[], workerCount: number, graceMs: number): void {
    const gone = this.#listeners.filter((listener) => !listeners.includes(listener));
    const come = listeners.filter((listener) => !this.#listeners.includes(listener));
    this.#listeners = listeners;
    for (const slot of this.#slots) {
      const own =
        slot.worker?.phase === "opening" || slot.worker?.phase === "serving" ? slot.worker : undefined;
      if (own?.phase === "opening") own.unopened += come.length;
      for (const holder of own === undefined ? slot.adopters : [own, ...slot.adopters]) {
        closeSlot(gone, slot.index, holder);
        openSlot(come, slot.index, holder);
      }
      if (slot.leaving !== undefined) closeSlot(gone, slot.index, slot.leaving);
    }
    for (let index = this.#slots.length; index < workerCount; index++) this.#slots.push(emptySlot(index));
    for (const slot of this.#slots) {
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

  /**
   * Replaces every worker that there is now, one after the other: the next one begins to leave when the replacement of the
   * one before serves. For what a worker is given at its fork and keeps.
   */
  renew(): void {
    for (const { worker } of this.#slots) if (worker !== undefined) this.#outdated.add(worker);
    this.#renewNext();
  }

  #renewNext(): void {
    if (this.#slots.some(({ leaving }) => leaving?.phase === "serving")) return;
    for (const slot of this.#slots) {
      const { worker, leaving } = slot;
      if (worker?.phase !== "serving" || leaving !== undefined || !this.#outdated.has(worker)) continue;
      this.#replace(slot, worker, "renewed");
      return;
    }
  }

  /** It serves until its replacement does, then it drains. */
  #replace(slot: Slot, worker: WorkerLink, cause: "worn" | "renewed"): void {
    this.#options.onReplaced(cause);
    slot.leaving = worker;
    this.#startIn(slot);
  }

  #retire(slot: Slot, graceMs: number): void {
    clearTimeout(slot.restart);
    slot.restart = undefined;
    for (const worker of [slot.worker, slot.leaving]) {
      if (worker === undefined) continue;
      const hasBegun = worker.phase !== "starting" && worker.phase !== "preparing";
      drainWorker(worker, graceMs);
      if (!hasBegun) worker.kill();
    }
    slot.overdue = setTimeout(() => {
      for (const worker of [slot.worker, slot.leaving])
        if (worker?.phase === "draining") this.#kill(worker, "grace period over");
    }, graceMs + overdueMs);
    slot.overdue.unref();
  }

  /** Asks all workers for their figures; those that do not answer in time keep what they last said. True: all did. */
  scrape(deadlineMs: number): Promise<boolean> {
    return this.#rounds.ask(
      this.#runningGeneration(),
      (round) => ({ type: "metrics", scrape: round }),
      deadlineMs,
    );
  }

  /** Has all workers tell what they decided so far, rather than once a second. */
  async hurryDecisions(deadlineMs: number): Promise<void> {
    await this.#rounds.ask(
      this.#runningGeneration(),
      (round) => ({ type: "decisions_asked", round }),
      deadlineMs,
    );
  }

  /** Lets all workers finish and exit, at most `graceMs` (and a second). Returns the exchanges that were cut. */
  async drain(graceMs: number): Promise<number> {
    this.#stopping = true;
    const killer = setTimeout(() => this.killAll("grace period over"), graceMs + 1000);
    const empty = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    for (const { restart } of this.#slots) clearTimeout(restart);
    for (const worker of this.#workers()) {
      // One that never served has nothing to finish.
      if (worker.phase === "starting" || worker.phase === "preparing") worker.kill();
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
    for (const { restart } of this.#slots) clearTimeout(restart);
    for (const worker of this.#workers()) this.#kill(worker, reason);
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
    const pids = this.#workers().map(({ pid }) => pid);
    // A fork that failed has none.
    this.#options.onProcesses(pids.filter((pid) => pid > 0));
  }

  #hear(slot: Slot, worker: WorkerLink, message: FromWorker): void {
    worker.lastHeardMs = this.#options.clock.nowMs();
    switch (message.type) {
      case "online":
        worker.phase = "preparing";
        sendPublication(worker, this.#options.current());
        return;
      case "ready":
      case "failed":
        this.#hearVerdict(slot, worker, message);
        return;
      case "committed":
        worker.inForce = message.generation;
        this.#ballot.hearSwitch(worker, message.generation);
        return;
      case "opened":
        if (message.slot === slot.index) this.#hearOpened(slot, worker);
        return;
      case "open_failed":
        this.#hearOpenFailed(worker, message);
        return;
      case "metrics":
        this.#options.onFrame(worker.id, message.frame);
        this.#rounds.hear(worker, message.scrape);
        return;
      case "decisions":
        this.#options.onDecisions(message.decisions);
        this.#rounds.hear(worker, message.round);
        return;
      case "captures":
        this.#options.onCaptures(message.lines);
        return;
      case "spans":
        this.#options.onSpans(message.spans);
        return;
      case "auth_keys_wanted":
        this.#options.onKeysWanted(message.source);
        return;
      case "limit_spent":
        this.#options.onLimitSpent(worker.id, message.shares);
        return;
      case "offences":
        this.#options.onOffences(worker.id, message.report);
        return;
      case "strict_asks":
        this.#options.onStrictAsks(worker.id, message.batch);
        return;
      case "limit_levels_told":
        this.#options.onLimitLevels(message.ask, message.levels);
        return;
      case "cache_peer":
        this.#options.onCachePeer(worker.id, message.place);
        return;
      case "cache_forgotten":
        for (const other of this.#runningGeneration()) if (other !== worker) other.send(message);
        return;
      case "page_asked":
        this.#options.onPageAsked(worker.id, message.ask);
        return;
      case "drained":
        this.#options.onFrame(worker.id, message.frame);
        this.#cut += message.cut;
        return;
      case "worn":
        this.#relieve(slot, worker);
        return;
      case "heartbeat":
        return;
    }
  }

  /** A worker has compiled a config, or cannot: its first one, the candidate of a reload, or one it missed. */
  #hearVerdict(
    slot: Slot,
    worker: WorkerLink,
    message: FromWorker & { readonly type: "ready" | "failed" },
  ): void {
    const { generation } = message;
    const problem = message.type === "failed" ? message.message : undefined;
    if (problem === undefined) worker.ready = generation;
    if (this.#ballot.hear(worker, generation, problem)) return;
    const current = this.#options.current();
    if (problem !== undefined && generation === current.generation) {
      this.#started?.({ kind: "refused", message: problem });
      this.#kill(worker, `cannot compile generation ${generation}: ${problem}`, "config");
    } else if (worker.phase === "preparing") {
      // Another generation: a reload was decided meanwhile.
      if (current.generation === generation) this.#admit(slot, worker, generation);
      else sendPublication(worker, current);
    } else if (current.generation === generation && worker.generation !== generation) {
      this.#commitTo(worker, generation);
    }
  }

  /** Puts the first generation of a worker in force, and gives it its sockets. */
  #admit(slot: Slot, worker: WorkerLink, generation: number): void {
    this.#commitTo(worker, generation);
    for (const greeting of this.#options.greeting()) worker.send(greeting);
    worker.phase = "opening";
    worker.unopened = this.#listeners.length;
    openSlot(this.#listeners, slot.index, worker);
  }

  #commitTo(worker: WorkerLink, generation: number): void {
    worker.generation = generation;
    worker.send({ type: "commit", generation });
    forgetParts(worker, this.#options.current());
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

  /** Its memory does not come back: another worker takes over before the heap is full and it dies with what it does. */
  #relieve(slot: Slot, worker: WorkerLink): void {
    const { clock, log } = this.#options;
    const nowMs = clock.nowMs();
    if (this.#stopping || slot.worker !== worker || worker.phase !== "serving") return;
    if (slot.leaving !== undefined || nowMs - this.#relievedMs < relieveEveryMs) return;
    this.#relievedMs = nowMs;
    log.warn(
      { "event.name": "zion.worker.worn", worker: slot.index, pid: worker.pid },
      "its memory does not come back",
    );
    this.#replace(slot, worker, "worn");
  }

  #hearOpenFailed(worker: WorkerLink, message: FromWorker & { readonly type: "open_failed" }): void {
    const text = `worker cannot listen (${message.listener}): ${message.message}`;
    this.#started?.({ kind: "not_listening", message: text });
    this.#kill(worker, text, "listen");
  }

  /** Accepts the loss of a worker: its sockets go to a neighbour at once, a new one is started. */
  #bury(slot: Slot, worker: WorkerLink, code: number | null, signal: string | null): void {
    const { clock, log, onGone } = this.#options;
    const served = worker.phase === "serving" || worker.phase === "opening";
    const isRetired = worker.phase === "draining";
    worker.phase = "gone";
    this.#outdated.delete(worker);
    if (slot.leaving === worker) slot.leaving = undefined;
    else slot.worker = undefined;
    this.#tellProcesses();
    for (const other of this.#slots) other.adopters.delete(worker);
    this.#ballot.leave(worker);
    this.#rounds.leave(worker);
    const uptimeMs = Math.round(clock.nowMs() - worker.startedMs);
    const about = { worker: slot.index, pid: worker.pid, code, signal, uptime_ms: uptimeMs };

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

    onGone(worker.id, {
      worker: slot.index,
      pid: worker.pid,
      code,
      signal: signal ?? "none",
      reason: worker.killedFor,
      killedFor: worker.killedCause,
      uptimeMs,
    });
    const nowMs = clock.nowMs();
    const alone = this.alive === 0;
    const delayMs = slot.crashes.nextDelayMs(nowMs, nowMs - worker.servingSinceMs, alone);
    const reason = worker.killedFor === "" ? undefined : worker.killedFor;
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
    for (const worker of this.#workers()) {
      if (stalled) worker.lastHeardMs = nowMs;
      if (worker.phase === "starting" || worker.phase === "preparing" || worker.phase === "opening") {
        if (nowMs - worker.startedMs > startWithinMs) this.#kill(worker, "not serving in time", "slow_start");
      } else if (nowMs - worker.lastHeardMs > stuckAfterMs) {
        // One that drains, too: it would not end by itself, and every generation would wait for its word.
        this.#kill(worker, "no heartbeat", "stuck");
      }
    }
    this.#reconcile();
  }

  #reconcile(): void {
    if (this.#stopping) return;
    adoptLostSlots(this.#slots, (worker) => this.#isServing(worker), this.#listeners, this.#options.log);
    this.#renewNext();
  }

  #isServing(worker: WorkerLink | undefined): worker is WorkerLink {
    return worker?.phase === "serving" && this.#options.clock.nowMs() - worker.lastHeardMs <= adoptAfterMs;
  }

  #runningGeneration(): readonly WorkerLink[] {
    return this.#workers().filter(
      ({ phase }) => phase === "opening" || phase === "serving" || phase === "draining",
    );
  }

  /** All processes that have not exited. */
  #workers(): readonly WorkerLink[] {
    return this.#slots.flatMap(({ worker, leaving }) => [worker, leaving].filter((one) => one !== undefined));
  }

  #kill(worker: WorkerLink, reason: string, cause?: DeathCause): void {
    if (worker.killedFor !== "") return;
    worker.killedFor = reason;
    worker.killedCause = cause;
    worker.kill();
  }
}

function drainWorker(worker: WorkerLink, graceMs: number): void {
  if (worker.phase === "draining") return;
  worker.phase = "draining";
  worker.send({ type: "drain", graceMs });
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

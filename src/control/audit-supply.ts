import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import net from "node:net";
import { join } from "node:path";
import { AuditFeed } from "../audit/feed.ts";
import type { AuditEvent } from "../audit/record.ts";
import type { AuditConfig } from "../config/config.ts";
import { families, type MetricSample } from "../record/metrics.ts";
import { systemClock } from "../std/clock.ts";
import type { AuditCheckpoint, AuditLogHead, FromAuditWriter } from "./audit-order.ts";
import { childStdio } from "./last-gasp.ts";
import type { Log } from "./log.ts";
import type { ToWorker } from "./messages.ts";
import type { Family } from "./obituaries.ts";
import { startChild } from "./start-child.ts";

export interface AuditSupplyOptions {
  /** At the start. Undefined: there is no audit log, and nothing to do. */
  readonly config: AuditConfig | undefined;
  /** Path of audit-process. */
  readonly entry: string;
  readonly flags: readonly string[];
  /** What every child gets; the key's variable comes on top, for the writer alone. */
  readonly childEnvironment: NodeJS.ProcessEnv;
  readonly environment: NodeJS.ProcessEnv;
  readonly version: string;
  readonly family: Family;
  readonly log: Log;
}

/** The primary's side of the audit log: keeps its writer running, and reports what operators do. */
export interface AuditSupply {
  /** What a worker is told to report. */
  greeting(): readonly ToWorker[];
  /** On record and durable before it resolves true. Without an audit log: true. */
  must(event: AuditEvent): Promise<boolean>;
  /** The same, where nothing can be done about it any more. */
  tell(event: AuditEvent): void;
  /** "off", or how the writer is. */
  readonly health: "off" | "up" | "degraded" | "down";
  /** How the log stood when nothing of it was on its way to the disk; undefined = there is none, or nobody knows yet. */
  readonly head: AuditLogHead | undefined;
  readonly checkpoint: AuditCheckpoint | undefined;
  /** Why it is not "up", in words; "" = it is, or it is off. */
  readonly problem: string;
  /** Figures of all writers there were. */
  samples(): readonly MetricSample[];
  /** Requests are refused while it is down. */
  readonly isRequired: boolean;
  /** First part of a reload: starts the writer that it needs. Says why it cannot; undefined = all is ready. */
  prepare(config: AuditConfig | undefined): Promise<string | undefined>;
  discard(): void;
  /**
   * Everything goes to the prepared writer from here on; the one before ends when it has heard the rest. "stays": it is
   * the same one. Otherwise workers need a new greeting; "begins": what is told from here on is not in the log before.
   */
  commit(): "stays" | "moves" | "begins";
  /** After the last worker. Resolves when the log is closed. */
  stop(): Promise<void>;
}

/** What a caller waits for the disk of somebody who may be gone. */
const MUST_MS = 3000;
const CLOSE_MS = 5000;
/** Longer than processes take to tell it their last events. */
const STOP_MS = 7000;
/** A writer of a candidate: its start, and the recovery of its log. */
const START_MS = 10_000;
/** For a writer that takes over the log of another: until that one has heard everybody's last events, and ended. */
const MOVE_MS = 10_000;
/** Not taken for a failure; the same as in record/audit-report.ts. */
const AWAY_MS = 3000;
/** Between two starts of the writer, doubled up to the second. */
const RESTART_MIN_MS = 250;
const RESTART_MAX_MS = 5000;

export function openAuditSupply(options: AuditSupplyOptions): AuditSupply {
  /** What all writers have counted, by family. */
  const counted = new Map<string, number>();
  let dropped = 0;
  let { config } = options;
  let line = config === undefined ? undefined : openLine(startWriter(options, config, counted), config);
  let movedMs = -Infinity;
  let candidate:
    | { readonly config: AuditConfig | undefined; readonly writer: Writer | undefined }
    | undefined;
  const leaving = new Set<Promise<void>>();

  const retire = (old: Line): void => {
    dropped += old.feed.dropped;
    const gone = old.feed.close(CLOSE_MS).then(() => old.writer.stop());
    leaving.add(gone);
    void gone.finally(() => leaving.delete(gone));
  };

  return {
    greeting: () =>
      line === undefined ? [] : [{ type: "audit", socket: line.writer.socket, token: line.writer.token }],
    async must(event) {
      const to = line;
      if (to === undefined) return true;
      // One that takes a log over waits for the one before it.
      if (systemClock.nowMs() - movedMs < MOVE_MS) await within(to.writer.ready, MOVE_MS);
      return to.feed.must(event, MUST_MS);
    },
    tell: (event) => line?.feed.report(event),
    get health() {
      if (line === undefined) return "off";
      const health = line.writer.health();
      return health === "down" && systemClock.nowMs() - movedMs < AWAY_MS ? "degraded" : health;
    },
    get head() {
      return line?.writer.head();
    },
    get checkpoint() {
      return line?.writer.checkpoint();
    },
    get problem() {
      return line?.writer.problem() ?? "";
    },
    samples: () => (line === undefined ? [] : [...line.writer.samples(), ...feedSamples(line.feed, dropped)]),
    get isRequired() {
      return config?.refusesOnFailure ?? false;
    },
    async prepare(next) {
      candidate = { config: next, writer: line?.writer };
      if (next === undefined) candidate = { config: next, writer: undefined };
      else if (config === undefined || writerSettings(next) !== writerSettings(config)) {
        // One move at a time: each hands the log to the next.
        await Promise.all(leaving);
        const writer = startWriter(options, next, counted);
        candidate = { config: next, writer };
        // The directory of the log in use is free when the writer that has it ends.
        const verdict = goesOn(config, next) ? Promise.race([writer.waits, writer.ready]) : writer.ready;
        const problem = await within(verdict, START_MS);
        return problem === undefined ? "the audit writer does not start" : problem || undefined;
      }
      return undefined;
    },
    discard() {
      const writer = candidate?.writer;
      candidate = undefined;
      if (writer !== undefined && writer !== line?.writer) void writer.stop();
    },
    commit() {
      const { config: next, writer } = candidate!;
      const old = line;
      const isNew = !goesOn(config, next);
      candidate = undefined;
      config = next;
      if (writer === old?.writer) return "stays";
      line = writer === undefined ? undefined : openLine(writer, next!);
      movedMs = systemClock.nowMs();
      if (old !== undefined) retire(old);
      return isNew ? "begins" : "moves";
    },
    async stop() {
      if (line !== undefined) retire(line);
      await Promise.all(leaving);
    },
  };
}

/** A writer, and the primary's own way to it. */
interface Line {
  readonly writer: Writer;
  readonly feed: AuditFeed;
}

function openLine(writer: Writer, config: AuditConfig): Line {
  const feed = new AuditFeed({
    b: randomBytes(8).toString("hex"),
    id: 0,
    queueMax: config.queueDepth,
    token: writer.token,
    connect: () => net.connect(writer.socket),
  });
  return { writer, feed };
}

/** What only the workers obey needs no other writer. Equal texts = equal settings. */
function writerSettings({ refusesOnFailure: _, requests: __, ...settings }: AuditConfig): string {
  return JSON.stringify(settings);
}

/** The same log under other settings. On standard output each writer begins a log of its own. */
function goesOn(before: AuditConfig | undefined, after: AuditConfig | undefined): boolean {
  return before?.path !== undefined && before.path === after?.path;
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The process that has the log, started again whenever it ends. */
interface Writer {
  readonly socket: string;
  /** Of those that may report to it: nobody reports to the one before it by mistake. */
  readonly token: string;
  /** Settled when it first takes events, or says that it cannot: why, or "". */
  readonly ready: Promise<string>;
  /** Settled with "" when it has its keys, and another process has the log. */
  readonly waits: Promise<string>;
  health(): "up" | "degraded" | "down";
  head(): AuditLogHead | undefined;
  checkpoint(): AuditCheckpoint | undefined;
  /** Or what somebody should look at. */
  problem(): string;
  samples(): readonly MetricSample[];
  /** Resolves when the log is closed. */
  stop(): Promise<void>;
}

function startWriter(options: AuditSupplyOptions, config: AuditConfig, counted: Map<string, number>): Writer {
  const socket = socketOf(config);
  const token = randomBytes(32).toString("hex");
  const { log } = options;
  let child: ChildProcess | undefined;
  let restartMs = RESTART_MIN_MS;
  let restart: NodeJS.Timeout | undefined;
  let isStopping = false;
  let problem = "it has not started";
  let warning = "";
  let unanchored = "";
  let current: readonly MetricSample[] = [];
  let head: AuditLogHead | undefined;
  let checkpoint: AuditCheckpoint | undefined;
  const ended = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<string>();
  const waits = Promise.withResolvers<string>();

  const tell = (about: string, text: string): void =>
    log.error({ "event.name": about, problem: text }, "audit log");

  const hear = (message: FromAuditWriter): void => {
    switch (message.type) {
      case "ready":
        restartMs = RESTART_MIN_MS;
        problem = "";
        ready.resolve("");
        log.info({ "event.name": "zion.audit.ready", log: message.logId }, "audit log open");
        if (message.alarm !== "") tell("zion.audit.alarm", message.alarm);
        return;
      case "waits":
        waits.resolve("");
        return;
      case "refused":
        problem = message.problem;
        ready.resolve(problem);
        restartMs = RESTART_MAX_MS;
        tell("zion.audit.refused", message.problem);
        return;
      case "state":
        if (message.problem !== problem && message.problem !== "") tell("zion.audit.failed", message.problem);
        if (message.warning !== warning && message.warning !== "") tell("zion.audit.alarm", message.warning);
        if (message.unanchored !== unanchored && message.unanchored !== "")
          tell("zion.audit.unanchored", message.unanchored);
        problem = message.problem;
        warning = message.warning;
        unanchored = message.unanchored;
        head = message.head ?? head;
        checkpoint = message.checkpoint;
        count(message.samples);
        current = message.samples;
    }
  };

  const count = (samples: readonly MetricSample[]): void => {
    for (const { name, value } of samples) {
      if (!name.endsWith("_total")) continue;
      const last = current.find((sample) => sample.name === name)?.value ?? 0;
      counted.set(name, (counted.get(name) ?? 0) + value - last);
    }
  };

  const start = (): void => {
    const variables = [config.key.variable, config.previousKey?.variable].filter(
      (name) => name !== undefined,
    );
    const keys = Object.fromEntries(variables.map((name) => [name, options.environment[name]]));
    // The word as an argument of its own script keeps Node from passing the primary's permission model on, under which
    // there is no fsync (flags.ts).
    const started = startChild(() =>
      fork(options.entry, ["--permission"], {
        execArgv: [...options.flags],
        env: { ...options.childEnvironment, ...keys },
        serialization: "advanced",
        stdio: childStdio("inherit", options.family.lastGaspFile),
      }),
    );
    child = started;
    const startedMs = systemClock.nowMs();
    started.on("message", (message) => hear(message as FromAuditWriter));
    // 'exit' follows, unless the fork itself failed.
    started.on("error", () => started.pid === undefined && gone(null));
    started.on("exit", (code, signal) => {
      // One that refuses its settings says so, and ends with 0.
      if (!isStopping && code !== 0) {
        const uptimeMs = Math.round(systemClock.nowMs() - startedMs);
        options.family.died({ process: "audit writer", pid: started.pid!, code, signal, uptimeMs });
      }
      gone(code);
    });
    started.send({ type: "start", config, socket, token, version: options.version }, undefined, {}, () => {});
  };

  const gone = (code: number | null): void => {
    child = undefined;
    current = current.map((sample) => ({ ...sample, value: goneValue(sample) }));
    if (isStopping) {
      ended.resolve();
      return;
    }
    if (problem === "") problem = "the writer ended";
    log.error(
      { "event.name": "zion.audit.writer_exit", code, restart_in_ms: restartMs },
      "audit writer ended",
    );
    restart = setTimeout(start, restartMs);
    restartMs = Math.min(restartMs * 2, RESTART_MAX_MS);
  };

  start();
  return {
    socket,
    token,
    ready: ready.promise,
    waits: waits.promise,
    head: () => head,
    checkpoint: () => checkpoint,
    problem: () => problem || warning,
    health: () => (problem !== "" ? "down" : warning !== "" ? "degraded" : "up"),
    samples: () => current.map((sample) => ({ ...sample, value: counted.get(sample.name) ?? sample.value })),
    async stop() {
      isStopping = true;
      clearTimeout(restart);
      if (child === undefined) return;
      child.send({ type: "stop" }, undefined, {}, () => {});
      const timer = setTimeout(() => child?.kill("SIGKILL"), STOP_MS);
      await ended.promise;
      clearTimeout(timer);
    },
  };
}

/** Without a writer nothing is counted, and the tree stays as large as it was. */
function goneValue({ name, value }: MetricSample): number {
  return name.endsWith("_total") || name === families.auditWriterUp.name ? 0 : value;
}

function feedSamples({ dropped, waiting }: AuditFeed, droppedBefore: number): MetricSample[] {
  return [
    { name: families.auditDropped.name, labels: [], value: droppedBefore + dropped },
    { name: families.auditQueue.name, labels: [], value: waiting },
  ];
}

/** In the directory, which is 0700; or, where there is none or its path is too long, a name that only the token opens. */
function socketOf(config: AuditConfig): string {
  const file = config.path === undefined ? undefined : join(config.path, "writer.sock");
  return file !== undefined && Buffer.byteLength(file) <= SOCKET_PATH_MAX
    ? file
    : `\0zion-audit-${randomBytes(8).toString("hex")}`;
}

const SOCKET_PATH_MAX = 100;

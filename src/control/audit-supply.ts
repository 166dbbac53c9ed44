import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import net from "node:net";
import { join } from "node:path";
import { AuditFeed } from "../audit/feed.ts";
import type { AuditEvent } from "../audit/record.ts";
import type { AuditConfig } from "../config/config.ts";
import { families, type MetricSample } from "../record/metrics.ts";
import type { FromAuditWriter } from "./audit-order.ts";
import type { Log } from "./log.ts";
import type { ToWorker } from "./messages.ts";

export interface AuditSupplyOptions {
  /** Undefined: there is no audit log, and everything here does nothing. */
  readonly config: AuditConfig | undefined;
  /** Path of audit-process. */
  readonly entry: string;
  readonly flags: readonly string[];
  /** What every child gets; the key's variable comes on top, for the writer alone. */
  readonly childEnvironment: NodeJS.ProcessEnv;
  readonly environment: NodeJS.ProcessEnv;
  readonly version: string;
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
  /** Figures of all writers there were. */
  samples(): readonly MetricSample[];
  /** Requests are refused while it is down. */
  readonly isRequired: boolean;
  /** After the last worker. Resolves when the log is closed. */
  stop(): Promise<void>;
}

/** What a caller waits for the disk of somebody who may be gone. */
const MUST_MS = 3000;
const CLOSE_MS = 5000;
/** Between two starts of the writer, doubled up to the second. */
const RESTART_MIN_MS = 250;
const RESTART_MAX_MS = 5000;

export function openAuditSupply(options: AuditSupplyOptions): AuditSupply {
  const { config } = options;
  if (config === undefined) return none;
  const token = randomBytes(32).toString("hex");
  const socket = socketOf(config);
  const feed = new AuditFeed({
    b: randomBytes(8).toString("hex"),
    id: 0,
    queueMax: config.queueDepth,
    token,
    connect: () => net.connect(socket),
  });
  const writer = keepWriter(options, config, socket, token);
  return {
    greeting: () => [{ type: "audit", socket, token }],
    must: (event) => feed.must(event, MUST_MS),
    tell: (event) => feed.report(event),
    get health() {
      return writer.health();
    },
    samples: () => [...writer.samples(), ...feedSamples(feed)],
    isRequired: config.refusesOnFailure,
    async stop() {
      await feed.close(CLOSE_MS);
      await writer.stop();
    },
  };
}

const none: AuditSupply = {
  greeting: () => [],
  must: async () => true,
  tell: () => {},
  health: "off",
  samples: () => [],
  isRequired: false,
  stop: async () => {},
};

function keepWriter(
  options: AuditSupplyOptions,
  config: AuditConfig,
  socket: string,
  token: string,
): { health(): AuditSupply["health"]; samples(): readonly MetricSample[]; stop(): Promise<void> } {
  const { log } = options;
  let child: ChildProcess | undefined;
  let restartMs = RESTART_MIN_MS;
  let restart: NodeJS.Timeout | undefined;
  let isStopping = false;
  let problem = "it has not started";
  let warning = "";
  /** What writers that ended have counted, by family, and what the present one says. */
  const before = new Map<string, number>();
  let current: readonly MetricSample[] = [];
  const ended = Promise.withResolvers<void>();

  const tell = (about: string, text: string): void =>
    log.error({ "event.name": about, problem: text }, "audit log");

  const hear = (message: FromAuditWriter): void => {
    switch (message.type) {
      case "ready":
        restartMs = RESTART_MIN_MS;
        problem = "";
        log.info({ "event.name": "zion.audit.ready", log: message.logId }, "audit log open");
        if (message.alarm !== "") tell("zion.audit.alarm", message.alarm);
        return;
      case "refused":
        problem = message.problem;
        restartMs = RESTART_MAX_MS;
        tell("zion.audit.refused", message.problem);
        return;
      case "state":
        if (message.problem !== problem && message.problem !== "") tell("zion.audit.failed", message.problem);
        if (message.warning !== warning && message.warning !== "") tell("zion.audit.alarm", message.warning);
        problem = message.problem;
        warning = message.warning;
        current = message.samples;
    }
  };

  const start = (): void => {
    const variables = [config.key.variable, config.previousKey?.variable].filter(
      (name) => name !== undefined,
    );
    const keys = Object.fromEntries(variables.map((name) => [name, options.environment[name]]));
    // The word as an argument of its own script keeps Node from passing the primary's permission model on, under which
    // there is no fsync (flags.ts).
    const started = fork(options.entry, ["--permission"], {
      execArgv: [...options.flags],
      env: { ...options.childEnvironment, ...keys },
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    child = started;
    started.on("message", (message) => hear(message as FromAuditWriter));
    // 'exit' follows, unless the fork itself failed.
    started.on("error", () => started.pid === undefined && gone(null));
    started.on("exit", gone);
    started.send({ type: "start", config, socket, token, version: options.version }, undefined, {}, () => {});
  };

  const gone = (code: number | null): void => {
    child = undefined;
    for (const { name, value } of current)
      if (name.endsWith("_total")) before.set(name, (before.get(name) ?? 0) + value);
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
    health: () => (problem !== "" ? "down" : warning !== "" ? "degraded" : "up"),
    samples: () =>
      current.map((sample) => ({ ...sample, value: sample.value + (before.get(sample.name) ?? 0) })),
    async stop() {
      isStopping = true;
      clearTimeout(restart);
      if (child === undefined) return;
      child.send({ type: "stop" }, undefined, {}, () => {});
      const timer = setTimeout(() => child?.kill("SIGKILL"), CLOSE_MS);
      await ended.promise;
      clearTimeout(timer);
    },
  };
}

/** Without a writer nothing is counted, and the tree stays as large as it was. */
function goneValue({ name, value }: MetricSample): number {
  return name.endsWith("_total") || name === families.auditWriterUp.name ? 0 : value;
}

function feedSamples({ dropped, waiting }: AuditFeed): MetricSample[] {
  return [
    { name: families.auditDropped.name, labels: [], value: dropped },
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

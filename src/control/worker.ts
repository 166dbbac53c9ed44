import { createPartStore, type Manifest } from "../config/parts.ts";
import type { StrictBatch } from "../limit/strict.ts";
import { createFrames, type MetricFrame } from "../record/metric-frame.ts";
import { systemClock } from "../std/clock.ts";
import { inSlices } from "../std/steps.ts";
import type { PeerPlace } from "../upstream/cache-peer.ts";
import { beginChild } from "./child-entry.ts";
import type { Edge, ListenerName } from "./edge.ts";
import { exchangeHalfMs, tellLimits } from "./limit-exchange.ts";
import { type FromWorker, heartbeatMs, type PrepareMessage, type ToWorker } from "./messages.ts";
import { offenceReportMs } from "./offence-counts.ts";
import { finishingTitle } from "./orphan-guard.ts";
import type { PageAsk } from "./page-desk.ts";

export type OpenEdge = (place: {
  readonly workerIndex: number;
  /** Name in Via, one for all workers: a loop is noticed whichever worker it comes back to. */
  readonly viaName: string;
  /** Soft limit of open files; 0 = not known. */
  readonly descriptorsMax: number;
  readonly warm: boolean;
  /** Carries to the primary that a token came whose key is not known. */
  readonly wantKeys: (source: string) => void;
  /** Whether the permission model lets this process write there; "-" = standard output. */
  readonly mayWrite: (path: string) => boolean;
  /** Carries questions about strict limits to the primary. */
  readonly askStrict: (batch: StrictBatch) => Promise<void>;
  /** Carries questions for internal pages to the primary. */
  readonly askPage: (ask: PageAsk) => void;
  /** Carries to the other workers where this one can be asked for stored answers. */
  readonly tellPlace: (place: PeerPlace) => void;
  /** Carries to the other workers what an unsafe request made out of date. */
  readonly tellForgotten: (uris: readonly Uint8Array[]) => void;
}) => Edge;

/** What a worker process is connected to; tests give a fake. */
export interface WorkerChannel {
  /** Resolves when the message is on its way, or cannot be. Never rejects. */
  send(message: FromWorker): Promise<void>;
  exit(code: number): void;
}

export interface WorkerControl {
  receive(message: ToWorker, handle: unknown): void;
  /** Tells what was counted, unasked: a worker that is killed a moment later takes no more than that moment with it. */
  reportFigures(): void;
  /** The primary is gone: finish what runs, then end (reliability.md F4). */
  primaryLost(): void;
}

/** What a worker process does: carries the primary's messages to the data plane, and says that it lives. */
export function runWorkerProcess(openEdge: OpenEdge): void {
  const workerIndex = number("slot");
  beginChild(`worker ${workerIndex}`);

  const channel: WorkerChannel = {
    // The callback keeps a broken pipe from becoming an 'error' event.
    send: (message) =>
      new Promise((resolve) => {
        if (process.connected) process.send!(message, undefined, {}, () => resolve());
        else resolve();
      }),
    exit: (code) => process.exit(code),
  };
  const edge = openEdge({
    workerIndex,
    viaName: argument("via"),
    descriptorsMax: number("descriptors"),
    warm: true,
    mayWrite: (path) => path === "-" || process.permission?.has("fs.write", path) !== false,
    wantKeys: (source) => void channel.send({ type: "auth_keys_wanted", source }),
    askStrict: (batch) => channel.send({ type: "strict_asks", batch }),
    askPage: (ask) => void channel.send({ type: "page_asked", ask }),
    tellPlace: (place) => void channel.send({ type: "cache_peer", place }),
    tellForgotten: (uris) => void channel.send({ type: "cache_forgotten", uris }),
  });
  const control = controlWorker(edge, channel);
  process.on("message", (message, handle) => control.receive(message as ToWorker, handle));
  process.on("disconnect", () => {
    process.title = finishingTitle(argument("via"));
    control.primaryLost();
  });
  setInterval(() => void channel.send({ type: edge.isWorn() ? "worn" : "heartbeat" }), heartbeatMs);
  setInterval(() => {
    const spans = edge.takeSpans();
    if (spans.length > 0) void channel.send({ type: "spans", spans });
    const decisions = edge.takeDecisions();
    if (decisions.length > 0) void channel.send({ type: "decisions", round: 0, decisions });
    const lines = edge.takeCaptures();
    if (lines.length > 0) void channel.send({ type: "captures", lines });
  }, reportEveryMs);
  setInterval(tellLimits(edge, channel.send), exchangeHalfMs);
  setInterval(() => {
    const report = edge.tellOffences();
    if (report !== undefined) void channel.send({ type: "offences", report });
  }, offenceReportMs);
  const report = (): void => {
    const startMs = systemClock.nowMs();
    control.reportFigures();
    const tookMs = systemClock.nowMs() - startMs;
    setTimeout(report, Math.max(reportEveryMs, tookMs * figuresShare));
  };
  setTimeout(report, reportEveryMs);
  void channel.send({ type: "online" });
}

/** How long spans and decisions wait; the limits of record/{span,decision}-log.ts are for this time. */
const reportEveryMs = 1000;
/** With 500 busy routes reading all figures takes 7 ms (bench/micro/record/scrape.bench.ts): half a percent at most. */
const figuresShare = 200;
/** Longer than any drain that keeps its word: a worker without its primary must never stay behind. */
const overdueMs = 2000;
/** A log sink that does not take the last lines does not get to hold the exit. */
const flushWithinMs = 500;

/** A worker that compiles goes on serving: it stops this often to do so. */
const sliceMs = 5;

/** The worker's side of messages.ts. */
export function controlWorker(edge: Edge, channel: WorkerChannel): WorkerControl {
  const frames = createFrames();
  const readFrame = (): MetricFrame => frames(edge.readMetrics(), edge.readExemplars());
  const open = new Map<string, { readonly listener: ListenerName; readonly slot: number }>();
  const parts = createPartStore();
  /** What is compiled, or being compiled. */
  let candidate: { readonly generation: number; readonly manifest: Manifest; graceMs: number } | undefined;
  let inForce: Manifest | undefined;
  let graceMs = 30_000;
  let finishing = false;

  const prepare = async (message: PrepareMessage) => {
    const { generation, manifest, addresses } = message;
    const own = { generation, manifest, graceMs };
    candidate = own;
    const isWanted = () => candidate === own;
    try {
      const config = parts.assemble(manifest, message.parts);
      own.graceMs = config.server.shutdownGraceMs;
      const steps = edge.prepare(generation, config, addresses);
      await inSlices(steps, systemClock.nowMs, sliceMs, isWanted);
    } catch (cause) {
      if (!isWanted()) return;
      void channel.send({ type: "failed", generation, message: messageOf(cause) });
      return;
    }
    if (isWanted()) void channel.send({ type: "ready", generation });
  };

  const commit = (generation: number) => {
    edge.commit(generation);
    inForce = candidate!.manifest;
    graceMs = candidate!.graceMs;
    candidate = undefined;
    parts.keepOnly([inForce]);
    void channel.send({ type: "committed", generation });
  };

  const discard = (generation: number) => {
    if (candidate?.generation === generation) candidate = undefined;
    edge.discard(generation);
    parts.keepOnly(inForce === undefined ? [] : [inForce]);
  };

  const openListener = async (message: ToWorker & { readonly type: "open" | "move" }, handle: unknown) => {
    const { type, listener, slot, address } = message;
    const key = `${listener} ${slot}`;
    if (finishing || (type === "open" && open.has(key))) return closeHandle(handle);
    open.set(key, { listener, slot });
    try {
      await edge.open(listener, slot, handle ?? address);
    } catch (cause) {
      open.delete(key);
      return channel.send({ type: "open_failed", listener, slot, message: messageOf(cause) });
    }
    return channel.send({ type: "opened", listener, slot });
  };

  const closeListener = (listener: ListenerName, slot: number) => {
    if (open.delete(`${listener} ${slot}`)) edge.close(listener, slot);
  };

  const finish = async (withinMs: number) => {
    if (finishing) return withinMs === 0 ? channel.exit(0) : undefined;
    finishing = true;
    setTimeout(() => channel.exit(0), withinMs + overdueMs).unref();
    for (const { listener, slot } of [...open.values()]) closeListener(listener, slot);
    const cut = await edge.drain(withinMs);
    await Promise.race([edge.flushLog(), pause(flushWithinMs)]);
    await channel.send({ type: "drained", cut, frame: readFrame() });
    channel.exit(0);
  };

  return {
    reportFigures() {
      if (inForce !== undefined && !finishing)
        void channel.send({ type: "metrics", scrape: 0, frame: readFrame() });
    },
    receive(message, handle) {
      switch (message.type) {
        case "prepare":
          return void prepare(message);
        case "commit":
          return commit(message.generation);
        case "discard":
          return discard(message.generation);
        case "open":
        case "move":
          return void openListener(message, handle);
        case "close":
          return closeListener(message.listener, message.slot);
        case "ticket_keys":
          return edge.setTicketKeys(message.keys);
        case "staples":
          return edge.setStaples(message.staples);
        case "health":
          return edge.setHealth(message.upstream, message.url, message.healthy);
        case "addresses":
          return edge.setAddresses(message.host, message.addresses);
        case "auth_keys":
          return edge.setAuthKeys(message.source, message.keys);
        case "revoked":
          return edge.setRevoked(message.added, message.dropped);
        case "limit_seed":
          return edge.setLimitSeed(message.seed);
        case "sticky_root":
          return edge.setStickyRoot(message.root);
        case "cache_peers":
          return edge.setCachePeers(message.places, message.token);
        case "cache_purge":
          return edge.purgeCache(message.purge);
        case "cache_forgotten":
          return edge.forgetCached(message.uris);
        case "bans":
          return edge.setBans(message.banned);
        case "mesh_scores":
          return edge.setMeshScores(message.scores);
        case "mesh_ejections":
          return edge.ejectByMesh(message.urls);
        case "limit_spent":
          return edge.hearLimits(message.shares);
        case "limit_store":
          return edge.setLimitStore(message.state);
        case "limit_levels":
          return edge.raiseLimits(message.levels);
        case "limit_levels_asked": {
          const { ask, keys } = message;
          return void channel.send({ type: "limit_levels_told", ask, levels: edge.levelsOf(keys) });
        }
        case "strict_answers":
          return edge.hearStrict(message.answers);
        case "page":
          return edge.hearPage(message.id, message.page);
        case "acme_challenges":
          return edge.setChallenges(message.http, message.tls);
        case "memory":
          return edge.setMemory(message.share);
        case "metrics":
          return void channel.send({ type: "metrics", scrape: message.scrape, frame: readFrame() });
        case "decisions_asked": {
          const decisions = edge.takeDecisions();
          return void channel.send({ type: "decisions", round: message.round, decisions });
        }
        case "audit":
          return edge.setAudit(message.socket, message.token);
        case "capture_key":
          return edge.setCaptureKey(message.key);
        case "withdrawn":
          return edge.setWithdrawn(message.is);
        case "reopen_log":
          return edge.reopenLog();
        case "drain":
          return void finish(message.graceMs);
      }
    },
    primaryLost: () => void finish(graceMs),
  };
}

function argument(name: string): string {
  const prefix = `--${name}=`;
  return process.argv.find((arg) => arg.startsWith(prefix))?.slice(prefix.length) ?? "";
}

function number(name: string): number {
  return Number(argument(name));
}

function closeHandle(handle: unknown): void {
  (handle as { close?(): void } | undefined)?.close?.();
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

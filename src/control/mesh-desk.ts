import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import type { OffenceReport } from "../gate/offence-watch.ts";
import type { ClientScores } from "../identity/score-table.ts";
import { families, type MetricSample } from "../record/metrics.ts";
import { systemClock } from "../std/clock.ts";
import type { AuditSupply } from "./audit-supply.ts";
import type { Bans } from "./bans.ts";
import { forkBare } from "./bare-child.ts";
import type { Exposition } from "./exposition.ts";
import type { Log } from "./log.ts";
import type { FromMesh, MeshDecision, MeshSettings, MeshState, ToMesh } from "./mesh-order.ts";
import type { ToWorker } from "./messages.ts";
import type { Family } from "./obituaries.ts";

export interface MeshDeskOptions {
  /** Path of mesh-process. */
  readonly entry: string;
  /** For a process that reads these files beside its code, and writes those. */
  readonly flags: (reads: readonly string[], writes: readonly string[]) => readonly string[];
  readonly broadcast: (message: ToWorker) => void;
  readonly bans: () => Pick<Bans, "offer">;
  readonly audit: Pick<AuditSupply, "must" | "tell" | "isRequired" | "head">;
  readonly generation: () => number;
  readonly exposition: Pick<Exposition, "read">;
  readonly family: Family;
  readonly log: Log;
}

/** The primary's side of the mesh: tells its process what this machine sees, and does what a quorum says. */
export interface MeshDesk {
  adopt(config: Config): void;
  /** "off" without `[mesh]`; "down": it has no way to the other edges. */
  readonly state: "off" | "up" | "down";
  /** As its process told it last; undefined = nothing is known. */
  readonly view: MeshState | undefined;
  offended(report: OffenceReport): void;
  banned(client: string, by: "ban" | "operator"): void;
  probed(url: string, healthy: boolean): void;
  /** What other edges say of clients; undefined = nothing is known. */
  readonly scores: ClientScores | undefined;
  /** What workers must know. */
  news(): readonly ToWorker[];
  samples(): readonly MetricSample[];
  stop(): void;
}

/** After its process ended without being told to. */
const RESTART_MS = 2000;
/** What fired and how the audit log stands is told this often. */
const REPORT_MS = 30_000;
/** Rules in one report. */
const RULES_MAX = 16;
/** Messages that the process has not taken yet, above which a flood of offences is not told. */
const WAITING_MAX = 32;

export function createMeshDesk(options: MeshDeskOptions): MeshDesk {
  const { broadcast, bans, audit, exposition, family, log } = options;
  let settings: MeshSettings | undefined;
  let child: ChildProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let view: MeshState | undefined;
  let scores: ClientScores | undefined;
  let waiting = 0;
  /** What all its processes have counted, by family and labels. */
  const counted = new Map<string, MetricSample>();
  let told = new Map<string, number>();
  const health = new Map<string, boolean>();
  /** Decisions are carried out in the order in which they came. */
  let carrying: Promise<void> = Promise.resolve();

  const send = (message: ToMesh): void => {
    if (child === undefined) return;
    waiting++;
    child.send(message, undefined, {}, () => waiting--);
  };

  const start = (): void => {
    waiting = 0;
    const { mesh, store, stateFile } = settings!;
    const reads = [mesh.identityPath, mesh.previousIdentityPath, mesh.clusterKeyPath, store.passwordFile];
    const writes = stateFile === undefined ? [] : [stateFile, `${stateFile}.new`];
    const readable = [...reads, ...writes].filter((path) => path !== undefined);
    const own = forkBare(options.entry, options.flags(readable, writes), family);
    child = own;
    const startedMs = systemClock.nowMs();
    own.on("message", (message: FromMesh) => {
      if (child === own) hear(message);
    });
    const ended = (code: number | null, signal: string | null): void => {
      if (child !== own) return;
      forget();
      const uptimeMs = Math.round(systemClock.nowMs() - startedMs);
      if (own.pid !== undefined) family.died({ process: "mesh", pid: own.pid, code, signal, uptimeMs });
      log.error({ "event.name": "zion.mesh.ended", code, signal }, "the process of the mesh ended");
      restart = setTimeout(start, RESTART_MS);
      restart.unref();
    };
    own.on("exit", ended);
    // 'exit' follows, unless the fork itself failed.
    own.on("error", () => own.pid === undefined && ended(null, null));
    send({ type: "adopt", settings: settings! });
    for (const [url, healthy] of health) send({ type: "health", url, healthy });
  };

  const hear = (message: FromMesh): void => {
    switch (message.type) {
      case "scores":
        carrying = carrying.then(() => carryOut(message.scores, message.decisions));
        return;
      case "state":
        for (const sample of message.state.samples) count(sample);
        view = message.state;
        return;
      case "event":
        audit.tell({ cfg: options.generation(), data: message.data, kind: message.kind });
        return;
      case "notice":
        log[message.level]({ "event.name": `zion.mesh.${message.event}`, ...message.fields }, message.text);
    }
  };

  /** Nothing is done that could not be recorded, where evidence is required. */
  const carryOut = async (next: ClientScores, decisions: readonly MeshDecision[]): Promise<void> => {
    for (const part of parts(decisions)) {
      const data = { decisions: part.map(({ decision, ...rest }) => ({ decision, ...rest })) };
      const isRecorded = await audit.must({ cfg: options.generation(), data, kind: "mesh_decision" });
      if (!isRecorded && audit.isRequired) return;
    }
    if (settings === undefined) return;
    for (const { decision, subject, voices, quorum } of decisions) {
      log.warn({ "event.name": `zion.mesh.${decision}`, subject, voices, quorum }, "a quorum decides");
      if (decision === "ban") bans().offer(subject, settings.mesh.banSecs);
    }
    const urls = decisions.filter(({ decision }) => decision === "eject").map(({ subject }) => subject);
    if (urls.length > 0) broadcast({ type: "mesh_ejections", urls });
    scores = next;
    broadcast({ type: "mesh_scores", scores });
  };

  /** Counters of a process begin at 0 with it, and ours only grow. */
  const count = ({ name, labels, value }: MetricSample): void => {
    const key = `${name} ${labels.join(" ")}`;
    const isCounter = name.endsWith("_total");
    const before = isCounter ? (lastOf(name, labels) ?? 0) : 0;
    const sum = isCounter ? (counted.get(key)?.value ?? 0) + Math.max(0, value - before) : value;
    counted.set(key, { name, labels, value: sum });
  };

  const lastOf = (name: string, labels: readonly string[]): number | undefined =>
    view?.samples.find((one) => one.name === name && one.labels.join(" ") === labels.join(" "))?.value;

  /** What a process knew that is gone: no client is refused for what nobody can take back. */
  const forget = (): void => {
    child = undefined;
    view = undefined;
    if (scores === undefined) return;
    scores = undefined;
    broadcast({ type: "mesh_scores", scores });
  };

  const stop = (): void => {
    clearTimeout(restart);
    const own = child;
    forget();
    if (own?.connected) own.disconnect();
  };

  const report = (): void => {
    if (child === undefined) return;
    const { head } = audit;
    if (head !== undefined) send({ type: "audit_head", head });
    const now = new Map<string, number>();
    for (const { labels, value } of exposition.read(families.ruleMatches)) now.set(labels[0]!, value);
    const hits = [...now]
      .map(([rule, value]) => [rule, value - (told.get(rule) ?? 0)] as const)
      .filter(([, count]) => count > 0)
      .sort((a, b) => b[1] - a[1])
      .slice(0, RULES_MAX);
    told = now;
    if (hits.length > 0) send({ type: "rules", hits });
  };
  const reports = setInterval(report, REPORT_MS);
  reports.unref();

  return {
    adopt(config) {
      const next = settingsOf(config);
      const isSame = processKey(next) === processKey(settings);
      const isEqual = JSON.stringify(next) === JSON.stringify(settings);
      settings = next;
      if (isSame) {
        if (!isEqual && next !== undefined) send({ type: "adopt", settings: next });
        return;
      }
      stop();
      if (next !== undefined) start();
    },
    get state() {
      if (settings === undefined) return "off";
      return view?.isUp === true ? "up" : "down";
    },
    get view() {
      return view;
    },
    get scores() {
      return scores;
    },
    offended({ offenders }) {
      if (waiting >= WAITING_MAX || offenders.size === 0) return;
      const offences = [...offenders].map(([client, { waf, limit }]) => [client, waf, limit] as const);
      send({ type: "offences", offences });
    },
    banned: (client, by) => send({ type: "banned", client, by }),
    probed(url, healthy) {
      health.set(url, healthy);
      send({ type: "health", url, healthy });
    },
    news: () => (scores === undefined ? [] : [{ type: "mesh_scores", scores }]),
    samples: () => (settings === undefined ? [] : [...counted.values()]),
    stop() {
      clearInterval(reports);
      settings = undefined;
      stop();
    },
  };
}

function settingsOf({ mesh, limitStore, server, upstreams }: Config): MeshSettings | undefined {
  if (mesh === undefined || limitStore === undefined) return undefined;
  return {
    mesh,
    store: limitStore,
    stateFile: server.stateDir === undefined ? undefined : join(server.stateDir, "mesh.json"),
    spared: [...server.trustedProxies, ...server.proxyProtocol, ...server.internalNetworks],
    endpoints: upstreams.flatMap(({ endpoints }) => endpoints.map(({ url }) => url)),
  };
}

/** What a process cannot change while it runs. */
function processKey(settings: MeshSettings | undefined): string {
  if (settings === undefined) return "";
  const { mesh, store, stateFile } = settings;
  const { id, cluster, clusterKeyMark, identityPath, previousIdentityPath, clusterKeyPath } = mesh;
  return createHash("sha256")
    .update(
      JSON.stringify([
        [id, cluster, clusterKeyMark, identityPath, previousIdentityPath, clusterKeyPath],
        store,
        stateFile,
      ]),
    )
    .digest("hex");
}

/** As many as one record of the audit log holds. */
function parts(decisions: readonly MeshDecision[]): readonly (readonly MeshDecision[])[] {
  const size = 64;
  return Array.from({ length: Math.ceil(decisions.length / size) }, (_, i) =>
    decisions.slice(i * size, (i + 1) * size),
  );
}

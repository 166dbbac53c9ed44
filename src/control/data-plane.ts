import { randomBytes } from "node:crypto";
import { CompressionDesk } from "../answer/compression-desk.ts";
import { InspectionDesk } from "../answer/inspection-desk.ts";
import { type CertificateStore, certificateSteps } from "../cert/store.ts";
import type { Config, UpstreamConfig } from "../config/config.ts";
import { MeshDesk } from "../gate/mesh-score.ts";
import { OffenceWatch } from "../gate/offence-watch.ts";
import { Pressure } from "../gate/pressure.ts";
import { Tarpit } from "../gate/tarpit.ts";
import { WafEngine } from "../gate/waf-engine.ts";
import { buildRouteWaf } from "../gate/waf-settings.ts";
import { warmUp } from "../gate/waf-warm-up.ts";
import { RequestPool } from "../http/request-pool.ts";
import { ResponseHead } from "../http/response-head.ts";
import { Limits } from "../limit/limits.ts";
import type { StrictBatch } from "../limit/strict.ts";
import { StrictAsker } from "../limit/strict-asker.ts";
import { createAcmeHandshakes } from "../listener/acme-handshake.ts";
import type { ClientConnection } from "../listener/client-connection.ts";
import { ConnectionCaps } from "../listener/connection-caps.ts";
import { HandshakeRate } from "../listener/handshake-rate.ts";
import { askToLeave } from "../listener/leave.ts";
import { type Accepted, Listener } from "../listener/listener.ts";
import { createStapleShelf } from "../listener/staple-shelf.ts";
import { buildTlsFront, type TlsFront } from "../listener/tls-front.ts";
import { reasons } from "../reason.ts";
import { AccessLog, endpointLogPiece } from "../record/access-log.ts";
import { CaptureLog, type CaptureSettings } from "../record/capture-log.ts";
import { Counters } from "../record/counters.ts";
import { DecisionLog } from "../record/decision-log.ts";
import { buildLogSampling } from "../record/log-sampling.ts";
import { families, type MetricSample } from "../record/metrics.ts";
import { buildRedaction } from "../record/redaction.ts";
import { SpanLog } from "../record/span-log.ts";
import { FileShelf } from "../respond/static/file-shelf.ts";
import type { Snapshot } from "../snapshot.ts";
import type { State } from "../state.ts";
import { machineOffsetMs, systemClock } from "../std/clock.ts";
import { DirectWrite } from "../std/direct-write.ts";
import { Outbox } from "../std/outbox.ts";
import { openRandomPool } from "../std/random-pool.ts";
import { openSharedReader } from "../std/shared-read.ts";
import type { Steps } from "../std/steps.ts";
import { TimerWheel } from "../std/timer-wheel.ts";
import type { PeerPlace } from "../upstream/cache-peer.ts";
import { ejectByWord, reinstate } from "../upstream/outlier.ts";
import { Upstream } from "../upstream/upstream.ts";
import { type RuleSet, ruleSetSteps } from "../waf/compile.ts";
import { detectors } from "../waf/detectors.ts";
import type { Rule } from "../waf/rule.ts";
import { auditSamples, auditSettings, openAuditReport } from "./audit-build.ts";
import { AuthDesk } from "./auth-desk.ts";
import { adoptCache, openCache } from "./cache-build.ts";
import { openCachePeering } from "./cache-peering.ts";
import { cacheSamples } from "./cache-samples.ts";
import { snapshotSteps } from "./compile.ts";
import { compressionSamples } from "./compression-build.ts";
import { connectionCeiling } from "./connection-ceiling.ts";
import type { Edge, ListenerName } from "./edge.ts";
import { workerCountOf } from "./flags.ts";
import { inspectionSamples } from "./inspection-build.ts";
import { lastGaspLine } from "./last-gasp.ts";
import { workerLimits } from "./limit-build.ts";
import { readLimits } from "./limit-samples.ts";
import { loopSamples } from "./loop-samples.ts";
import { type PageAsk, PageDesk } from "./page-desk.ts";
import { openPressureGauge } from "./pressure-gauge.ts";
import { adoptSites, staticSamples } from "./static-build.ts";
import { upstreamSamples } from "./upstream-samples.ts";
import { createWorkerWithdrawal } from "./worker-withdrawal.ts";

export interface EdgeDeps {
  readonly workerIndex: number;
  /** Carries questions about strict limits to whoever counts them. */
  readonly askStrict: (batch: StrictBatch) => Promise<void>;
  /** Name in Via, the same in all workers; made here when not given. */
  readonly viaName?: string;
  /** Soft limit of open files; 0 = not known. */
  readonly descriptorsMax?: number;
  /** False: `data` events instead of the shared read buffer. For tests of the fallback. */
  readonly sharedReads?: boolean;
  /** Detectors run before the first request comes: half a second. */
  readonly warm?: boolean;
  /** Carries to the primary that a token came whose key is not known, by the id of its source of keys. */
  readonly wantKeys?: (source: string) => void;
  /** Whether this process is allowed to write its access log there; "-" = standard output. Absent: anywhere. */
  readonly mayWrite?: (path: string) => boolean;
  /** Carries questions for internal pages to the primary. Absent: nobody answers them. */
  readonly askPage?: (ask: PageAsk) => void;
  /** Carries to the other workers where this one can be asked for stored answers. Absent: there are none. */
  readonly tellPlace?: (place: PeerPlace) => void;
  /** Carries to the other workers which URIs an unsafe request made out of date. Absent: there are none. */
  readonly tellForgotten?: (uris: readonly Uint8Array[]) => void;
}

/** A snapshot with what is built beside it, not yet current. */
interface Prepared {
  readonly generation: number;
  readonly snapshot: Snapshot;
  readonly upstreams: Map<string, Upstream>;
  readonly tls: TlsFront<Accepted> | undefined;
  readonly accessLog: AccessLog | undefined;
  readonly logPath: string | undefined;
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  readonly limits: ReturnType<Limits["adopt"]>;
  readonly ruleSet: RuleSet;
}

/** Builds the data plane of one worker and wires its parts: nothing else holds references across rooms. */
export function openEdge(deps: EdgeDeps): Edge {
  const clock = systemClock;
  const wheel = new TimerWheel(clock);
  wheel.start();
  const reader = openSharedReader(deps.sharedReads ?? true);
  const directWrite = new DirectWrite(deps.sharedReads ?? true);
  const counters = new Counters();
  const upstreamDeps = {
    wheel,
    reader,
    outbox: new Outbox(undefined, directWrite),
    responseHead: new ResponseHead(),
    scratch: new Outbox(),
    addresses: new Map<string, readonly string[]>(),
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs(),
    stickyRoot: randomBytes(32) as Uint8Array,
    logPiece: endpointLogPiece,
    onDefect,
  };
  let defectToldMs = -Infinity;
  /** Exchanges that meet a bug of ours end with 500; the worker goes on (docs/decisions/0009). */
  function onDefect(cause: unknown): void {
    counters.defects++;
    if (clock.nowMs() - defectToldMs < 1000) return;
    defectToldMs = clock.nowMs();
    process.stderr.write(lastGaspLine(`worker ${deps.workerIndex}`, "defect", cause, clock.wallMs()));
  }
  const viaName = deps.viaName ?? `zion-${randomBytes(4).toString("hex")}`;
  const caps = new ConnectionCaps(1000, 0);
  const handshakes = new HandshakeRate(randomBytes(8));
  const date = dateLines(clock.wallMs);
  const requests = new RequestPool();
  const auth = new AuthDesk({ wantKeys: deps.wantKeys ?? (() => {}), nowMs: () => clock.nowMs() });
  const pages = new PageDesk(deps.askPage ?? (() => {}));
  const files = new FileShelf({ clock, head: upstreamDeps.responseHead });
  const state: State = {
    // Nothing listens before the first commit.
    snapshot: undefined as unknown as Snapshot,
    clock,
    wheel,
    random: openRandomPool(),
    reader,
    requests,
    outbox: new Outbox(undefined, directWrite),
    upstreamDeps,
    waf: new WafEngine({ clock, wheel, seed: randomBytes(4).readUInt32LE() }),
    inspection: new InspectionDesk(),
    compression: new CompressionDesk(),
    pressure: new Pressure(),
    limits: new Limits(randomBytes(8), machineOffsetMs(), false, new StrictAsker(wheel, deps.askStrict)),
    counters,
    cache: openCache(clock, wheel, date, requests, upstreamDeps, deps.tellForgotten),
    bans: { banned: undefined, watch: undefined },
    mesh: new MeshDesk(),
    tarpit: new Tarpit(),
    accessLog: undefined,
    audit: undefined,
    spans: new SpanLog(clock),
    decisions: new DecisionLog(clock),
    captures: new CaptureLog(clock),
    files,
    pages,
    challenges: new Map(),
    draining: false,
    dateLine: date,
    onDefect,
    conclude(record, request, downstream, nowMs) {
      counters.conclude(record, request, nowMs);
      state.accessLog?.write(record, request, downstream, nowMs);
      state.audit?.conclude(record, request, nowMs);
      state.decisions.add(record, request, downstream.peerText, nowMs);
      if (record.captured !== undefined) state.captures.add(record, request, record.captured, downstream);
      const { tracing } = state.snapshot;
      if (tracing !== undefined) state.spans.add(record, request, tracing, downstream.peerText, nowMs);
      state.bans.watch?.note(request, record.reason, record.status, record.wafShadow);
      downstream.onConcluded();
    },
  };
  const peering =
    deps.tellPlace === undefined ? undefined : openCachePeering(state, deps.workerIndex, deps.tellPlace);
  const loop = loopSamples(deps.workerIndex);
  const gauge = openPressureGauge(state.pressure, state.waf, clock);
  const listeners = {
    http: new Listener("http", state, caps, handshakes),
    https: new Listener("https", state, caps, handshakes),
  };
  const staples = createStapleShelf(clock);
  let upstreams = new Map<string, Upstream>();
  let prepared: Prepared | undefined;
  let ticketKeys: Buffer = randomBytes(48);
  let logPath: string | undefined;
  let logKey = "";
  let auditLeft: Promise<void> | undefined;
  let auditPlace: { readonly socket: string; readonly token: string } | undefined;
  let ruleSet: RuleSet | undefined;

  function* prepare(
    generation: number,
    config: Config,
    addresses: ReadonlyMap<string, readonly string[]>,
  ): Steps<void> {
    discard(prepared?.generation ?? -1);
    const rules = yield* ruleSetOf(config.waf.rules);
    const store = config.tls === undefined ? undefined : yield* certificateSteps(config.tls);
    const next = adoptUpstreams(config.upstreams);
    const limits = state.limits.adopt(workerLimits(config.limits));
    const snapshot = yield* snapshotSteps(generation, config, {
      upstreams: next,
      upstreamDeps,
      auth,
      counters,
      limits,
      viaName,
      store,
      ruleSet: rules,
    });
    // Nothing listens before the first commit; later the loop is not held for it.
    if (
      deps.warm === true &&
      state.snapshot === undefined &&
      config.routes.some(({ waf }) => waf !== undefined)
    )
      warmUp(state.waf, buildRouteWaf({}, rules), clock);
    const tls = store === undefined ? undefined : tlsFront(snapshot, store);
    const { enabled, format, includeHeaders, mtlsFingerprint, samples } = config.accessLog;
    // Who must not write there is about to be replaced (candidate-course.ts), and goes on with the file that it has.
    const path = deps.mayWrite?.(config.accessLog.path) === false ? logPath : config.accessLog.path;
    const key = logKeyOf(config, path);
    const accessLog =
      key === logKey
        ? state.accessLog
        : enabled && path !== undefined
          ? new AccessLog(
              {
                path,
                format,
                includeHeaders,
                redaction: buildRedaction(config.redact),
                mtlsFingerprint,
                sampling: buildLogSampling(samples),
              },
              clock,
            )
          : undefined;
    prepared = {
      generation,
      snapshot,
      upstreams: next,
      tls,
      accessLog,
      logPath: path,
      addresses,
      limits,
      ruleSet: rules,
    };
  }

  /** Rules that did not change stay as they are: building their automaton takes 20 ms. */
  function* ruleSetOf(rules: readonly Rule[]): Steps<RuleSet> {
    return ruleSet?.rules === rules ? ruleSet : yield* ruleSetSteps(rules, detectors);
  }

  /** Upstreams whose table did not change keep their connections and figures. */
  function adoptUpstreams(configs: readonly UpstreamConfig[]): Map<string, Upstream> {
    const next = new Map<string, Upstream>();
    for (const config of configs) {
      const present = upstreams.get(config.name);
      if (present?.config === config) {
        next.set(config.name, present);
        continue;
      }
      const upstream = new Upstream(config, upstreamDeps, randomBytes(4).readUInt32LE());
      for (const endpoint of upstream.endpoints) {
        const known = present?.endpoints.find((other) => other.url === endpoint.url);
        if (known !== undefined) endpoint.up = known.up;
      }
      next.set(config.name, upstream);
    }
    return next;
  }

  function tlsFront({ config, clientAuth }: Snapshot, store: CertificateStore): TlsFront<Accepted> {
    return buildTlsFront<Accepted>(
      store,
      clientAuth,
      {
        alpn: config.tls!.alpn,
        handshakeTimeoutMs: config.server.handshakeTimeoutMs,
        handshakesMax: HANDSHAKES_MAX,
        ticketKeys,
        unknownName: "default",
        stapleOf: staples.of,
        allowHalfOpen: true,
      },
      {
        onSecure: (socket, facts, accepted) => accepted.listener.onSecure(socket, facts, accepted),
        onFailed: (failure, accepted) => accepted.listener.onTlsFailed(failure),
      },
    );
  }

  function commit(generation: number): void {
    if (prepared === undefined || prepared.generation !== generation)
      throw new Error(`generation ${generation} is not prepared`);
    const next = prepared;
    prepared = undefined;
    for (const [host, addresses] of next.addresses) upstreamDeps.addresses.set(host, addresses);
    const { server } = next.snapshot.config;
    const workers = workerCountOf(server);
    caps.connectionsMax = connectionCeiling(server.maxConnections, workers, deps.descriptorsMax ?? 0);
    caps.perGroupMax = server.maxConnectionsPerIp;
    handshakes.perSec = server.handshakeRatePerIp;
    const { ban, mesh, tarpit } = next.snapshot.config;
    const isWatched = ban !== undefined || mesh !== undefined;
    state.bans.watch = isWatched ? (state.bans.watch ?? new OffenceWatch()) : undefined;
    state.tarpit.holdMs = tarpit.holdSecs * 1000;
    state.captures.settings = captureSettings(next.snapshot.config);
    state.compression.limitBytes = (next.snapshot.config.compression?.memoryMb ?? 0) * 1_048_576;
    // Connections are for those who are let in.
    state.tarpit.max = Math.min(tarpit.maxHeld, Math.floor(caps.connectionsMax / 4));
    state.waf.store.limitBytes = heldBytesMax(next.snapshot.config.waf.maxBufferedMb, workers);
    if (state.accessLog !== next.accessLog) {
      const previous = state.accessLog;
      state.accessLog = next.accessLog;
      previous?.flushed().then(() => previous.close());
      if (previous !== undefined) state.accessLog?.countOn(previous);
    }
    adoptCache(state.cache, next.snapshot, workers);
    logPath = next.logPath;
    logKey = logKeyOf(next.snapshot.config, logPath);
    followAudit(next.snapshot.config, false);
    const previousTls = listeners.https.tls;
    listeners.https.tls = next.tls;
    const previousUpstreams = upstreams;
    upstreams = next.upstreams;
    state.limits.isShared = workers > 1;
    state.limits.commit(next.limits);
    ruleSet = next.ruleSet;
    auth.commit();
    const { routes, lists } = next.snapshot.config;
    adoptSites(files, next.snapshot.config);
    counters.retain(new Set(routes.map(({ name }) => name)), new Set(lists.map(({ name }) => name)));
    state.snapshot = next.snapshot; // the one assignment: exchanges that begin from here on see the new generation
    previousTls?.close();
    listeners.https.enforceClientAuth(next.snapshot.clientAuth);
    for (const upstream of previousUpstreams.values()) {
      if (upstreams.get(upstream.name) !== upstream) upstream.retire();
    }
  }

  /** Reports as the configuration says: to nobody, as before, or to another writer; the one before hears the rest. */
  function followAudit(config: Config, isElsewhere: boolean): void {
    const previous = state.audit;
    if (config.audit !== undefined && previous !== undefined && !isElsewhere) {
      previous.adopt(auditSettings(config));
      return;
    }
    if (config.audit === undefined) auditPlace = undefined;
    state.audit =
      auditPlace === undefined
        ? undefined
        : openAuditReport(config, deps.workerIndex, auditPlace.socket, auditPlace.token);
    if (previous === undefined) return;
    // A counter only grows.
    if (state.audit !== undefined) state.audit.feed.dropped = previous.feed.dropped;
    auditLeft = previous.close(AUDIT_MOVE_MS);
  }

  function discard(generation: number): void {
    if (prepared?.generation !== generation) return;
    if (prepared.accessLog !== state.accessLog) prepared.accessLog?.close();
    prepared = undefined;
  }

  function eachConnection(visit: (connection: ClientConnection) => void): number {
    let count = 0;
    for (const listener of [listeners.http, listeners.https]) {
      for (const connection of [...listener.connections]) {
        visit(connection);
        count++;
      }
    }
    return count;
  }

  const openConnections = () => [...listeners.http.connections, ...listeners.https.connections];
  const withdrawal = createWorkerWithdrawal(state, openConnections, clock);

  async function drain(graceMs: number): Promise<number> {
    withdrawal.forGood();
    peering?.close();
    listeners.http.closeAll();
    listeners.https.closeAll();
    const until = clock.nowMs() + graceMs;
    const quietMs = Math.min(DRAIN_QUIET_MS, graceMs / 4);
    for (;;) {
      // Timers come before reads: what arrived while this process did not run is read first, or a connection with a
      // request on it would be closed as idle (24 of 52,524 requests in five upgrades, on a starved machine).
      await new Promise((resolve) => setImmediate(resolve));
      const open = openConnections();
      askToLeave(open, clock.nowMs() - quietMs);
      // Streams end one after another over half the time there is: their clients come back at once, too.
      const lasting = open.filter((connection) => connection.lasting === true);
      const rounds = Math.max(1, Math.ceil((until - graceMs / 2 - clock.nowMs()) / 100));
      const due = Math.ceil(lasting.length / rounds);
      // Each leaves a line in the access log, which takes about a thousand before it must be written.
      const isLate = due > STREAM_ENDS_MAX && clock.nowMs() < until;
      for (const connection of lasting.slice(0, isLate ? STREAM_ENDS_MAX : due)) connection.endStreams?.();
      if (listeners.http.connections.size + listeners.https.connections.size === 0) return 0;
      if (clock.nowMs() >= until) break;
      const pauseMs = Math.min(isLate ? 5 : 100, Math.max(1, until - clock.nowMs()));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    listeners.https.tls?.destroyHandshakes();
    let calls = false;
    for (const connection of openConnections()) calls = connection.endCalls?.() === true || calls;
    if (calls) await new Promise((resolve) => setTimeout(resolve, CALLS_LEAVE_MS));
    return eachConnection((connection) => connection.close(reasons.drainDeadline));
  }

  return {
    prepare,
    commit,
    discard,
    open: (listener: ListenerName, slot: number, source: unknown) =>
      listeners[listener].open(slot, source, state.snapshot.config.server.tcpKeepaliveSecs),
    close: (listener, slot) => listeners[listener].close(slot),
    setTicketKeys(keys) {
      ticketKeys = Buffer.from(keys);
      listeners.https.tls?.setTicketKeys(ticketKeys);
      prepared?.tls?.setTicketKeys(ticketKeys);
    },
    setStaples: staples.replace,
    setHealth(name, url, healthy) {
      const endpoint = upstreams.get(name)?.endpoints.find((candidate) => candidate.url === url);
      if (endpoint === undefined) return;
      endpoint.up = healthy;
      // A probe that succeeds outranks an ejection.
      if (healthy) reinstate(endpoint);
    },
    setAddresses(host, addresses) {
      // Empty: the primary has kept the last good ones for as long as `dns_stale_secs` allows.
      upstreamDeps.addresses.set(host, addresses);
    },
    setMemory: gauge.setMemory,
    setWithdrawn: withdrawal.set,
    isWorn: () => gauge.isWorn(),
    setStickyRoot: (root) => {
      upstreamDeps.stickyRoot = root;
    },
    setLimitSeed: (seed) => state.limits.hash.reseed(Buffer.from(seed)),
    tellLimits: () => state.limits.tell(),
    hearLimits: (shares) => state.limits.hear(shares, clock.nowMs()),
    raiseLimits: (levels) => state.limits.raise(levels, clock.nowMs()),
    setLimitStore: (store) => state.limits.setStore({ ...store, seed: Buffer.from(store.seed) }),
    levelsOf: (keys) => state.limits.levels(keys, clock.nowMs()),
    hearStrict: (answers) => state.limits.strict.hear(answers),
    hearPage: (id, page) => pages.hear(id, page),
    setChallenges(http, tls) {
      state.challenges = new Map(http.map((challenge) => [challenge.token, challenge]));
      listeners.https.acme = tls.length === 0 ? undefined : createAcmeHandshakes(tls);
    },
    setCachePeers: (places, token) => peering?.adopt(places, token),
    purgeCache: (purge) => void state.cache.purge(purge),
    forgetCached: (uris) => {
      for (const uri of uris) state.cache.forgetUri(uri);
    },
    setBans: (banned) => {
      state.bans.banned = banned;
    },
    setMeshScores: (scores) => {
      state.mesh.scores = scores;
    },
    ejectByMesh(urls) {
      for (const upstream of upstreams.values()) ejectByWord(upstream.endpoints, urls, clock.nowMs());
    },
    tellOffences: () => state.bans.watch?.tell(),
    setAuthKeys: (source, keys) => auth.setKeys(source, keys),
    setRevoked: (added, dropped) => auth.revoked.change(added, dropped),
    drain,
    readMetrics: () => [
      ...auditSamples(state.audit),
      { name: families.meshLookups.name, labels: [], value: state.mesh.lookups },
      { name: families.tarpitHeld.name, labels: [], value: state.tarpit.held },
      { name: families.tarpitTotal.name, labels: [], value: state.tarpit.total },
      { name: families.tarpitShed.name, labels: [], value: state.tarpit.shed },
      ...readLimits(state.limits),
      ...cacheSamples(state.cache),
      ...compressionSamples(state.compression),
      ...inspectionSamples(state.inspection),
      ...staticSamples(files),
      { name: families.connectionsRejected.name, labels: ["handshake_rate"], value: handshakes.refused },
      ...readMetrics(counters, listeners, caps, upstreams, state.accessLog, clock.nowMs()),
      { name: families.queueDropped.name, labels: ["spans"], value: state.spans.dropped },
      { name: families.queueDropped.name, labels: ["decisions"], value: state.decisions.dropped },
      { name: families.queueDropped.name, labels: ["captures"], value: state.captures.dropped },
      { name: families.captured.name, labels: [], value: state.captures.kept },
      { name: families.queueDropped.name, labels: ["audit"], value: state.audit?.feed.dropped ?? 0 },
      ...loop(),
      { name: families.overload.name, labels: ["work"], value: state.pressure.shed },
      { name: families.overload.name, labels: ["memory"], value: state.pressure.level },
      { name: families.heldBytes.name, labels: [], value: state.waf.store.usedBytes },
      { name: families.inspectionsWaiting.name, labels: [], value: state.waf.turns.waiting },
      { name: families.bodyOverloads.name, labels: [], value: state.waf.store.overloads },
    ],
    readExemplars: () => counters.exemplars(clock.wallMs() - clock.nowMs()),
    takeSpans: () => state.spans.take(),
    takeDecisions: () => state.decisions.take(),
    takeCaptures: () => state.captures.take(),
    setCaptureKey: (key) => {
      state.captures.key = key === undefined ? undefined : { ...key, key: Buffer.from(key.key) };
    },
    setAudit(socket, token) {
      auditPlace = { socket, token };
      followAudit(state.snapshot.config, true);
    },
    reopenLog: () => state.accessLog?.reopen(),
    flushLog: async () => {
      await Promise.all([state.accessLog?.flushed(), state.audit?.close(), auditLeft]);
    },
  };
}

/** As long as the writer that is left waits for us. */
const AUDIT_MOVE_MS = 5000;

/** Bytes of bodies that a worker may hold: as configured, else 64 MiB or its part of an eighth of the memory limit. */
function heldBytesMax(configuredMb: number, workers: number): number {
  if (configuredMb > 0) return configuredMb * 1_048_576;
  const limit = process.constrainedMemory();
  const eighth = limit > 0 ? limit / 8 / workers : Infinity;
  return Math.min(64 * 1_048_576, eighth);
}

/** For the last words of gRPC calls to leave. */
const CALLS_LEAVE_MS = 100;
/** WebSockets and event streams that a drain ends at once. */
const STREAM_ENDS_MAX = 250;

/** A connection without a request for this long is taken to be idle when the worker drains. */
const DRAIN_QUIET_MS = 1000;

/** TLS handshakes in progress per worker: each costs 1.6-1.8 ms of CPU (reliability.md §0.1 finding 8). */
const HANDSHAKES_MAX = 1024;

function captureSettings({ capture, redact }: Config): CaptureSettings | undefined {
  if (capture === undefined) return undefined;
  const { refusedOnly, bodyBytesMax, redactsInStorage } = capture;
  return { refusedOnly, bodyBytesMax, redaction: redactsInStorage ? buildRedaction(redact) : undefined };
}

/** Equal keys = the same log. */
function logKeyOf({ accessLog, redact }: Config, path: string | undefined): string {
  return JSON.stringify([{ ...accessLog, path }, redact]);
}

function readMetrics(
  counters: Counters,
  listeners: { readonly http: Listener; readonly https: Listener },
  caps: ConnectionCaps,
  upstreams: ReadonlyMap<string, Upstream>,
  accessLog: AccessLog | undefined,
  nowMs: number,
): MetricSample[] {
  const samples = counters.read();
  const add = (name: string, labels: readonly string[], value: number): void => {
    samples.push({ name, labels, value });
  };
  add(families.connections.name, ["http"], listeners.http.connections.size);
  add(families.connections.name, ["https"], listeners.https.connections.size);
  add(families.http2Connections.name, ["http"], listeners.http.http2Count);
  add(families.http2Connections.name, ["https"], listeners.https.http2Count);
  add(families.connectionsRejected.name, ["conn_cap"], caps.rejectedTotal);
  add(families.connectionsRejected.name, ["conn_cap_address"], caps.rejectedPerGroup);
  if (accessLog !== undefined) {
    add(families.logDropped.name, [], accessLog.linesDropped);
    add(families.queueDropped.name, ["access_log"], accessLog.linesDropped);
    add(families.logLines.name, [], accessLog.linesWritten);
    add(families.logSampledOut.name, [], accessLog.linesSampledOut);
  }
  samples.push(...upstreamSamples(upstreams.values(), nowMs));
  return samples;
}

/** `Date` lines (RFC 9110 §6.6.1), one per second. */
function dateLines(wallMs: () => number): () => Uint8Array {
  let second = -1;
  let line: Uint8Array = new Uint8Array(0);
  return () => {
    const now = Math.floor(wallMs() / 1000);
    if (now !== second) {
      second = now;
      line = Buffer.from(`Date: ${new Date(now * 1000).toUTCString()}\r\n`, "latin1");
    }
    return line;
  };
}

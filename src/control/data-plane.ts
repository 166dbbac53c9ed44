import { randomBytes } from "node:crypto";
import { CompressionDesk } from "../answer/compression-desk.ts";
import { InspectionDesk } from "../answer/inspection-desk.ts";
import { type CertificateStore, certificateSteps } from "../cert/store.ts";
import type { Config } from "../config/config.ts";
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
import { ConnectionCaps } from "../listener/connection-caps.ts";
import { HandshakeRate } from "../listener/handshake-rate.ts";
import { type Accepted, Listener } from "../listener/listener.ts";
import { createStapleShelf } from "../listener/staple-shelf.ts";
import { buildTlsFront, type TlsFront } from "../listener/tls-front.ts";
import { endpointLogPiece } from "../record/access-log.ts";
import { CaptureLog, type CaptureSettings } from "../record/capture-log.ts";
import { Counters } from "../record/counters.ts";
import { DecisionLog } from "../record/decision-log.ts";
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
import type { Upstream } from "../upstream/upstream.ts";
import { type RuleSet, ruleSetSteps } from "../waf/compile.ts";
import { detectors } from "../waf/detectors.ts";
import type { Rule } from "../waf/rule.ts";
import { AuthDesk } from "./auth-desk.ts";
import { adoptCache, openCache } from "./cache-build.ts";
import { openCachePeering } from "./cache-peering.ts";
import { snapshotSteps } from "./compile.ts";
import { connectionCeiling } from "./connection-ceiling.ts";
import { dateLines } from "./date-line.ts";
import type { Edge, ListenerName } from "./edge.ts";
import { workerCountOf } from "./flags.ts";
import { lastGaspLine } from "./last-gasp.ts";
import { workerLimits } from "./limit-build.ts";
import { loopSamples } from "./loop-samples.ts";
import { type PageAsk, PageDesk } from "./page-desk.ts";
import { openPressureGauge } from "./pressure-gauge.ts";
import { adoptSites } from "./static-build.ts";
import { adoptUpstreams } from "./upstream-adoption.ts";
import { createWorkerAudit } from "./worker-audit.ts";
import { drainConnections } from "./worker-drain.ts";
import { createWorkerLog, type NextLog } from "./worker-log.ts";
import { workerSamples } from "./worker-samples.ts";
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
  readonly log: NextLog;
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
  const log = createWorkerLog(state, clock, deps.mayWrite ?? (() => true));
  const audit = createWorkerAudit(state, deps.workerIndex);
  let upstreams = new Map<string, Upstream>();
  let prepared: Prepared | undefined;
  let ticketKeys: Buffer = randomBytes(48);
  let ruleSet: RuleSet | undefined;

  function* prepare(
    generation: number,
    config: Config,
    addresses: ReadonlyMap<string, readonly string[]>,
  ): Steps<void> {
    discard(prepared?.generation ?? -1);
    const rules = yield* ruleSetOf(config.waf.rules);
    const store = config.tls === undefined ? undefined : yield* certificateSteps(config.tls);
    const next = adoptUpstreams(upstreams, config.upstreams, upstreamDeps);
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
    prepared = {
      generation,
      snapshot,
      upstreams: next,
      tls,
      log: log.prepare(config),
      addresses,
      limits,
      ruleSet: rules,
    };
  }

  /** Rules that did not change stay as they are: building their automaton takes 20 ms. */
  function* ruleSetOf(rules: readonly Rule[]): Steps<RuleSet> {
    return ruleSet?.rules === rules ? ruleSet : yield* ruleSetSteps(rules, detectors);
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
    log.commit(next.log);
    adoptCache(state.cache, next.snapshot, workers);
    audit.follow(next.snapshot.config);
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

  function discard(generation: number): void {
    if (prepared?.generation !== generation) return;
    log.discard(prepared.log);
    prepared = undefined;
  }

  const openConnections = () => [...listeners.http.connections.all(), ...listeners.https.connections.all()];
  const withdrawal = createWorkerWithdrawal(state, openConnections, clock);

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
    drain(graceMs) {
      withdrawal.forGood();
      peering?.close();
      listeners.http.closeAll();
      listeners.https.closeAll();
      const endHandshakes = () => listeners.https.tls?.destroyHandshakes();
      return drainConnections(openConnections, endHandshakes, graceMs, clock);
    },
    readMetrics: () =>
      workerSamples({ state, files, listeners, caps, handshakes, upstreams: upstreams.values(), loop }),
    readExemplars: () => counters.exemplars(clock.wallMs() - clock.nowMs()),
    takeSpans: () => state.spans.take(),
    takeDecisions: () => state.decisions.take(),
    takeCaptures: () => state.captures.take(),
    setCaptureKey: (key) => {
      state.captures.key = key === undefined ? undefined : { ...key, key: Buffer.from(key.key) };
    },
    setAudit: (socket, token) => audit.moveTo(socket, token, state.snapshot.config),
    reopenLog: () => state.accessLog?.reopen(),
    flushLog: async () => {
      await Promise.all([state.accessLog?.flushed(), audit.flushed()]);
    },
  };
}

/** Bytes of bodies that a worker may hold: as configured, else 64 MiB or its part of an eighth of the memory limit. */
function heldBytesMax(configuredMb: number, workers: number): number {
  if (configuredMb > 0) return configuredMb * 1_048_576;
  const limit = process.constrainedMemory();
  const eighth = limit > 0 ? limit / 8 / workers : Infinity;
  return Math.min(64 * 1_048_576, eighth);
}

/** TLS handshakes in progress per worker: each costs 1.6-1.8 ms of CPU (reliability.md §0.1 finding 8). */
const HANDSHAKES_MAX = 1024;

function captureSettings({ capture, redact }: Config): CaptureSettings | undefined {
  if (capture === undefined) return undefined;
  const { refusedOnly, bodyBytesMax, redactsInStorage } = capture;
  return { refusedOnly, bodyBytesMax, redaction: redactsInStorage ? buildRedaction(redact) : undefined };
}

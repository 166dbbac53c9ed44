import { randomBytes } from "node:crypto";
import type { Config } from "../config/config.ts";
import { systemClock } from "../std/clock.ts";
import { readDescriptorsMax } from "../std/descriptors.ts";
import { acmeProcesses } from "./acme-child.ts";
import { createAcmeDesk } from "./acme-desk.ts";
import { configRejected } from "./audit-events.ts";
import { createBans } from "./bans.ts";
import { CachePeers } from "./cache-peers.ts";
import { candidateCourse } from "./candidate-course.ts";
import { createCaptureStore } from "./capture-store.ts";
import { openCertificateDesk } from "./certificate-desk.ts";
import { askChild } from "./child-task.ts";
import { createDecisionRing } from "./decision-ring.ts";
import { entryOf, packageDir } from "./entry-files.ts";
import { createEventFeed } from "./event-feed.ts";
import type { ProveExclusion } from "./exclusion-endpoint.ts";
import type { AskedRequest, Deciders } from "./explain-endpoints.ts";
import { watchFiles } from "./file-watch.ts";
import { fileFlags, workerCountOf, workerEnvironment, workerFlags } from "./flags.ts";
import type { Ground, GroundOptions } from "./ground.ts";
import { openIdentityDesk } from "./identity-desk.ts";
import { fetchInProcess } from "./jwks-child.ts";
import { watchKeys } from "./key-watch.ts";
import { createLimitExchange } from "./limit-exchange.ts";
import { watchMemory } from "./memory-watch.ts";
import { createMeshDesk } from "./mesh-desk.ts";
import type { ToWorker } from "./messages.ts";
import type { OcspResult } from "./ocsp-fetch.ts";
import { createOperatorListeners, type OperatorListeners } from "./operator-listeners.ts";
import { createOrphanGuard } from "./orphan-guard.ts";
import { createPace } from "./pace.ts";
import { describePlatform } from "./platform.ts";
import type { Publication } from "./publication.ts";
import { type Candidate, createReloader, type Reloader } from "./reload.ts";
import { createServiceManager } from "./service-manager.ts";
import { createSpanReporter } from "./span-reporter.ts";
import { servedDirectories } from "./static-build.ts";
import { openStickyRoot } from "./sticky-root.ts";
import { Supervision } from "./supervision.ts";
import { createTicketKeys } from "./tickets.ts";
import { openUpstreamDesk } from "./upstream-desk.ts";
import { createWithdrawal } from "./withdrawal.ts";
import { accessLogFile } from "./worker-files.ts";
import { forkWorkers } from "./worker-link.ts";
import { workerNews } from "./worker-news.ts";

/** For all workers to have the answers that a CA will ask for. */
const challengesWithinMs = 2000;

export interface AssemblyOptions extends GroundOptions {
  /** Takes a request through a configuration, in a process of its own. */
  readonly explainRequest: (asked: AskedRequest, by: Deciders) => Promise<object>;
  /** What an exclusion would be and cost, by a process of its own. */
  readonly proveExclusion: ProveExclusion;
  /** Entry file of workers; tests give another. */
  readonly workerEntry?: string;
}

/** The parts of a primary. */
export type Assembly = ReturnType<typeof assemble>;

/**
 * Builds the parts and ties them together; nothing runs yet. Long, because it is one list: each part once, with those that it
 * is told of. Some are named before they are made, because they know each other: none asks another before all are there.
 */
export function assemble(options: AssemblyOptions, ground: Ground) {
  const { loaded: initial, revocations, audit, listeners, tokens, place, exposition, obituaries } = ground;
  const { stateDir } = ground.config.server;
  const { log, environment } = options;
  const workers = () => workerCountOf(reloader.config.server);
  const clock = systemClock;
  const descriptorsMax = readDescriptorsMax();
  const platform = describePlatform(descriptorsMax);
  exposition.set("buildInfo", 1, [options.version, process.version]);

  const broadcast = (message: ToWorker) => supervision.broadcast(message);
  const upstreams = openUpstreamDesk({
    broadcast,
    onProbed: (url, healthy) => mesh.probed(url, healthy),
    exposition,
    clock,
    log,
  });
  const tickets = createTicketKeys((keys, by) => {
    exposition.add("ticketRotations", [by]);
    broadcast({ type: "ticket_keys", keys });
  }, place.ticketKeys);
  const childFlags = () => workerFlags({ packageDir, workerCount: workers(), logPath: undefined });
  const certificates = openCertificateDesk({
    stateDir,
    broadcast,
    onClientAuth: () => tickets.rotate("client_auth"),
    fetchOcsp: (task) =>
      askChild<OcspResult>(
        { entry: entryOf("ocsp-process"), flags: childFlags, role: "OCSP fetcher", family: obituaries },
        task,
      ),
    exposition,
    clock,
    log,
  });
  const acme = createAcmeDesk({
    start: acmeProcesses({
      entry: entryOf("acme-process"),
      flags: childFlags,
      family: obituaries,
    }),
    broadcast,
    taken: () => supervision.scrape(challengesWithinMs),
    onIssued: () => void reloader.reload("file"),
    environment,
    exposition,
    tell: (event) => audit.tell({ cfg: reloader.generation, ...event }),
    clock,
    log,
  });
  const identity = openIdentityDesk({
    broadcast,
    fetch: fetchInProcess({
      entry: entryOf("jwks-process"),
      flags: childFlags,
      role: "key fetcher",
      family: obituaries,
    }),
    revocations,
    exposition,
    clock,
    log,
  });
  const viaName = `zion-${randomBytes(4).toString("hex")}`;
  const guard = createOrphanGuard(viaName, log);
  const decisions = createDecisionRing();
  const spans = createSpanReporter({
    entry: entryOf("span-process"),
    flags: childFlags,
    version: options.version,
    family: obituaries,
    exposition,
    log,
  });
  const captures = createCaptureStore({
    broadcast,
    clock,
    log,
    onLost: (count) => exposition.add("captureLost", [], count),
  });
  const stickyRoot = openStickyRoot(stateDir, log);
  const mesh = createMeshDesk({
    entry: entryOf("mesh-process"),
    flags: (reads, writes) => [...childFlags(), ...fileFlags(reads, writes)],
    broadcast,
    bans: () => bans,
    audit,
    generation: () => reloader.generation,
    exposition,
    family: obituaries,
    log,
  });
  const cachePeers = new CachePeers();
  const bans = createBans({
    stateDir,
    broadcast,
    onBan: mesh.banned,
    exposition,
    clock,
    log,
  });
  const events = createEventFeed({
    generation: () => reloader.generation,
    onDropped: (count) => exposition.add("queueDropped", ["events"], count),
    clock,
  });
  const withdrawal = createWithdrawal({
    delayMs: () => reloader.config.server.shutdownDelayMs,
    tellWorkers: (is) => broadcast({ type: "withdrawn", is }),
    onChange: (state) => events.publish("drain", { state }),
    log,
  });
  const limits = createLimitExchange((messageFor) => supervision.sendEach(messageFor), clock, log);

  const publication = ({ generation, cut }: Pick<Candidate, "generation" | "cut">): Publication => ({
    generation,
    cut,
    addresses: new Map(upstreams.resolver.addresses),
  });
  /** A configuration is in force; certificates and orders for them follow when every worker serves it. */
  const adopt = (config: Config): void => {
    upstreams.adopt(config);
    limits.adopt(config);
    spans.adopt(config.tracing);
    bans.adopt(config);
    mesh.adopt(config);
    captures.adopt(config);
    stickyRoot.adopt(config);
    keys.adopt(config);
  };
  const supervision: Supervision = new Supervision({
    workerCount: workerCountOf(ground.config.server),
    startWorker: forkWorkers({
      entry: options.workerEntry ?? entryOf("worker-process"),
      flags: () =>
        workerFlags({
          packageDir,
          workerCount: workers(),
          logPath: accessLogFile(reloader.config),
          served: servedDirectories(reloader.config),
        }),
      environment: workerEnvironment(environment),
      lastGaspFile: obituaries.lastGaspFile,
      viaName,
      descriptorsMax,
    }),
    listeners: listeners.current,
    current: () => publication(reloader),
    greeting: () => [
      { type: "ticket_keys", keys: tickets.current },
      ...certificates.news(),
      { type: "withdrawn", is: withdrawal.state === "draining" },
      ...limits.greeting(),
      bans.news(),
      ...mesh.news(),
      ...captures.news(),
      cachePeers.news(),
      stickyRoot.news(),
      ...audit.greeting(),
      ...identity.news(),
      acme.news(),
      ...upstreams.news(),
    ],
    ...workerNews({
      exposition,
      spans,
      decisions,
      events,
      captures,
      identity,
      limits,
      cachePeers,
      bans,
      mesh,
      obituaries,
      audit,
      generation: () => reloader.generation,
      control: () => control,
      broadcast,
      tell: (worker, message) => supervision.sendEach((id) => (id === worker ? message : undefined)),
    }),
    graceMs: () => reloader.config.server.shutdownGraceMs,
    onProcesses: (pids) => guard.watch(pids, reloader.config.server.shutdownGraceMs),
    clock,
    log,
  });
  const pace = createPace(() => reloader.reload("file"), clock.nowMs);
  const watch = watchFiles({ onChange: pace.event, events: true });
  const reloader: Reloader = createReloader({
    load: async (sent) => {
      const result = await options.load(sent);
      if (result.kind === "refused" && result.defect !== undefined) obituaries.threadDied(result.defect);
      return result;
    },
    initial,
    ...candidateCourse({
      initial: ground.config,
      tokens,
      listeners,
      supervision,
      audit,
      upstreams,
      identity,
      acme,
      certificates,
      reloader: () => reloader,
      control: () => control,
      publication,
      adopt,
      log,
    }),
    onRefused: (refused) => audit.tell(configRejected(reloader.generation, refused)),
    onEntry: (entry) => {
      events.publish("generation", entry);
      service.statusChanged();
    },
    onFiles: (paths) => watch.set(paths),
    version: ground.version,
    exposition,
    clock,
    log,
  });

  const keys = watchKeys(log);
  const service = createServiceManager({
    environment,
    isSuccessor: place.isSuccessor,
    status: () => statusOf(reloader),
    isServing: () => supervision.serving > 0,
    clock,
    log,
  });
  const stopMemoryWatch = watchMemory((share) => broadcast({ type: "memory", share }));
  /** What probes see of the life cycle. */
  const life = { started: false, draining: false, replaced: false };
  const tokenDigest = () => tokens.digestOf(reloader.config) ?? place.tokenDigest;
  const control: OperatorListeners = createOperatorListeners(
    {
      version: options.version,
      platform,
      prober: upstreams.prober,
      resolver: upstreams.resolver,
      obituaries,
      supervision,
      reloader,
      exposition,
      bans,
      mesh,
      certificates,
      tickets,
      acme,
      decisions,
      proveExclusion: options.proveExclusion,
      explain: (asked) =>
        options.explainRequest(asked, {
          config: reloader.config,
          generation: reloader.generation,
          banned: bans.banned,
          limits,
          scores: mesh.scores,
          family: obituaries,
        }),
      audit,
      identity,
      limits,
      keys,
      events,
      withdrawal,
      life,
      clock,
      log,
    },
    tokenDigest,
    place.sockets,
  );
  return {
    platform,
    supervision,
    reloader,
    watch,
    pace,
    upstreams,
    tickets,
    certificates,
    audit,
    acme,
    identity,
    limits,
    keys,
    spans,
    withdrawal,
    bans,
    mesh,
    captures,
    guard,
    service,
    stopMemoryWatch,
    listeners,
    control,
    tokenDigest,
    place,
    clock,
    life,
    adopt,
    /** From here on changes come to us. Throws BindError. */
    async openControl() {
      revocations.catchUp();
      (await control.prepare(reloader.config)).commit();
    },
  };
}

/** For people who ask the service manager. */
function statusOf({ generation, refused, config }: Reloader): string {
  const serving = `generation ${generation}, routes: ${config.routes.length}`;
  return refused === undefined ? serving : `${serving}; the newest configuration was refused: ${refused}`;
}

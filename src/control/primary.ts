import { randomBytes } from "node:crypto";
import type { Config } from "../config/config.ts";
import { systemClock } from "../std/clock.ts";
import { readDescriptorsMax } from "../std/descriptors.ts";
import { acmeProcesses } from "./acme-child.ts";
import { createAcmeDesk } from "./acme-desk.ts";
import { configRejected, workerDied } from "./audit-events.ts";
import { createBans } from "./bans.ts";
import { CachePeers } from "./cache-peers.ts";
import { bindCandidate, type CandidateSockets } from "./candidate-sockets.ts";
import { createCaptureStore } from "./capture-store.ts";
import { openCertificateDesk } from "./certificate-desk.ts";
import { askChild } from "./child-task.ts";
import { recordConfig, tellCertificates } from "./config-record.ts";
import { createDecisionRing } from "./decision-ring.ts";
import { ignoreSignals } from "./early-signals.ts";
import { entryOf, packageDir } from "./entry-files.ts";
import { createEventFeed } from "./event-feed.ts";
import type { ProveExclusion } from "./exclusion-endpoint.ts";
import { configExitCode, temporaryExitCode } from "./exit-codes.ts";
import type { AskedRequest, Deciders } from "./explain-endpoints.ts";
import { watchFiles } from "./file-watch.ts";
import { fileFlags, workerCountOf, workerEnvironment, workerFlags } from "./flags.ts";
import { explainBind, type Ground, type GroundOptions, layGround } from "./ground.ts";
import { openIdentityDesk } from "./identity-desk.ts";
import { fetchInProcess } from "./jwks-child.ts";
import { watchKeys } from "./key-watch.ts";
import { faultExitCode } from "./last-gasp.ts";
import { createLimitExchange } from "./limit-exchange.ts";
import type { Log } from "./log.ts";
import { watchMemory } from "./memory-watch.ts";
import { createMeshDesk } from "./mesh-desk.ts";
import type { ToWorker } from "./messages.ts";
import { seenWorker } from "./obituaries.ts";
import type { OcspResult } from "./ocsp-fetch.ts";
import { createOperatorListeners } from "./operator-listeners.ts";
import { createOrphanGuard } from "./orphan-guard.ts";
import { createPace } from "./pace.ts";
import { describePlatform } from "./platform.ts";
import type { Publication } from "./publication.ts";
import { type Candidate, createReloader, type Reloader } from "./reload.ts";
import { createServiceManager } from "./service-manager.ts";
import { type StopCause, shutDown } from "./shutdown.ts";
import { installSignals } from "./signals.ts";
import { BindError, type WantedListener } from "./slots.ts";
import { createSpanReporter } from "./span-reporter.ts";
import { servedDirectories } from "./static-build.ts";
import { openStickyRoot } from "./sticky-root.ts";
import { type StartOutcome, Supervision } from "./supervision.ts";
import { createTicketKeys } from "./tickets.ts";
import { openUpstreamDesk } from "./upstream-desk.ts";
import { createWithdrawal } from "./withdrawal.ts";
import { accessLogFile, createWorkerFiles, tryAccessLog } from "./worker-files.ts";
import { forkWorkers } from "./worker-link.ts";

/** For a worker that lives and does not answer; a silent one is killed after 5 s, and then does not count. */
const prepareDeadlineMs = 30_000;
/** For all workers to have the answers that a CA will ask for. */
const challengesWithinMs = 2000;

export interface PrimaryOptions extends GroundOptions {
  /** Takes a request through a configuration, in a process of its own. */
  readonly explainRequest: (asked: AskedRequest, by: Deciders) => Promise<object>;
  /** What an exclusion would be and cost, by a process of its own. */
  readonly proveExclusion: ProveExclusion;
  /** Arguments that a successor gets whatever it is started with. */
  readonly insists?: readonly string[];
  readonly onServing?: (listeners: readonly WantedListener[]) => void;
  /** Entry file of workers; tests give another. */
  readonly workerEntry?: string;
}

/**
 * The control plane from start to end: reads the configuration, binds, keeps workers serving it, stops. It never touches
 * a byte of a client. Resolves with the exit code.
 */
export async function runPrimary(options: PrimaryOptions): Promise<number> {
  const unignore = ignoreSignals("SIGHUP", "SIGUSR2", "SIGQUIT");
  try {
    const ground = await layGround(options);
    return typeof ground === "number" ? ground : await run(options, ground);
  } finally {
    unignore();
  }
}

async function run(options: PrimaryOptions, ground: Ground): Promise<number> {
  const { listeners, audit, place, endsEarly } = ground;
  // Until there is no lock any more. While it starts, `endsEarly` ends it all the same.
  const unignoreStop = ignoreSignals("SIGINT", "SIGTERM");
  const primary = assemble(options, ground);
  try {
    // A successor's would say that it is not ready, while its predecessor serves.
    if (!place.isSuccessor) await openControl(primary);
    return await serve(primary, options, endsEarly);
  } catch (error) {
    return explainBind(error, options.explain);
  } finally {
    primary.control.close();
    listeners.close();
    await audit.stop();
    place.close();
    primary.watch.stop();
    primary.pace.stop();
    primary.withdrawal.stop();
    primary.guard.stop();
    primary.service.stop();
    primary.stopMemoryWatch();
    primary.tickets.stop();
    primary.certificates.stop();
    primary.acme.stop();
    primary.identity.stop();
    primary.limits.stop();
    primary.keys.stop();
    primary.spans.close();
    primary.bans.stop();
    primary.mesh.stop();
    primary.captures.stop();
    primary.upstreams.stop();
    endsEarly();
    unignoreStop();
  }
}

/** From here on changes come to us. Throws BindError. */
async function openControl({ revocations, control, reloader }: Primary): Promise<void> {
  revocations.catchUp();
  (await control.prepare(reloader.config)).commit();
}

type Primary = ReturnType<typeof assemble>;

/** Builds the parts and ties them together; nothing runs yet. */
function assemble(options: PrimaryOptions, ground: Ground) {
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
  const workerFiles = createWorkerFiles(ground.config);
  let sockets: CandidateSockets | undefined;
  let certified = ground.config;

  const pace = createPace(() => reloader.reload("file"), clock.nowMs);
  const watch = watchFiles({ onChange: pace.event, events: true });
  const reloader = createReloader({
    load: async (sent) => {
      const result = await options.load(sent);
      if (result.kind === "refused" && result.defect !== undefined) obituaries.threadDied(result.defect);
      return result;
    },
    initial,
    prepare: async (candidate) => {
      const { config } = candidate;
      const problem = tokens.read(config);
      if (problem !== undefined) return { reason: "invalid", problem };
      const logProblem = tryAccessLog(config);
      if (logProblem !== undefined) return { reason: "invalid", problem: logProblem };
      const bound = await bindCandidate(config, listeners, control);
      if ("problem" in bound) return bound;
      sockets = bound;
      if (reloader.isClosed) return undefined;
      // The names of both: the old ones serve on whatever comes of the new.
      await Promise.all([upstreams.lookUp(reloader.config, config), identity.watch(reloader.config, config)]);
      const problems = await supervision.prepare(publication(candidate), prepareDeadlineMs);
      if (problems.length > 0) return { reason: "workers", problem: [...new Set(problems)].join("; ") };
      const auditProblem = await audit.prepare(config.audit);
      if (auditProblem !== undefined) return { reason: "audit", problem: auditProblem };
      return recordConfig(audit, candidate);
    },
    discard: ({ generation }) => {
      supervision.discard(generation);
      audit.discard();
      sockets?.discard();
      sockets = undefined;
      if (reloader.isClosed) return;
      void upstreams.lookUp(reloader.config);
      void identity.watch(reloader.config);
    },
    commit: async ({ generation, config }) => {
      const switched = supervision.commit(generation);
      const auditMove = audit.commit();
      if (auditMove !== "stays") for (const news of audit.greeting()) broadcast(news);
      if (auditMove === "begins")
        audit.tell({ cfg: generation, data: { by: "reload" }, kind: "config_applied" });
      supervision.rearrange(sockets!.listeners, workerCountOf(config.server), config.server.shutdownGraceMs);
      if (workerFiles.adopt(config)) supervision.renew();
      sockets!.commit();
      sockets = undefined;
      void upstreams.lookUp(config);
      void identity.watch(config);
      log.setLevel(config.server.logLevel);
      adopt(config);
      // What changed while the workers were between two snapshots.
      for (const news of upstreams.news()) broadcast(news);
      await switched;
      acme.adopt(config);
      certificates.adopt(config);
      tellCertificates(audit, generation, config, certified);
      certified = config;
    },
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
    onFrame: exposition.absorb,
    onSpans: (facts) => spans.report(facts),
    onDecisions: (news) => {
      decisions.add(news);
      events.publishDecisions(news);
    },
    onCaptures: captures.write,
    onKeysWanted: identity.wantKeys,
    onLimitSpent: limits.hear,
    onStrictAsks: limits.judge,
    onLimitLevels: limits.hearLevels,
    onCachePeer(worker, place) {
      cachePeers.hear(worker, place);
      broadcast(cachePeers.news());
    },
    onPageAsked: (worker, ask) =>
      void control.page(ask).then((page) => {
        supervision.sendEach((id) => (id === worker ? { type: "page", id: ask.id, page } : undefined));
      }),
    onOffences: (worker, report) => {
      bans.hear(worker, report);
      mesh.offended(report);
    },
    graceMs: () => reloader.config.server.shutdownGraceMs,
    onProcesses: (pids) => guard.watch(pids, reloader.config.server.shutdownGraceMs),
    onReplaced: (cause) => exposition.add("workerRestarts", [cause]),
    onGone: (worker, death) => {
      exposition.forget(worker);
      bans.forget(worker);
      if (cachePeers.forget(worker)) broadcast(cachePeers.news());
      if (death === undefined) return;
      exposition.add("workerRestarts", [obituaries.died(seenWorker(death))]);
      exposition.add("workerExits", [death.signal]);
      audit.tell(workerDied(reloader.generation, death));
      events.publish("worker_exit", death);
    },
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
  const control = createOperatorListeners(
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
    revocations,
    tokenDigest,
    place,
    clock,
    life,
    adopt,
  };
}

/** From the first worker to the last. */
async function serve(primary: Primary, options: PrimaryOptions, endsEarly: () => void): Promise<number> {
  const { supervision, reloader, upstreams, identity, listeners, life, clock } = primary;
  const { place, control, platform, service } = primary;
  const { log } = options;
  const stop = Promise.withResolvers<StopCause>();
  const now = Promise.withResolvers<void>();
  const uninstall = installSignals(
    {
      stop: (signal) => {
        // At once, so that whoever balances over us looks elsewhere before we stop accepting.
        life.draining = true;
        stop.resolve(signal);
      },
      stopNow: () => {
        now.resolve();
        supervision.killAll("stopped by a second signal");
      },
      reload: () => service.reloading(reloader.reload("signal")),
      reopenLogs: () => supervision.broadcast({ type: "reopen_log" }),
      describe: () => {
        const { generation } = reloader;
        log.info({ "event.name": "zion.state", generation, workers: supervision.workers }, "state");
      },
    },
    clock,
  );
  endsEarly();
  try {
    await Promise.all([upstreams.lookUp(reloader.config), identity.watch(reloader.config)]);
    primary.adopt(reloader.config);
    primary.certificates.adopt(reloader.config);
    const outcome = await Promise.race([supervision.start(), stop.promise]);
    if (typeof outcome === "object" && outcome.kind !== "serving") {
      log.fatal({ "event.name": "zion.start.failed", problem: outcome.message }, "not started");
      options.explain(outcome.message);
      supervision.killAll("not started");
      await supervision.drain(0);
      return startExitCodes[outcome.kind];
    }
    if (typeof outcome === "object") {
      life.started = true;
      if (place.isSuccessor) {
        await service.becomeMain();
        await takeOver(primary, log);
      }
      service.ready();
      primary.acme.adopt(reloader.config);
      log.info(
        {
          "event.name": "zion.started",
          version: options.version,
          node: process.version,
          tier: platform.tier,
          aes_gcm_mb_per_sec: platform.aes_gcm_mb_per_sec,
          pid: process.pid,
          generation: reloader.generation,
          workers: supervision.wanted,
          listeners: listeners.current.map(({ name, address }) => ({ name, ...address })),
          control: control.all.map(({ name, address }) => ({ name, ...address })),
        },
        "serving",
      );
      primary.audit.tell({ cfg: reloader.generation, data: { by: "start" }, kind: "config_applied" });
      tellCertificates(primary.audit, reloader.generation, reloader.config, undefined);
      options.onServing?.(listeners.current);
      place.welcome({
        sockets: () => [...listeners.sockets(), ...control.sockets()],
        obstacle: () => (life.draining ? "it is stopping" : undefined),
        release: () => {
          for (const listener of control.all) listener.release();
        },
        onUpgraded: () => {
          life.replaced = true;
          stop.resolve("upgrade");
        },
        ticketKeys: () => primary.tickets.current,
        tokenDigest: primary.tokenDigest(),
        environment: options.environment,
        insists: options.insists ?? [],
        log,
      });
    }
    return await shutDown({ ...primary, log }, await stop.promise, now.promise);
  } finally {
    uninstall();
  }
}

/** Everything serves: now the predecessor may go. */
async function takeOver(primary: Primary, log: Log): Promise<void> {
  await primary.place.takeOver();
  try {
    await openControl(primary);
  } catch (error) {
    // The way back is closed, and clients are served: no reason to end.
    if (!(error instanceof BindError)) throw error;
    log.error({ "event.name": "zion.control.not_listening", problem: error.message }, "no control listeners");
  }
}

const startExitCodes: Readonly<Record<Exclude<StartOutcome["kind"], "serving">, number>> = {
  refused: configExitCode,
  not_listening: temporaryExitCode,
  dying: faultExitCode,
};

/** For people who ask the service manager. */
function statusOf({ generation, refused, config }: Reloader): string {
  const serving = `generation ${generation}, routes: ${config.routes.length}`;
  return refused === undefined ? serving : `${serving}; the newest configuration was refused: ${refused}`;
}

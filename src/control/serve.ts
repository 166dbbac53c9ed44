import type { Assembly } from "./assembly.ts";
import { tellCertificates } from "./config-record.ts";
import { configExitCode, temporaryExitCode } from "./exit-codes.ts";
import { faultExitCode } from "./last-gasp.ts";
import type { Log } from "./log.ts";
import { type StopCause, shutDown } from "./shutdown.ts";
import { installSignals } from "./signals.ts";
import { BindError, type WantedListener } from "./slots.ts";
import type { StartOutcome } from "./supervision.ts";

export interface ServeOptions {
  readonly version: string;
  readonly environment: NodeJS.ProcessEnv;
  /** For people: why a start failed. */
  readonly explain: (problem: string) => void;
  /** Arguments that a successor gets whatever it is started with. */
  readonly insists?: readonly string[];
  readonly onServing?: (listeners: readonly WantedListener[]) => void;
  readonly log: Log;
}

/**
 * From the first worker to the last. `endsEarly` takes the handlers off that end the process at a signal: from here on it has
 * something to drain. Resolves with the exit code.
 */
export async function serve(
  assembly: Assembly,
  options: ServeOptions,
  endsEarly: () => void,
): Promise<number> {
  const { supervision, reloader, upstreams, identity, life, clock, service } = assembly;
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
    assembly.adopt(reloader.config);
    assembly.certificates.adopt(reloader.config);
    const outcome = await Promise.race([supervision.start(), stop.promise]);
    if (typeof outcome === "object" && outcome.kind !== "serving") {
      log.fatal({ "event.name": "zion.start.failed", problem: outcome.message }, "not started");
      options.explain(outcome.message);
      supervision.killAll("not started");
      await supervision.drain(0);
      return startExitCodes[outcome.kind];
    }
    if (typeof outcome === "object") await begin(assembly, options, () => stop.resolve("upgrade"));
    return await shutDown({ ...assembly, log }, await stop.promise, now.promise);
  } finally {
    uninstall();
  }
}

/** All workers serve: everybody is told, and may come. */
async function begin(assembly: Assembly, options: ServeOptions, onUpgraded: () => void): Promise<void> {
  const { reloader, listeners, control, place, platform, service, life, audit } = assembly;
  const { log } = options;
  life.started = true;
  if (place.isSuccessor) {
    await service.becomeMain();
    await takeOver(assembly, log);
  }
  service.ready();
  assembly.acme.adopt(reloader.config);
  log.info(
    {
      "event.name": "zion.started",
      version: options.version,
      node: process.version,
      tier: platform.tier,
      aes_gcm_mb_per_sec: platform.aes_gcm_mb_per_sec,
      pid: process.pid,
      generation: reloader.generation,
      workers: assembly.supervision.wanted,
      listeners: listeners.current.map(({ name, address }) => ({ name, ...address })),
      control: control.all.map(({ name, address }) => ({ name, ...address })),
    },
    "serving",
  );
  audit.tell({ cfg: reloader.generation, data: { by: "start" }, kind: "config_applied" });
  tellCertificates(audit, reloader.generation, reloader.config, undefined);
  options.onServing?.(listeners.current);
  place.welcome({
    sockets: () => [...listeners.sockets(), ...control.sockets()],
    obstacle: () => (life.draining ? "it is stopping" : undefined),
    release: () => {
      for (const listener of control.all) listener.release();
    },
    onUpgraded: () => {
      life.replaced = true;
      onUpgraded();
    },
    ticketKeys: () => assembly.tickets.current,
    tokenDigest: assembly.tokenDigest(),
    environment: options.environment,
    insists: options.insists ?? [],
    log,
  });
}

/** Everything serves: now the predecessor may go. */
async function takeOver(assembly: Assembly, log: Log): Promise<void> {
  await assembly.place.takeOver();
  try {
    await assembly.openControl();
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

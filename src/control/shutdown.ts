import type { AcmeDesk } from "./acme-desk.ts";
import type { ListenerSet } from "./listener-set.ts";
import type { Log } from "./log.ts";
import type { Reloader } from "./reload.ts";
import type { ServiceManager } from "./service-manager.ts";
import type { StopSignal } from "./signals.ts";
import type { Supervision } from "./supervision.ts";

/** A signal, or a successor that has taken over. */
export type StopCause = StopSignal | "upgrade";

/** What a shutdown ends, in its order. */
export interface ShutdownOptions {
  readonly acme: Pick<AcmeDesk, "stop">;
  readonly service: Pick<ServiceManager, "stop" | "stopping">;
  readonly supervision: Pick<Supervision, "drain">;
  readonly listeners: Pick<ListenerSet, "close">;
  /** Its configuration says how long each part may take. */
  readonly reloader: Pick<Reloader, "config" | "close">;
  readonly log: Log;
}

/** operators.md §1.1 */
const stopExitCodes = { SIGINT: 130, SIGTERM: 143, upgrade: 0 } as const;
/** Beyond the grace period: workers that are overdue are killed, the audit log is closed. */
const endsWithinMs = 10_000;

/**
 * Readiness is off already; accept for the delay, drain for the grace period (reliability.md C44, F35). Resolves with the
 * exit code; `now` resolves when nobody wants to wait any more.
 */
export async function shutDown(
  { supervision, reloader, listeners, service, acme, log }: ShutdownOptions,
  signal: StopCause,
  now: Promise<void>,
): Promise<number> {
  await Promise.race([reloader.close(), now]);
  const { shutdownGraceMs } = reloader.config.server;
  // Another gateway may order; what is under way is taken up again.
  acme.stop();
  // A successor accepts already.
  const shutdownDelayMs = signal === "upgrade" ? 0 : reloader.config.server.shutdownDelayMs;
  // An upgrade does not stop the service, and its successor feeds the watchdog.
  if (signal === "upgrade") service.stop();
  else service.stopping(shutdownDelayMs + shutdownGraceMs + endsWithinMs);
  log.info(
    { "event.name": "zion.stopping", signal, delay_ms: shutdownDelayMs, grace_ms: shutdownGraceMs },
    "readiness is off",
  );
  let hurried = false;
  void now.then(() => {
    hurried = true;
  });
  await Promise.race([pause(shutdownDelayMs), now]);
  log.info({ "event.name": "zion.draining" }, "no new connections");
  const drained = supervision.drain(hurried ? 0 : shutdownGraceMs);
  // While we hold a copy, the kernel goes on queueing connections that nobody would accept.
  listeners.close();
  const cut = await drained;
  log.info({ "event.name": "zion.stopped", signal, exchanges_cut: cut, hurried }, "stopped");
  return stopExitCodes[signal];
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

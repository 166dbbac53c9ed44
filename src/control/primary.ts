import { type Assembly, type AssemblyOptions, assemble } from "./assembly.ts";
import { ignoreSignals } from "./early-signals.ts";
import { explainBind, type Ground, layGround } from "./ground.ts";
import { type ServeOptions, serve } from "./serve.ts";

export type PrimaryOptions = AssemblyOptions & ServeOptions;

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
  const assembly = assemble(options, ground);
  try {
    // A successor's would say that it is not ready, while its predecessor serves.
    if (!place.isSuccessor) await assembly.openControl();
    return await serve(assembly, options, endsEarly);
  } catch (error) {
    return explainBind(error, options.explain);
  } finally {
    assembly.control.close();
    listeners.close();
    await audit.stop();
    place.close();
    stopParts(assembly);
    endsEarly();
    unignoreStop();
  }
}

/** Whatever has a timer, a file or a process. */
function stopParts(assembly: Assembly): void {
  assembly.watch.stop();
  assembly.pace.stop();
  assembly.withdrawal.stop();
  assembly.guard.stop();
  assembly.service.stop();
  assembly.stopMemoryWatch();
  assembly.tickets.stop();
  assembly.certificates.stop();
  assembly.acme.stop();
  assembly.identity.stop();
  assembly.limits.stop();
  assembly.keys.stop();
  assembly.spans.close();
  assembly.bans.stop();
  assembly.mesh.stop();
  assembly.captures.stop();
  assembly.upstreams.stop();
}

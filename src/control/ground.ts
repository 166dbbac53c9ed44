import type { Config } from "../config/config.ts";
import { createPartStore } from "../config/parts.ts";
import type { Signed } from "../config/signature.ts";
import { systemClock } from "../std/clock.ts";
import { createEnvironmentTokens, type EnvironmentTokens } from "./admin-tokens.ts";
import { type AuditSupply, openAuditSupply } from "./audit-supply.ts";
import { type ConfigVersion, openConfigVersion } from "./config-version.ts";
import { endEarly } from "./early-signals.ts";
import { entryOf } from "./entry-files.ts";
import { configExitCode, temporaryExitCode } from "./exit-codes.ts";
import { createExposition, type Exposition } from "./exposition.ts";
import { auditWriterFlags, workerCountOf, workerEnvironment } from "./flags.ts";
import { installLastGasp, lastGaspLine, writeLastGasp } from "./last-gasp.ts";
import { lastGaspPath } from "./last-gasp-file.ts";
import { type ListenerSet, openListeners, wantedListeners } from "./listener-set.ts";
import type { LeveledLog } from "./log.ts";
import { type Obituaries, openObituaries } from "./obituaries.ts";
import { watchOom } from "./oom-watch.ts";
import { type Place, takePlace } from "./place.ts";
import type { LoadConfig, LoadResult } from "./reload.ts";
import { openRevocations, type Revocations } from "./revocations.ts";
import { BindError } from "./slots.ts";
import { StateError } from "./state-lock.ts";

/** What is there before anything runs. */
export interface Ground {
  readonly loaded: LoadResult & { readonly kind: "loaded" };
  readonly config: Config;
  readonly revocations: Revocations;
  readonly audit: AuditSupply;
  readonly listeners: ListenerSet;
  readonly tokens: EnvironmentTokens;
  readonly version: ConfigVersion | undefined;
  readonly place: Place;
  readonly exposition: Exposition;
  readonly obituaries: Obituaries;
  /** Takes the handlers off that end the process at a signal: from there on it has something to drain. */
  readonly endsEarly: () => void;
}

export interface GroundOptions {
  readonly load: LoadConfig;
  readonly log: LeveledLog;
  readonly version: string;
  readonly environment: NodeJS.ProcessEnv;
  /** For people: where a refused configuration is explained. */
  readonly explain: (problem: string) => void;
}

/**
 * The first part of a start: reads the configuration, takes the place, binds the sockets, begins the audit log. Resolves
 * with an exit code when one of them cannot be had; then it is explained, and nothing is held.
 */
export async function layGround(options: GroundOptions): Promise<Ground | number> {
  const { log, explain } = options;
  let obituaries: Obituaries | undefined;
  installLastGasp({ role: "primary", fileDescriptor: () => obituaries?.lastGaspFile });
  const loaded = await options.load();
  if (loaded.kind === "refused") {
    if (loaded.defect !== undefined) tellDefect(loaded.defect);
    explain(loaded.problem);
    return configExitCode;
  }
  const config = createPartStore().assemble(loaded.cut.manifest, loaded.cut.parts);
  log.setLevel(config.server.logLevel);
  for (const warning of loaded.warnings) log.warn({ "event.name": "zion.config.warning" }, warning);
  const tokens = createEnvironmentTokens(options.environment);
  const tokenProblem = tokens.read(config);
  if (tokenProblem !== undefined) {
    explain(tokenProblem);
    return configExitCode;
  }
  let place: Place;
  try {
    place = await takePlace(config.server.stateDir, options.environment);
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    explain(error.message);
    return error.temporary ? temporaryExitCode : configExitCode;
  }

  const endsEarly = endEarly(() => place.close());
  const giveUp = (problem: string): number => {
    endsEarly();
    place.close();
    explain(problem);
    return configExitCode;
  };
  const exposition = createExposition();
  obituaries = openObituaries({
    path: lastGaspPath(config, options.environment),
    oom: watchOom(),
    predecessorKilled: place.predecessorKilled,
    exposition,
    clock: systemClock,
    log,
  });
  const revocations = openRevocations(config.server.stateDir, systemClock);
  if ("problem" in revocations) return giveUp(revocations.problem);
  const version = checkVersion(loaded.signed, config.server.stateDir);
  if (version !== undefined && "problem" in version) return giveUp(version.problem);
  let listeners: ListenerSet;
  try {
    listeners = await openListeners(wantedListeners(config), workerCountOf(config.server), {
      inherited: place.sockets,
      portPatienceMs: place.portPatienceMs,
    });
  } catch (error) {
    endsEarly();
    place.close();
    return explainBind(error, explain);
  }
  const audit = openAuditSupply({
    config: config.audit,
    entry: entryOf("audit-process"),
    flags: auditWriterFlags,
    childEnvironment: workerEnvironment(options.environment),
    environment: options.environment,
    version: options.version,
    family: obituaries,
    log,
  });
  return {
    loaded,
    config,
    revocations,
    audit,
    listeners,
    tokens,
    version,
    place,
    exposition,
    obituaries,
    endsEarly,
  };
}

/** Where last words go is in the configuration that could not be read. */
function tellDefect(cause: unknown): void {
  writeLastGasp(lastGaspLine("config thread", "uncaughtException", cause, systemClock.wallMs()), undefined);
}

/** The record of signed configurations, with this one in it; undefined where no signature is asked for. */
function checkVersion(
  signed: Signed | undefined,
  stateDir: string | undefined,
): ConfigVersion | { readonly problem: string } | undefined {
  if (signed === undefined) return undefined;
  if (stateDir === undefined) return { problem: "--require-signature needs `state_dir` in [server]" };
  try {
    const version = openConfigVersion(stateDir);
    const problem = version.obstacle(signed);
    if (problem !== undefined) return { problem };
    version.advance(signed);
    return version;
  } catch (error) {
    return { problem: String(error) };
  }
}

/** The exit code of a start whose sockets cannot be bound. Throws again whatever else it is. */
export function explainBind(error: unknown, explain: (problem: string) => void): number {
  if (!(error instanceof BindError)) throw error;
  explain(error.message);
  // Waiting helps against a port in use, not against a missing capability.
  return error.code === "EACCES" ? configExitCode : temporaryExitCode;
}

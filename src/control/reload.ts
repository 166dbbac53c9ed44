import { createHash } from "node:crypto";
import type { Config } from "../config/config.ts";
import type { Clock } from "../std/clock.ts";
import type { Exposition } from "./exposition.ts";
import type { Log } from "./log.ts";
import { wafModeOf, wafModes } from "./overview.ts";
import { labelNames } from "./series-cap.ts";

/** What reading the configuration gives. The texts are for people: file, line, caret. */
export type LoadResult =
  | { readonly kind: "loaded"; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly kind: "refused"; readonly problem: string };

/** Reads and validates the configuration; nothing else happens. Never throws. */
export type LoadConfig = () => Promise<LoadResult>;

export type ReloadResult =
  | { readonly kind: "loaded"; readonly generation: number }
  /** The generation that stays. */
  | { readonly kind: "refused"; readonly generation: number; readonly problem: string };

export interface GenerationEntry {
  readonly generation: number;
  readonly sha256: string;
  readonly time: string;
  /** "start", "signal", "api" */
  readonly by: string;
  readonly result: "loaded" | "refused";
  readonly ms: number;
  readonly problem?: string;
}

export interface ReloadOptions {
  readonly load: LoadConfig;
  readonly initial: Config;
  /** Compiles in all workers; problems, none = all ready. Includes name resolution. */
  readonly prepare: (generation: number, config: Config) => Promise<readonly string[]>;
  readonly discard: (generation: number) => void;
  /** The switch: from here on it is the configuration of new workers, probes and look-ups too. */
  readonly commit: (generation: number, config: Config) => void;
  readonly exposition: Exposition;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Reloader {
  readonly generation: number;
  readonly config: Config;
  /** Newest first. */
  readonly history: () => readonly GenerationEntry[];
  /** One at a time; calls while one waits share it. */
  reload(by: string): Promise<ReloadResult>;
}

const historyLength = 50;

/**
 * Reload in two phases (reliability.md C37): parse, let every worker compile it, and only when all are ready switch all.
 * Any problem anywhere leaves everything as it was.
 */
export function createReloader(options: ReloadOptions): Reloader {
  const { load, prepare, discard, commit, exposition, clock, log } = options;
  let generation = 1;
  let candidates = 1;
  let config = options.initial;
  const history: GenerationEntry[] = [];
  let last: Promise<unknown> = Promise.resolve();
  let waiting: Promise<ReloadResult> | undefined;

  const remember = (entry: GenerationEntry) => {
    history.unshift(entry);
    history.length = Math.min(history.length, historyLength);
  };

  const refuse = (problem: string): ReloadResult => ({ kind: "refused", generation, problem });

  /** The result, and what was read if it could be read. */
  const attempt = async (): Promise<readonly [ReloadResult, Config | undefined]> => {
    const loaded = await load();
    if (loaded.kind === "refused") return [refuse(loaded.problem), undefined];
    for (const warning of loaded.warnings) log.warn({ "event.name": "zion.config.warning" }, warning);
    const next = loaded.config;
    const fixed = needsRestart(config, next);
    if (fixed.length > 0) return [refuse(`needs a restart to change: ${fixed.join(", ")}`), next];

    // A discarded number is not used again, so a late answer of a worker cannot be taken for another candidate's.
    const candidate = ++candidates;
    const problems = await prepare(candidate, next);
    if (problems.length > 0) {
      discard(candidate);
      return [refuse([...new Set(problems)].join("; ")), next];
    }
    generation = candidate;
    config = next;
    commit(generation, config);
    return [{ kind: "loaded", generation }, next];
  };

  const run = async (by: string): Promise<ReloadResult> => {
    waiting = undefined;
    const startMs = clock.nowMs();
    const [result, read] = await attempt();
    const ms = Math.round(clock.nowMs() - startMs);
    const time = new Date(clock.wallMs()).toISOString();
    const sha256 = read === undefined ? "" : configHash(read);
    const entry = { generation, sha256, time, by, result: result.kind, ms };
    exposition.add("reloads", [result.kind === "loaded" ? "success" : "failure"]);
    exposition.set("lastReloadGood", result.kind === "loaded" ? 1 : 0);
    const about = { "event.name": "zion.config.reload", generation, by, ms };
    if (result.kind === "loaded") {
      remember(entry);
      noteSuccess();
      log.info({ ...about, sha256 }, "configuration reloaded");
    } else {
      const { problem } = result;
      remember({ ...entry, problem });
      log.error({ ...about, problem }, "configuration refused, the old one stays");
    }
    return result;
  };

  const noteSuccess = () => {
    exposition.set("generation", generation);
    exposition.retain(labelNames(config));
    exposition.set("lastReload", Math.round(clock.wallMs()) / 1000);
    for (const mode of wafModes)
      exposition.set("routes", config.routes.filter((route) => wafModeOf(route) === mode).length, [mode]);
  };

  noteSuccess();
  exposition.set("lastReloadGood", 1);
  const time = new Date(clock.wallMs()).toISOString();
  remember({ generation, sha256: configHash(config), time, by: "start", result: "loaded", ms: 0 });

  return {
    get generation() {
      return generation;
    },
    get config() {
      return config;
    },
    history: () => history,
    reload(by) {
      if (waiting === undefined) {
        waiting = last.then(() => run(by));
        last = waiting.catch(() => {});
      }
      return waiting;
    },
  };
}

/** Of the whole effective configuration, so that machines can be compared; it does not reveal what is in it. */
export function configHash(config: Config): string {
  return createHash("sha256").update(JSON.stringify(config)).digest("hex");
}

/** Keys whose new value would be accepted and not obeyed: refused instead. */
function needsRestart(now: Config, next: Config): readonly string[] {
  const keys: readonly (readonly [string, (config: Config) => unknown])[] = [
    ["server.listen_http", ({ server }) => server.listenHttp],
    ["server.listen_https", ({ server }) => server.listenHttps],
    ["server.workers", ({ server }) => server.workers],
    ["server.state_dir", ({ server }) => server.stateDir],
    // Workers may write the file that they were started with and no other.
    ["access_log.path", ({ accessLog }) => (accessLog.enabled ? accessLog.path : "-")],
    ["telemetry.listen", ({ telemetry }) => telemetry.listen],
    ["admin", ({ admin }) => admin],
  ];
  return keys
    .filter(([, read]) => JSON.stringify(read(now)) !== JSON.stringify(read(next)))
    .map(([key]) => key);
}

import { type Change, changesBetween, printChanges } from "../config/changes.ts";
import type { Config } from "../config/config.ts";
import type { OpenedFile } from "../config/files.ts";
import { restartKeys } from "../config/impact.ts";
import { type CutConfig, createPartStore, manifestHash } from "../config/parts.ts";
import type { Signed } from "../config/signature.ts";
import type { Clock } from "../std/clock.ts";
import type { ConfigVersion } from "./config-version.ts";
import type { Exposition } from "./exposition.ts";
import { createGenerations, type GenerationEntry } from "./generations.ts";
import type { Log } from "./log.ts";
import { labelNames } from "./series-cap.ts";
import { wafModeOf, wafModes } from "./waf-mode.ts";

/** What reading the configuration gives. The texts are for people: file, line, caret. */
export type LoadResult = { readonly files: readonly OpenedFile[] } & (
  | {
      readonly kind: "loaded";
      readonly cut: CutConfig;
      readonly warnings: readonly string[];
      /** Undefined: no signature was asked for. */
      readonly signed?: Signed | undefined;
    }
  | {
      readonly kind: "refused";
      readonly reason: "invalid" | "signature";
      readonly problem: string;
      /** One line without any value of the file, for who may not see it: "zion.toml:3:1: Z1042". */
      readonly brief: string;
      /** What the reader threw, a bug of ours; undefined = it did its work. */
      readonly defect?: unknown;
    }
);

/**
 * Reads and validates the configuration: the file, or the text that somebody sent instead. Nothing else happens. Never
 * throws.
 */
export type LoadConfig = (sent?: string) => Promise<LoadResult>;

/** Why a configuration is not in force; label values of `zion_config_rejected_total`. */
export type RefusedFor =
  | "signature"
  | "config_rollback"
  | "invalid"
  | "restart"
  | "listen"
  | "workers"
  | "audit"
  | "unknown_generation"
  | "stopping";

export interface Refusal {
  readonly reason: RefusedFor;
  readonly problem: string;
}

/** What is remembered of one. */
export interface RefusedConfig extends Refusal {
  readonly by: string;
  /** Of its manifest; "" = it could not be read so far. */
  readonly sha256: string;
}

export type ReloadResult =
  | { readonly kind: "loaded"; readonly generation: number }
  /** A file was touched and says what it said. */
  | { readonly kind: "unchanged"; readonly generation: number }
  /** The generation that stays. */
  | ({ readonly kind: "refused"; readonly generation: number } & Refusal);

/** What a configuration would be. */
export type Trial =
  | { readonly kind: "good"; readonly changes: readonly Change[]; readonly warnings: readonly string[] }
  | ({ readonly kind: "refused" } & Refusal);

/** A configuration that could become the next generation. */
export interface Candidate {
  readonly generation: number;
  readonly config: Config;
  readonly cut: CutConfig;
}

export interface ReloadOptions {
  readonly load: LoadConfig;
  readonly initial: LoadResult & { readonly kind: "loaded" };
  /** First phase: whatever can fail. Undefined = all is ready. */
  readonly prepare: (candidate: Candidate) => Promise<Refusal | undefined>;
  readonly discard: (candidate: Candidate) => void;
  /** The switch. `reloader` has the candidate already; resolves when every worker serves it. */
  readonly commit: (candidate: Candidate) => Promise<void>;
  /** With the places of problems, not the text of the file. The old configuration stays. */
  readonly onRefused: (refused: RefusedConfig) => void;
  /** After each attempt, whatever came of it. */
  readonly onEntry: (entry: GenerationEntry) => void;
  /** After each reading: what to watch, the files of the configuration in force among them. */
  readonly onFiles: (paths: readonly string[]) => void;
  /** Of signed configurations. */
  readonly version: ConfigVersion | undefined;
  readonly exposition: Exposition;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Reloader {
  readonly generation: number;
  readonly config: Config;
  readonly cut: CutConfig;
  /** Why the last attempt failed, in brief; undefined = it did not. */
  readonly refused: string | undefined;
  /** Newest first. */
  readonly history: () => readonly GenerationEntry[];
  /** One that was in force; undefined = it never was, or is forgotten. */
  readonly find: (generation: number) => CutConfig | undefined;
  /** One at a time; calls while one waits share it. */
  reload(by: ReloadedBy): Promise<ReloadResult>;
  /** Puts an earlier generation in force again, under a new number. The file stays as it is. */
  rollBack(generation: number): Promise<ReloadResult>;
  /** Puts a text in force as if the file said it. The file stays as it is, and counts again when it changes. */
  push(toml: string, by: string): Promise<ReloadResult>;
  /** What `push` would do, as far as no worker has to be asked. */
  tryOut(toml: string): Promise<Trial>;
  /** The gateway stops: nothing is put in force any more. Resolves when a switch under way is over. */
  close(): Promise<void>;
  readonly isClosed: boolean;
}

export type ReloadedBy = "file" | "signal" | "api";

/**
 * Reload in two phases (reliability.md C37): parse, let every worker compile it, and only when all are ready switch all.
 * Any problem anywhere leaves everything as it was.
 */
export function createReloader(options: ReloadOptions): Reloader {
  const { load, initial, prepare, discard, commit, onFiles, exposition, clock, log } = options;
  const store = createPartStore();
  const generations = createGenerations();
  let current: Candidate = {
    generation: 1,
    config: store.assemble(initial.cut.manifest, initial.cut.parts),
    cut: initial.cut,
  };
  let candidates = 1;
  let refused: string | undefined;
  let filesRead = contentOf(initial.files);
  let filesInForce = initial.files;
  let last: Promise<unknown> = Promise.resolve();
  let waiting: { by: ReloadedBy; readonly result: Promise<ReloadResult> } | undefined;
  let switching: Promise<void> = Promise.resolve();
  let isClosed = false;

  /** Both phases. A discarded number is not used again: a late answer is not taken for another candidate's. */
  const publish = async (cut: CutConfig, signed: Signed | undefined): Promise<Refusal | undefined> => {
    if (isClosed) return STOPPING;
    const config = store.assemble(cut.manifest, cut.parts);
    const candidate = { generation: ++candidates, config, cut };
    const fixed = restartKeys(changesBetween(current.cut.manifest, cut.manifest));
    const obstacle: Refusal | undefined =
      fixed.length > 0
        ? { reason: "restart", problem: `needs a restart to change: ${fixed.join(", ")}` }
        : await prepare(candidate);
    // What a switch starts now nobody would end: the process would stay when all its workers have gone.
    const refusal = obstacle ?? (isClosed ? STOPPING : recordVersion(signed));
    if (refusal === undefined) {
      current = candidate;
      switching = commit(candidate);
      await switching;
    } else if (fixed.length === 0) discard(candidate);
    store.keepOnly([current.cut.manifest]);
    return refusal;
  };

  /** Before it is in force: what a full disk lets nobody know could be taken back after a restart. */
  const recordVersion = (signed: Signed | undefined): Refusal | undefined => {
    try {
      if (signed !== undefined) options.version?.advance(signed);
      return undefined;
    } catch (cause) {
      const problem = `its version cannot be recorded: ${(cause as Error).message}`;
      return { reason: "config_rollback", problem };
    }
  };

  const reloadNow = async (by: ReloadedBy): Promise<ReloadResult> => {
    waiting = undefined;
    const startMs = clock.nowMs();
    const loaded = await load();
    onFiles([...filesInForce, ...loaded.files].map(({ path }) => path));
    const content = contentOf(loaded.files);
    if (by === "file" && content === filesRead) return { kind: "unchanged", generation: current.generation };
    filesRead = content;
    if (loaded.kind === "refused") return conclude(by, startMs, undefined, loaded);
    for (const warning of loaded.warnings) log.warn({ "event.name": "zion.config.warning" }, warning);
    const result = await attempt(by, startMs, loaded.cut, loaded.signed);
    if (result.kind === "loaded") filesInForce = loaded.files;
    return result;
  };

  const attempt = async (
    by: string,
    startMs: number,
    cut: CutConfig,
    signed?: Signed,
  ): Promise<ReloadResult> => {
    const before = current.cut.manifest;
    const obstacle = signed === undefined ? undefined : options.version?.obstacle(signed);
    const refusal: Refusal | undefined =
      obstacle === undefined ? await publish(cut, signed) : { reason: "config_rollback", problem: obstacle };
    return conclude(by, startMs, cut, refusal, printChanges(changesBetween(before, cut.manifest)));
  };

  const conclude = (
    by: string,
    startMs: number,
    cut: CutConfig | undefined,
    refusal: (Refusal & { readonly brief?: string }) | undefined,
    changes = "",
  ): ReloadResult => {
    const { generation } = current;
    const ms = Math.round(clock.nowMs() - startMs);
    const entry = {
      generation,
      sha256: cut === undefined ? "" : manifestHash(cut.manifest),
      time: new Date(clock.wallMs()).toISOString(),
      by,
      ms,
      ...(changes === "" ? {} : { changes }),
    };
    exposition.add("reloads", [refusal === undefined ? "success" : "failure"]);
    exposition.set("lastReloadGood", refusal === undefined ? 1 : 0);
    const about = { "event.name": "zion.config.reload", generation, by, ms };
    if (refusal === undefined) {
      refused = undefined;
      remember({ ...entry, result: "loaded" }, cut);
      noteSuccess();
      log.info({ ...about, sha256: entry.sha256, changes }, "configuration reloaded");
      return { kind: "loaded", generation };
    }
    const { reason, problem, brief } = refusal;
    refused = brief ?? reason;
    exposition.add("configRejected", [reason]);
    remember({ ...entry, result: "refused", problem }, undefined);
    log.error({ ...about, reason, problem }, "configuration refused, the old one stays");
    options.onRefused({ by, reason, problem: brief ?? problem, sha256: entry.sha256 });
    return { kind: "refused", generation, reason, problem };
  };

  const remember = (entry: GenerationEntry, cut: CutConfig | undefined) => {
    generations.remember(entry, cut);
    options.onEntry(entry);
  };

  const noteSuccess = () => {
    exposition.set("generation", current.generation);
    exposition.state("configInfo", [manifestHash(current.cut.manifest)]);
    exposition.retain(labelNames(current.config));
    exposition.set("lastReload", Math.round(clock.wallMs()) / 1000);
    const { routes } = current.config;
    for (const mode of wafModes)
      exposition.set("routes", routes.filter((route) => wafModeOf(route) === mode).length, [mode]);
  };

  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const result = last.then(run);
    last = result.catch(() => {});
    return result;
  };

  noteSuccess();
  exposition.set("lastReloadGood", 1);
  const time = new Date(clock.wallMs()).toISOString();
  const sha256 = manifestHash(current.cut.manifest);
  generations.remember({ generation: 1, sha256, time, by: "start", result: "loaded", ms: 0 }, current.cut);
  onFiles(initial.files.map(({ path }) => path));

  return {
    get generation() {
      return current.generation;
    },
    get config() {
      return current.config;
    },
    get cut() {
      return current.cut;
    },
    get refused() {
      return refused;
    },
    history: generations.entries,
    find: generations.find,
    reload(by) {
      if (waiting === undefined) waiting = { by, result: inTurn(() => reloadNow(waiting!.by)) };
      // What somebody asked for is done, and does not end as a look at files that say what they said.
      else if (by !== "file") waiting.by = by;
      return waiting.result;
    },
    push: (toml, by) =>
      inTurn(async () => {
        const startMs = clock.nowMs();
        const loaded = await load(toml);
        onFiles([...filesInForce, ...loaded.files].map(({ path }) => path));
        if (loaded.kind === "refused") return conclude(by, startMs, undefined, loaded);
        for (const warning of loaded.warnings) log.warn({ "event.name": "zion.config.warning" }, warning);
        return attempt(by, startMs, loaded.cut);
      }),
    tryOut: (toml) =>
      inTurn(async () => {
        const loaded = await load(toml);
        if (loaded.kind === "refused") return loaded;
        const changes = changesBetween(current.cut.manifest, loaded.cut.manifest);
        return { kind: "good", changes, warnings: loaded.warnings };
      }),
    close: () => {
      isClosed = true;
      return switching.catch(() => {});
    },
    get isClosed() {
      return isClosed;
    },
    rollBack: (generation) =>
      inTurn(async () => {
        const by = `rollback to ${generation}`;
        const cut = generations.find(generation);
        if (cut !== undefined) return attempt(by, clock.nowMs(), cut);
        const problem = `generation ${generation} is not among those that can be gone back to`;
        return {
          kind: "refused",
          generation: current.generation,
          reason: "unknown_generation",
          problem,
        };
      }),
  };
}

const STOPPING: Refusal = { reason: "stopping", problem: "the gateway is stopping" };

/** Equal texts = every file has the same content. */
function contentOf(files: readonly OpenedFile[]): string {
  return JSON.stringify(files.map(({ path, content }) => [path, content]));
}

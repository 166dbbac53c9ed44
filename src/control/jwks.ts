import type { Config, KeySourceConfig } from "../config/config.ts";
import type { KeysOrProblem } from "../identity/jwk.ts";
import type { KeyMaterial } from "../identity/token-verifier.ts";
import type { Clock } from "../std/clock.ts";
import type { Log } from "./log.ts";

/** Issuers announce keys long before they use them. */
const refreshMs = 3_600_000;
/** Keys serve on for this long after a refresh failed (reliability.md C46). */
const staleMs = 3_600_000;
/** From one fetch to the next, however many tokens with unknown keys come: for all workers together. */
const cooldownMs = 30_000;
/** Tries after a failure, doubling (zion-reference.md §2.11). */
const retryFirstMs = 5000;
const retryMaxMs = 300_000;
/** Start and reload wait this long for the first keys of a source. */
const firstKeysMs = 3000;

export interface KeyKeeperOptions {
  readonly fetch: (source: KeySourceConfig) => Promise<KeysOrProblem>;
  readonly onChange: (source: string, keys: readonly KeyMaterial[]) => void;
  readonly onFetch: (result: "success" | "failure") => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface KeyKeeper {
  /** Fetches sources that are new, waits a little for them, and forgets those that are not listed. Never rejects. */
  watch(sources: readonly KeySourceConfig[]): Promise<void>;
  /** Somebody has a token with a key that is not known. */
  want(source: string): void;
  /** Keys by `KeySourceConfig.id`; none yet = an empty list. */
  readonly keys: ReadonlyMap<string, readonly KeyMaterial[]>;
  stop(): void;
}

interface Kept {
  readonly source: KeySourceConfig;
  /** When the last fetch began, monotonic ms. */
  startedMs: number;
  /** When the keys were last confirmed; -Infinity = never. */
  goodMs: number;
  failures: number;
  running: Promise<void> | undefined;
  timer: NodeJS.Timeout | undefined;
  timerAtMs: number;
}

/**
 * Keeps the key sets of all issuers, once per machine. The last good keys are kept while an issuer does not answer, for
 * an hour longer than they would have been.
 */
export function createKeyKeeper(options: KeyKeeperOptions): KeyKeeper {
  const { fetch, onChange, onFetch, clock, log } = options;
  const kept = new Map<string, Kept>();
  const keys = new Map<string, readonly KeyMaterial[]>();

  const publish = ({ source }: Kept, next: readonly KeyMaterial[]) => {
    if (JSON.stringify(keys.get(source.id)) === JSON.stringify(next)) return;
    keys.set(source.id, next);
    onChange(source.id, next);
  };

  const refresh = async (entry: Kept): Promise<void> => {
    entry.startedMs = clock.nowMs();
    const result = await fetch(entry.source);
    if (kept.get(entry.source.id) !== entry) return;
    const about = { source: new URL(entry.source.url).host };
    if (typeof result === "string") {
      onFetch("failure");
      entry.failures++;
      const isStale = clock.nowMs() - entry.goodMs > refreshMs + staleMs;
      if (isStale) publish(entry, []);
      const held = keys.get(entry.source.id)!.length;
      log.warn(
        { "event.name": "zion.jwks.failed", ...about, problem: result, keys_kept: held },
        "jwks_fetch_failed",
      );
      schedule(entry, clock.nowMs() + Math.min(retryMaxMs, retryFirstMs * 2 ** (entry.failures - 1)));
      return;
    }
    onFetch("success");
    if (entry.failures > 0) log.info({ "event.name": "zion.jwks.good", ...about }, "key set is back");
    entry.failures = 0;
    entry.goodMs = clock.nowMs();
    publish(entry, result);
    schedule(entry, clock.nowMs() + refreshMs);
  };

  const schedule = (entry: Kept, atMs: number) => {
    clearTimeout(entry.timer);
    entry.timerAtMs = atMs;
    entry.timer = setTimeout(() => void start(entry), Math.max(0, atMs - clock.nowMs()));
    entry.timer.unref();
  };

  const start = (entry: Kept): Promise<void> => {
    entry.running ??= refresh(entry).finally(() => {
      entry.running = undefined;
    });
    return entry.running;
  };

  const forget = (entry: Kept) => {
    clearTimeout(entry.timer);
    kept.delete(entry.source.id);
    keys.delete(entry.source.id);
  };

  return {
    keys,
    async watch(sources) {
      const wanted = new Map(sources.map((source) => [source.id, source]));
      for (const entry of [...kept.values()]) if (!wanted.has(entry.source.id)) forget(entry);
      const started: Promise<void>[] = [];
      for (const source of wanted.values()) {
        if (kept.has(source.id)) continue;
        const entry = newEntry(source);
        kept.set(source.id, entry);
        keys.set(source.id, []);
        started.push(start(entry));
      }
      if (started.length > 0) await withDeadline(Promise.all(started), firstKeysMs);
    },
    want(id) {
      const entry = kept.get(id);
      // The fetch under way may bring it.
      if (entry === undefined || entry.running !== undefined) return;
      const atMs = Math.max(clock.nowMs(), entry.startedMs + cooldownMs);
      if (atMs < entry.timerAtMs) schedule(entry, atMs);
    },
    stop() {
      for (const entry of [...kept.values()]) forget(entry);
    },
  };
}

/** The key sets that a configuration names, each once. */
export function keySources({ authProfiles }: Config): readonly KeySourceConfig[] {
  return authProfiles.flatMap((profile) =>
    profile.kind === "jwt" && profile.keySource !== undefined ? [profile.keySource] : [],
  );
}

function newEntry(source: KeySourceConfig): Kept {
  return {
    source,
    startedMs: -Infinity,
    goodMs: -Infinity,
    failures: 0,
    running: undefined,
    timer: undefined,
    timerAtMs: Infinity,
  };
}

async function withDeadline(work: Promise<unknown>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, deadlineMs);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

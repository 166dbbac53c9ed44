import { lookup as systemLookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Config } from "../config/config.ts";
import type { Clock } from "../std/clock.ts";
import type { Exposition } from "./exposition.ts";
import type { Log } from "./log.ts";

/** More addresses of one name than this are not kept: what a name server answers must not grow our tables. */
export const maxAddresses = 64;
/** After a failure the next try comes sooner than a normal refresh. */
const retryMs = 5000;

export interface ResolverOptions {
  readonly onChange: (host: string, addresses: readonly string[]) => void;
  readonly lookup?: Lookup;
  readonly exposition: Pick<Exposition, "add">;
  readonly clock: Clock;
  readonly log: Log;
}

export type Lookup = (host: string) => Promise<readonly { readonly address: string }[]>;

export interface ResolverSettings {
  readonly refreshMs: number;
  /** A lookup that takes longer counts as failed, but its answer is welcome when it comes. */
  readonly timeoutMs: number;
  /** How long addresses serve on after the name stopped resolving. */
  readonly staleMs: number;
}

export interface Resolver {
  /** Resolves names that are new, within the time-out, and forgets those that are not listed. Never rejects. */
  watch(hosts: Iterable<string>, settings: ResolverSettings): Promise<void>;
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** Names that do not resolve now; their last good addresses are used as long as `staleMs` allows. */
  readonly failing: ReadonlySet<string>;
  stop(): void;
}

interface Watched {
  readonly host: string;
  addresses: readonly string[];
  /** When the name last resolved; -Infinity = never. */
  goodMs: number;
  failing: boolean;
  /** The lookup in progress: there is never a second one, however slow the name server is. */
  running: Promise<void> | undefined;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Looks up the upstream host names for all workers. The last good answer is kept while a name does not resolve, so an
 * outage of DNS is not one of ours (reliability.md §2.7, zion-reference.md §2.7).
 */
export function createResolver(options: ResolverOptions): Resolver {
  const { onChange, lookup = lookupAll, exposition, clock, log } = options;
  const watched = new Map<string, Watched>();
  const addresses = new Map<string, readonly string[]>();
  let settings: ResolverSettings = { refreshMs: 30_000, timeoutMs: 2000, staleMs: 300_000 };

  const publish = (entry: Watched, next: readonly string[]) => {
    if (!watched.has(entry.host)) return;
    const changed =
      next.length !== entry.addresses.length || next.some((address, i) => address !== entry.addresses[i]);
    if (!changed) return;
    entry.addresses = next;
    addresses.set(entry.host, next);
    onChange(entry.host, next);
  };

  const refresh = async (entry: Watched): Promise<void> => {
    let failed = true;
    const late = setInterval(() => notResolved(entry), settings.timeoutMs);
    try {
      const found = await lookup(entry.host);
      const next = distinct(found);
      if (next.length > 0) {
        failed = false;
        entry.failing = false;
        entry.goodMs = clock.nowMs();
        publish(entry, next);
      }
    } catch {
      // Counted as failed, below.
    } finally {
      clearInterval(late);
    }
    if (failed) {
      exposition.add("dnsFailures", []);
      notResolved(entry);
      if (entry.addresses.length > 0) exposition.add("dnsStale", []);
    }
    if (watched.get(entry.host) !== entry) return;
    const nextMs = failed ? Math.min(retryMs, settings.refreshMs) : settings.refreshMs;
    entry.timer = setTimeout(() => void start(entry), nextMs);
    entry.timer.unref();
  };

  const notResolved = (entry: Watched) => {
    if (!watched.has(entry.host)) return;
    if (!entry.failing) {
      entry.failing = true;
      const about = {
        "event.name": "zion.dns.failed",
        host: entry.host,
        addresses_kept: entry.addresses.length,
      };
      log.warn(about, "upstream name does not resolve");
    }
    if (clock.nowMs() - entry.goodMs > settings.staleMs) publish(entry, []);
  };

  const start = (entry: Watched): Promise<void> => {
    entry.running ??= refresh(entry).finally(() => {
      entry.running = undefined;
    });
    return entry.running;
  };

  const forget = (entry: Watched) => {
    clearTimeout(entry.timer);
    watched.delete(entry.host);
    addresses.delete(entry.host);
  };

  return {
    addresses,
    get failing() {
      return new Set([...watched.values()].filter(({ failing }) => failing).map(({ host }) => host));
    },
    async watch(hosts, next) {
      settings = next;
      const wanted = new Set(hosts);
      for (const entry of [...watched.values()]) if (!wanted.has(entry.host)) forget(entry);
      const started: Promise<void>[] = [];
      for (const host of wanted) {
        if (watched.has(host)) continue;
        const entry = newEntry(host);
        watched.set(host, entry);
        addresses.set(host, []);
        started.push(start(entry));
      }
      if (started.length > 0) await withDeadline(Promise.all(started), settings.timeoutMs);
    },
    stop() {
      for (const entry of [...watched.values()]) forget(entry);
    },
  };
}

function newEntry(host: string): Watched {
  return {
    host,
    addresses: [],
    goodMs: Number.NEGATIVE_INFINITY,
    failing: false,
    running: undefined,
    timer: undefined,
  };
}

/** The names in a config that need a lookup: literals and sockets do not. */
export function upstreamHosts(config: Config): ReadonlySet<string> {
  const hosts = new Set<string>();
  for (const { endpoints } of config.upstreams) {
    for (const { host, socketPath } of endpoints) {
      if (socketPath === "" && host !== "" && isIP(unbracket(host)) === 0) hosts.add(host);
    }
  }
  return hosts;
}

export function resolverSettings({ server }: Config): ResolverSettings {
  return {
    refreshMs: Math.max(1, server.dnsRefreshSecs) * 1000,
    timeoutMs: server.dnsTimeoutMs,
    staleMs: server.dnsStaleSecs * 1000,
  };
}

export function unbracket(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

/** Sorted, so that name servers that rotate their answers cause no change. IPv4 first, as most upstreams listen there. */
function distinct(found: readonly { readonly address: string }[]): readonly string[] {
  const all = [...new Set(found.map(({ address }) => address))].slice(0, maxAddresses);
  return all.sort((a, b) => isIP(a) - isIP(b) || (a < b ? -1 : 1));
}

/** The system's resolver: /etc/hosts, search domains and nsswitch apply as operators expect. */
/** All addresses of a name, as the system finds them. */
export async function lookupAll(host: string): Promise<readonly { readonly address: string }[]> {
  try {
    return await systemLookup(host, { all: true });
  } catch (cause) {
    // Minimal images have no /etc/hosts (RFC 6761 §6.3).
    if (host === "localhost") return [{ address: "127.0.0.1" }];
    throw cause;
  }
}

async function withDeadline(work: Promise<unknown>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, deadlineMs);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

import type { EndpointConfig, UpstreamConfig } from "../config/config.ts";
import type { Clock } from "../std/clock.ts";
import type { Exposition } from "./exposition.ts";
import type { Log } from "./log.ts";
import type { Probe } from "./probe.ts";
import { probeEndpoint } from "./probe-http2.ts";

/** While an endpoint is down: decorrelated jitter, so that many gateways do not knock together (zion-reference §2.7). */
const downBaseMs = 100;
const downCapMs = 3000;
const downFactor = 3;
/** First probes are spread over this time. */
const spreadMs = 500;

export interface ProberOptions {
  readonly onChange: (upstream: string, url: string, healthy: boolean) => void;
  /** The resolver's answer; undefined for literals and sockets. */
  readonly addressesOf: (host: string) => readonly string[] | undefined;
  readonly probe?: Probe;
  /** 0 ≤ x < 1 */
  readonly random?: () => number;
  readonly exposition: Pick<Exposition, "add" | "set">;
  readonly clock: Pick<Clock, "wallMs">;
  readonly log: Log;
}

export interface EndpointHealth {
  readonly upstream: string;
  readonly url: string;
  readonly healthy: boolean;
  /** What the last probe met; "" = an answer that is good. */
  readonly cause: string;
  /** Wall clock: since when it is healthy, or not; and when it was last probed. */
  readonly sinceMs: number;
  readonly probedMs: number;
}

export interface Prober {
  /** Probes the endpoints of these upstreams from now on. Those whose probing is unchanged keep their state. */
  watch(upstreams: readonly UpstreamConfig[]): void;
  /** Everything known; an endpoint that was never probed is healthy and not listed. */
  results(): readonly EndpointHealth[];
  stop(): void;
}

interface Probed {
  readonly upstream: UpstreamConfig;
  readonly endpoint: EndpointConfig;
  /** What makes this the same probing after a reload. */
  readonly identity: string;
  healthy: boolean;
  known: boolean;
  cause: string;
  sinceMs: number;
  probedMs: number;
  /** Results in a row that speak against `healthy`. */
  against: number;
  delayMs: number;
  timer: NodeJS.Timeout | undefined;
  stopped: boolean;
  /** A probe under way would hold the process for its whole time-out. */
  readonly abort: AbortController;
}

/** Active health checks of all upstream endpoints, once per machine and not per worker. */
export function createProber(options: ProberOptions): Prober {
  const {
    onChange,
    addressesOf,
    probe = probeEndpoint,
    random = Math.random,
    exposition,
    clock,
    log,
  } = options;
  let probed = new Map<string, Probed>();

  const run = async (entry: Probed): Promise<void> => {
    const { upstream, endpoint } = entry;
    const addresses = endpoint.socketPath === "" ? addressesOf(endpoint.host) : undefined;
    const result = await probe(upstream, endpoint, addresses, entry.abort.signal);
    if (entry.stopped) return;
    const cause = result.healthy ? "" : result.cause;
    note(entry, result.healthy, cause);
    entry.delayMs = nextDelayMs(entry);
    schedule(entry, entry.delayMs);
  };

  const note = (entry: Probed, healthy: boolean, cause: string) => {
    const { healthyThreshold, unhealthyThreshold } = entry.upstream.health;
    exposition.add("probes", [healthy ? "good" : "bad"]);
    exposition.set("lastProbe", clock.wallMs() / 1000);
    entry.probedMs = clock.wallMs();
    entry.cause = cause;
    entry.known = true;
    entry.against = healthy === entry.healthy ? 0 : entry.against + 1;
    if (entry.against < (healthy ? healthyThreshold : unhealthyThreshold) || healthy === entry.healthy)
      return;
    entry.healthy = healthy;
    entry.sinceMs = entry.probedMs;
    entry.against = 0;
    const about = { upstream: entry.upstream.name, endpoint: entry.endpoint.url };
    if (healthy) log.info({ "event.name": "zion.health.up", ...about }, "endpoint is healthy");
    else log.warn({ "event.name": "zion.health.down", ...about, cause }, "endpoint is unhealthy");
    onChange(entry.upstream.name, entry.endpoint.url, healthy);
  };

  const nextDelayMs = ({ healthy, delayMs, upstream }: Probed): number => {
    const { intervalMs } = upstream.health;
    if (healthy) return intervalMs;
    const previousMs = Math.max(downBaseMs, Math.min(delayMs, downCapMs));
    const jitteredMs = downBaseMs + random() * (previousMs * downFactor - downBaseMs);
    return Math.min(downCapMs, intervalMs, jitteredMs);
  };

  const schedule = (entry: Probed, delayMs: number) => {
    entry.timer = setTimeout(() => void run(entry), delayMs);
    entry.timer.unref();
  };

  const end = (entry: Probed) => {
    entry.stopped = true;
    entry.abort.abort();
    clearTimeout(entry.timer);
  };

  return {
    watch(upstreams) {
      const next = new Map<string, Probed>();
      for (const upstream of upstreams) {
        if (upstream.health.intervalMs === 0) continue;
        for (const endpoint of upstream.endpoints) {
          const key = `${upstream.name} ${endpoint.url}`;
          const identity = identityOf(upstream, endpoint);
          const kept = probed.get(key);
          if (kept?.identity === identity) {
            next.set(key, kept);
            continue;
          }
          const entry: Probed = {
            upstream,
            endpoint,
            identity,
            healthy: true,
            known: false,
            cause: "",
            sinceMs: clock.wallMs(),
            probedMs: 0,
            against: 0,
            delayMs: downBaseMs,
            timer: undefined,
            stopped: false,
            abort: new AbortController(),
          };
          next.set(key, entry);
          schedule(entry, random() * Math.min(spreadMs, upstream.health.intervalMs));
        }
      }
      for (const [key, entry] of probed) {
        if (next.get(key) === entry) continue;
        end(entry);
        // No longer probed, or probed differently: what was found out before says nothing now.
        if (!entry.healthy) onChange(entry.upstream.name, entry.endpoint.url, true);
      }
      probed = next;
    },
    results: () =>
      [...probed.values()]
        .filter(({ known }) => known)
        .map(({ upstream, endpoint, healthy, cause, sinceMs, probedMs }) => ({
          upstream: upstream.name,
          url: endpoint.url,
          healthy,
          cause,
          sinceMs,
          probedMs,
        })),
    stop() {
      for (const entry of probed.values()) end(entry);
      probed.clear();
    },
  };
}

function identityOf(upstream: UpstreamConfig, endpoint: EndpointConfig): string {
  const { health, caPem, clientCertPem, clientKeyPem, serverName } = upstream;
  return JSON.stringify([endpoint, health, caPem, clientCertPem, clientKeyPem, serverName]);
}

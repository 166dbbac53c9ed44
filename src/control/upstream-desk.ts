import type { Config } from "../config/config.ts";
import type { Clock } from "../std/clock.ts";
import type { Exposition } from "./exposition.ts";
import type { Log } from "./log.ts";
import type { ToWorker } from "./messages.ts";
import { createProber, type Prober } from "./prober.ts";
import { createResolver, type Resolver, resolverSettings, upstreamHosts } from "./resolver.ts";

/** What the primary knows of upstreams for all workers: addresses of their names, health of their endpoints. */
export interface UpstreamDesk {
  readonly resolver: Resolver;
  readonly prober: Prober;
  /**
   * Looks up the names of these configurations from now on, as the last one says; waits a little for the first answers.
   * Never rejects.
   */
  lookUp(...configs: readonly [...Config[], Config]): Promise<void>;
  /** A configuration came into force: its endpoints are probed. */
  adopt(config: Config): void;
  /** What a worker must know that begins, or was between two snapshots. */
  news(): readonly ToWorker[];
  stop(): void;
}

export interface UpstreamDeskOptions {
  readonly broadcast: (message: ToWorker) => void;
  readonly onProbed: (url: string, healthy: boolean) => void;
  readonly exposition: Exposition;
  readonly clock: Clock;
  readonly log: Log;
}

export function openUpstreamDesk(options: UpstreamDeskOptions): UpstreamDesk {
  const { broadcast, onProbed, exposition, clock, log } = options;
  const resolver = createResolver({
    onChange: (host, addresses) => broadcast({ type: "addresses", host, addresses }),
    exposition,
    clock,
    log,
  });
  const prober = createProber({
    onChange: (upstream, url, healthy) => {
      broadcast({ type: "health", upstream, url, healthy });
      onProbed(url, healthy);
    },
    addressesOf: (host) => resolver.addresses.get(host),
    exposition,
    clock,
    log,
  });
  return {
    resolver,
    prober,
    lookUp: (...configs) => {
      const hosts = new Set(configs.flatMap((config) => [...upstreamHosts(config)]));
      return resolver.watch(hosts, resolverSettings(configs.at(-1)!));
    },
    adopt: ({ upstreams }) => prober.watch(upstreams),
    news: () => [
      ...[...resolver.addresses].map(
        ([host, addresses]): ToWorker => ({ type: "addresses", host, addresses }),
      ),
      ...prober
        .results()
        .map(({ upstream, url, healthy }): ToWorker => ({ type: "health", upstream, url, healthy })),
    ],
    stop() {
      prober.stop();
      resolver.stop();
    },
  };
}

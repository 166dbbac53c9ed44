import { randomBytes } from "node:crypto";
import type { UpstreamConfig } from "../config/config.ts";
import type { UpstreamDeps } from "../upstream/endpoint.ts";
import { Upstream } from "../upstream/upstream.ts";

/** The upstreams of a configuration: those whose table did not change keep their connections and figures. */
export function adoptUpstreams(
  present: ReadonlyMap<string, Upstream>,
  configs: readonly UpstreamConfig[],
  deps: UpstreamDeps,
): Map<string, Upstream> {
  const next = new Map<string, Upstream>();
  for (const config of configs) {
    const before = present.get(config.name);
    next.set(config.name, before?.config === config ? before : successor(before, config, deps));
  }
  return next;
}

/** Endpoints that stay are as healthy as they were. */
function successor(before: Upstream | undefined, config: UpstreamConfig, deps: UpstreamDeps): Upstream {
  const upstream = new Upstream(config, deps, randomBytes(4).readUInt32LE());
  for (const endpoint of upstream.endpoints) {
    const known = before?.endpoints.find((other) => other.url === endpoint.url);
    if (known !== undefined) endpoint.up = known.up;
  }
  return upstream;
}

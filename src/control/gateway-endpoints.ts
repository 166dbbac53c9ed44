import type { Config } from "../config/config.ts";
import { families, type MetricFamily } from "../record/metrics.ts";
import type { AdminEndpoint } from "./admin.ts";
import { json } from "./control-listener.ts";
import type { Exposition } from "./exposition.ts";
import { wafModeOf } from "./waf-mode.ts";

export interface GatewaySource {
  readonly config: () => Config;
  /** As the snapshot shows them. */
  readonly upstreams: () => unknown;
  /** Brings the figures of the workers up to date. */
  readonly scrape: () => Promise<void>;
  readonly exposition: Pick<Exposition, "read">;
}

/** What the gateway serves, and how it is. */
export function gatewayEndpoints(source: GatewaySource): readonly AdminEndpoint[] {
  const { config, scrape } = source;
  return [
    {
      method: "GET",
      path: "/v1/routes",
      role: "read",
      does: "every route: what it takes, where it leads, what stands in its way",
      answer: () => json(200, { routes: config().routes.map(shownRoute) }),
    },
    {
      method: "GET",
      path: "/v1/upstreams",
      role: "read",
      does: "every upstream with its endpoints, and why one of them gets no requests",
      answer: async () => {
        await scrape();
        return json(200, { upstreams: source.upstreams() });
      },
    },
    {
      method: "GET",
      path: "/v1/limits",
      role: "read",
      does: "every limit: its rate, where it is used, how many keys it remembers and how it judged",
      answer: async () => {
        await scrape();
        return json(200, { limits: shownLimits(config(), source.exposition) });
      },
    },
  ];
}

function shownRoute(route: Config["routes"][number]): object {
  const { name, hosts, methods, path, upstream, internalOnly, auth, lists, limits, waf } = route;
  return {
    name,
    path,
    // Absent = any.
    hosts,
    methods,
    upstream,
    mode: route.mode,
    internal_only: internalOnly,
    ...(auth === undefined ? {} : { auth_profiles: auth.profiles }),
    lists,
    limits,
    waf: { mode: wafModeOf(route), ...(waf === undefined ? {} : { profile: waf.profile }) },
  };
}

function shownLimits(
  { limits, server, routes }: Config,
  exposition: Pick<Exposition, "read">,
): readonly object[] {
  const figures = (family: MetricFamily, name: string) =>
    [...exposition.read(family)].filter(({ labels }) => labels[0] === name);
  return limits.map(({ name, rate, windowMs, burst, algorithm, keys, store, strict, shadow }) => ({
    name,
    rate,
    window_secs: windowMs / 1000,
    ...(algorithm === "gcra" ? { burst } : {}),
    algorithm,
    key: keys.map((key) => (key.name === "" ? key.kind : `${key.kind}:${key.name}`)),
    store,
    strict,
    shadow,
    used_by: [
      ...(server.limits.includes(name) ? ["[server]"] : []),
      ...routes.filter((route) => route.limits.includes(name)).map((route) => `route ${route.name}`),
    ],
    keys: figures(families.limitKeys, name)[0]?.value ?? 0,
    decisions: Object.fromEntries(
      figures(families.limitDecisions, name).map(({ labels, value }) => [labels[1], value]),
    ),
  }));
}

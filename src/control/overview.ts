import type { RouteConfig } from "../config/config.ts";

/** What the WAF does on a route; label values of `zion_routes`. */
export const wafModes = ["enforce", "shadow", "none"] as const;
export type WafMode = (typeof wafModes)[number];

export function wafModeOf({ waf }: Pick<RouteConfig, "waf">): WafMode {
  if (waf === undefined) return "none";
  return waf.shadow ? "shadow" : "enforce";
}

export interface Overview {
  readonly version: string;
  /** Of the configuration in force. */
  readonly generation: number;
  readonly workers: {
    readonly serving: number;
    readonly wanted: number;
    /** In force in each, by slot; 0 = none yet. Equal but for the moment of a reload. */
    readonly generations: readonly number[];
  };
  readonly routes: readonly {
    readonly name: string;
    readonly path: string;
    readonly upstream: string;
    readonly waf: { readonly mode: WafMode; readonly profile?: string };
  }[];
}

/** The gateway as it stands, for people: what `GET /snapshot` of the admin listener shows. No secrets, no addresses. */
export function buildOverview(
  version: string,
  generation: number,
  workers: Overview["workers"],
  routes: readonly RouteConfig[],
): Overview {
  return {
    version,
    generation,
    workers,
    routes: routes.map((route) => ({
      name: route.name,
      path: route.path,
      upstream: route.upstream,
      waf: { mode: wafModeOf(route), ...(route.waf === undefined ? {} : { profile: route.waf.profile }) },
    })),
  };
}

import type { RouteConfig } from "../config/config.ts";

/** What the WAF does on a route; label values of `zion_routes`. */
export const wafModes = ["enforce", "shadow", "none"] as const;
export type WafMode = (typeof wafModes)[number];

export function wafModeOf({ waf }: Pick<RouteConfig, "waf">): WafMode {
  if (waf === undefined) return "none";
  return waf.shadow ? "shadow" : "enforce";
}

import { F } from "../http/field.ts";
import { type CanonicalRequest, GET, HEAD, OPTIONS } from "../http/request.ts";
import { type Reason, reasons } from "../reason.ts";
import type { CorsRule } from "./cors.ts";
import { buildOriginRule } from "./origin-rule.ts";

/**
 * `csrf_guard`: a browser sends cookies with whatever a foreign page makes it ask for. Requests that may change
 * something pass from pages of the own origin, from origins that the route's CORS lists, and from clients that are no
 * browsers. Sec-Fetch-Site tells the page (no script can set it); older browsers send an Origin with every POST.
 */
export function checkCrossSite(
  request: CanonicalRequest,
  isGuarded: boolean,
  cors: CorsRule | undefined,
): Reason | undefined {
  if (!isGuarded) return undefined;
  const { method } = request;
  if (method === GET || method === HEAD || method === OPTIONS) return undefined;
  const site = request.fieldText(F.secFetchSite);
  // `none`: typed, bookmarked, or sent by the browser itself.
  if (site === "same-origin" || site === "none") return undefined;
  const origin = request.fieldText(F.origin);
  if (origin === undefined) return site === undefined ? undefined : reasons.crossSite;
  if (cors?.origins.allows(origin, "", -1) === true) return undefined;
  if (site !== undefined) return reasons.crossSite;
  return ownHost.allows(origin, request.hostText(), request.port) ? undefined : reasons.crossSite;
}

const ownHost = buildOriginRule(undefined);

import { HEADER, Place } from "../body/place.ts";
import type { Trailers } from "../http/trailer.ts";
import type { Inspector } from "../waf/inspector.ts";
import type { RouteWaf } from "./waf-settings.ts";
import { inspectorGate, topRule, type WafVerdict } from "./waf-verdict.ts";

/**
 * The WAF over a request's trailers, as over header fields: a rule that holds for the head must not be passed by
 * sending the same value behind the body. `inspector` has begun the request anew.
 */
export function inspectTrailers(trailers: Trailers, waf: RouteWaf, inspector: Inspector): WafVerdict {
  let name = "";
  const place = new Place({ placeName: () => name });
  place.kind = HEADER;
  for (let at = 0; at < trailers.length && !inspector.done; at += 2) {
    name = trailers[at]!;
    const value = Buffer.from(trailers[at + 1]!, "latin1");
    place.end = value.length;
    inspector.value(value, 0, value.length, place);
  }
  if (!inspector.refused) return clean;
  return {
    refused: true,
    gate: inspectorGate(inspector, waf.profile.threshold),
    detail: topRule(inspector),
  };
}

const clean: WafVerdict = { refused: false, gate: "patterns", detail: "" };

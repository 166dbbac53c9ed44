import type { Findings, Path } from "./finding.ts";
import { printable } from "./label.ts";
import type { DocumentInput, RouteInput } from "./schema.ts";
import { defaultProfile } from "./waf.ts";

/** What a server takes and a WAF inspects where the file says nothing of it. */
const PROFILE_MIB = 10;

/**
 * A route that takes larger bodies than its WAF inspects refuses them all the same, with the WAF's 400. `server.max_body_mb` is
 * told of once, for all the routes that say nothing.
 */
export function checkBodyLimits(
  { route, server, waf_profile: profiles }: DocumentInput,
  findings: Findings,
): void {
  let isServerTold = false;
  for (const [i, input] of route.entries()) {
    if (!isInspected(input)) continue;
    const name = input.waf_profile ?? defaultProfile;
    const inspectedMib = profiles[name]?.max_body_mb ?? PROFILE_MIB;
    const isOwn = input.max_body_mb !== undefined;
    const takenMib = input.max_body_mb ?? server?.max_body_mb ?? PROFILE_MIB;
    // 0 is a word of its own: no body at all. A profile below what nobody raised is meant to be.
    if (inspectedMib === 0 || takenMib <= inspectedMib) continue;
    if (!isOwn && (isServerTold || takenMib <= PROFILE_MIB)) continue;
    isServerTold ||= !isOwn;
    const profile: Path = ["waf_profile", name, "max_body_mb"];
    const hasTable = profiles[name] !== undefined;
    findings.add({
      code: "Z2120",
      path: isOwn ? ["route", i, "max_body_mb"] : ["server", "max_body_mb"],
      message: `bodies of up to ${takenMib} MiB are taken, and the WAF refuses those of more than ${inspectedMib}`,
      fix: `write \`max_body_mb = ${takenMib}\` in [waf_profile.${printable(name)}]; with \`body = "stream"\` on the route little of a body is held`,
      ...(hasTable ? { related: [{ path: profile, label: "what is inspected" }] } : {}),
    });
  }
}

/** A shadow refuses nothing; a static route and one that answers itself take no body. */
function isInspected({ waf, waf_shadow, mode, redirect, respond }: RouteInput): boolean {
  return waf !== false && !waf_shadow && mode !== "static" && redirect === undefined && respond === undefined;
}

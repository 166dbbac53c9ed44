import type { RouteWafConfig } from "./config.ts";
import { checkDefined } from "./definition.ts";
import type { Path } from "./finding.ts";
import { printable } from "./label.ts";
import type { DocumentInput, RouteInput } from "./schema.ts";
import type { SectionContext } from "./section.ts";
import { defaultProfile } from "./waf.ts";

/** The WAF of one route; undefined where it is off, which a warning says. `what` names the route. */
export function readRouteWaf(
  path: Path,
  what: string,
  input: RouteInput,
  document: DocumentInput,
  context: SectionContext,
): RouteWafConfig | undefined {
  if (input.waf === false) {
    checkOff(path, what, input, context);
    return undefined;
  }
  const profile = input.waf_profile ?? defaultProfile;
  if (profile !== defaultProfile) checkProfile(path, what, profile, document, context);
  return { profile, shadow: input.waf_shadow, streams: input.body === "stream" };
}

function checkOff(path: Path, what: string, input: RouteInput, { findings }: SectionContext): void {
  const related = [{ path: [...path, "waf"], label: "off here" }];
  if (input.waf_profile !== undefined)
    findings.add({
      code: "Z1214",
      path: [...path, "waf_profile"],
      message: `${what} has a WAF profile, and \`waf = false\``,
      related,
    });
  if (input.waf_shadow)
    findings.add({
      code: "Z1214",
      path: [...path, "waf_shadow"],
      message: `${what} has \`waf_shadow\`, and \`waf = false\``,
      fix: "remove `waf = false`: a shadow inspects, and refuses nothing",
      related,
    });
  if (input.waf_profile === undefined && !input.waf_shadow)
    findings.add({ code: "Z2110", path: [...path, "waf"], message: `${what} is not inspected by the WAF` });
}

function checkProfile(
  path: Path,
  what: string,
  name: string,
  document: DocumentInput,
  context: SectionContext,
): void {
  const { findings } = context;
  if (findings.isPoisoned(["waf_profile"]) || findings.isPoisoned(["waf_profile", name])) return;
  const defined = Object.keys(document.waf_profile).map((at): [string, Path] => [at, ["waf_profile", at]]);
  checkDefined(
    {
      path: [...path, "waf_profile"],
      what,
      kind: "WAF profile",
      name,
      defined: new Map(defined),
      definition: `[waf_profile.${printable(name)}]`,
      effect: "which protection was meant is not known, so the whole file is refused.",
    },
    context,
  );
}

import { isIdentityKind } from "../gate/limit-key.ts";
import { isPatternProblem, parsePattern } from "../route/pattern.ts";
import type { LimitConfig, RouteConfig } from "./config.ts";
import { checkDefined, definitionsOf } from "./definition.ts";
import type { Path } from "./finding.ts";
import { printable } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import type { SectionContext } from "./section.ts";

/** Reports limits that are named and not defined, or so often that a request would be counted twice. */
export function checkUses(document: DocumentInput, context: SectionContext): void {
  const { findings } = context;
  if (findings.isPoisoned(["limit"])) return;
  const defined = definitionsOf("limit", document.limit);
  const check = (path: Path, what: string, names: readonly string[]) => {
    for (const [i, name] of names.entries()) {
      if (findings.isPoisoned(["limit", name])) continue;
      checkDefined(
        {
          path: [...path, i],
          what,
          kind: "limit",
          name,
          defined,
          definition: `[limit.${printable(name)}] with a \`rate\``,
          effect: "a limit that was meant would not be there, so the whole file is refused.",
        },
        context,
      );
    }
  };
  const ofServer = usesOf(["server", "limits"], document.server?.limits ?? []);
  check(["server", "limits"], "[server]", document.server?.limits ?? []);
  checkOnce(ofServer, context);
  for (const [i, route] of document.route.entries()) {
    const path: Path = ["route", i, "limits"];
    check(path, `the route "${printable(route.path ?? "")}"`, route.limits);
    checkOnce([...ofServer, ...usesOf(path, route.limits)], context);
  }
}

interface LimitUse {
  readonly name: string;
  readonly path: Path;
}

function usesOf(path: Path, names: readonly string[]): readonly LimitUse[] {
  return names.map((name, i) => ({ name, path: [...path, i] }));
}

/** A request would be counted as often as its limit is named on the way, and half the rate would be let through. */
function checkOnce(uses: readonly LimitUse[], { findings }: SectionContext): void {
  const first = new Map<string, Path>();
  for (const { name, path } of uses) {
    const before = first.get(name);
    if (before === undefined) first.set(name, path);
    else if (!findings.isPoisoned(path)) {
      findings.poison(path);
      findings.add({
        code: "Z1214",
        path,
        message: `requests are counted twice by the limit \`${printable(name)}\``,
        effect: "it would let half of its rate through.",
        fix: "name it once: in [server] for every request, or in routes",
        related: [{ path: before, label: "counted here already" }],
      });
    }
  }
}

/** A limit by a path parameter needs a path with that parameter, one by who somebody is a route that asks for it. */
export function checkPlaces(
  document: DocumentInput,
  routes: readonly RouteConfig[],
  limits: readonly LimitConfig[],
  { findings }: SectionContext,
): void {
  const find = (name: string) => limits.find((limit) => limit.name === name);
  const misplaced = (path: Path, message: string, fix: string, effect?: string) =>
    findings.add({ code: "Z1106", path, message, fix, ...(effect === undefined ? {} : { effect }) });
  for (const [i, name] of (document.server?.limits ?? []).entries()) {
    const limit = find(name);
    const problem = limit === undefined ? undefined : needOfRoute(limit);
    if (problem === undefined) continue;
    misplaced(
      ["server", "limits", i],
      `[server] uses the limit \`${printable(name)}\`, which ${problem}`,
      "name it in the `limits` of routes",
      "there is no route yet where these limits apply.",
    );
  }
  for (const [i, input] of document.route.entries()) {
    const route = routes.find(({ path, limits: used }) => path === input.path && used === input.limits);
    if (route === undefined) continue;
    const pattern = parsePattern(route.path);
    for (const [at, name] of input.limits.entries()) {
      const path: Path = ["route", i, "limits", at];
      for (const key of find(name)?.keys ?? []) {
        if (key.kind === "path" && !isPatternProblem(pattern) && !pattern.names.includes(key.name))
          misplaced(
            path,
            `the path "${printable(route.path)}" has no {${printable(key.name)}}, by which the limit \`${printable(name)}\` counts`,
            "use a limit with another key, or the parameter's name",
          );
        if (isIdentityKind(key.kind) && route.auth === undefined)
          misplaced(
            path,
            `the route asks for no credentials, and the limit \`${printable(name)}\` counts by who sent them`,
            "use a limit with another key, or give the route an `auth_profile`",
          );
      }
      if (find(name)?.cost === "waf_score" && route.waf === undefined)
        misplaced(
          path,
          `the WAF looks at nothing on this route, and the limit \`${printable(name)}\` counts its points`,
          "use another limit, or remove `waf = false`",
        );
    }
  }
}

/** Why a limit cannot count before there is a route. */
function needOfRoute({ keys, strict }: LimitConfig): string | undefined {
  const parameter = keys.find(({ kind }) => kind === "path");
  if (parameter !== undefined) return `counts by the path parameter \`${printable(parameter.name)}\``;
  if (keys.some(({ kind }) => isIdentityKind(kind))) return "counts by who sent a request";
  return strict ? "is `strict`" : undefined;
}

import type { RouteAuthConfig } from "./config.ts";
import { checkDefined, definitionsOf } from "./definition.ts";
import type { Path } from "./finding.ts";
import { printable } from "./label.ts";
import type { DocumentInput, RouteInput } from "./schema.ts";
import type { SectionContext } from "./section.ts";

/** What one route asks of its clients; undefined where it asks nothing. `what` names the route. */
export function readRouteAuth(
  path: Path,
  what: string,
  input: RouteInput,
  document: DocumentInput,
  context: SectionContext,
): RouteAuthConfig | undefined {
  const { findings } = context;
  checkDeclared(path, what, input, document, context);
  const names = profileNames(input);
  if (names.length === 0 && input.auth_profile !== undefined)
    findings.add({
      code: "Z1106",
      path: [...path, "auth_profile"],
      message: `${what} has an empty \`auth_profile\`: it would be open to everyone`,
      fix: "name a profile, or leave the key out",
    });
  if (names.length === 0) {
    for (const key of ["required_scopes", "required_roles"] as const)
      if (input[key].length > 0 && !findings.isPoisoned([...path, "auth_profile"]))
        findings.add({
          code: "Z1214",
          path: [...path, key],
          message: `${what} has \`${key}\`, and no \`auth_profile\` whose credentials could have them`,
          fix: "add `auth_profile`, or remove it",
        });
    return undefined;
  }
  if (input.public)
    findings.add({
      code: "Z1214",
      path: [...path, "public"],
      message: `${what} is \`public\`, and has an \`auth_profile\``,
      related: [{ path: [...path, "auth_profile"], label: "asks for credentials" }],
    });
  for (const [i, name] of names.entries()) {
    if (findings.isPoisoned(["auth_profile"]) || findings.isPoisoned(["auth_profile", name])) continue;
    checkDefined(
      {
        path: namePath(path, input, i),
        what,
        kind: "auth profile",
        name,
        defined: definitionsOf("auth_profile", document.auth_profile),
        definition: `[auth_profile.${printable(name)}]`,
        effect: "who may use the route is not known, so the whole file is refused.",
      },
      context,
    );
  }
  checkTogether(path, what, input, document, context);
  return { profiles: names, scopes: input.required_scopes, roles: input.required_roles };
}

/** The profiles that a route names. */
export function profileNames({ auth_profile: names }: Pick<RouteInput, "auth_profile">): readonly string[] {
  return typeof names === "string" ? [names] : (names ?? []);
}

function namePath(path: Path, { auth_profile: names }: RouteInput, i: number): Path {
  return typeof names === "string" ? [...path, "auth_profile"] : [...path, "auth_profile", i];
}

/** Several profiles must leave no doubt which of them a request is judged by. */
function checkTogether(
  path: Path,
  what: string,
  input: RouteInput,
  document: DocumentInput,
  { findings }: SectionContext,
): void {
  const names = profileNames(input);
  const ofTokens = names.filter((name) => document.auth_profile[name]?.kind === "jwt");
  const issuers = new Set<string>();
  for (const [i, name] of names.entries()) {
    const profile = document.auth_profile[name];
    if (profile === undefined || names.length === 1) continue;
    const others = names.slice(0, i).map((other) => document.auth_profile[other]);
    const isSecond = others.some((other) => other?.kind === profile.kind);
    const problem =
      names.indexOf(name) < i
        ? "is named twice"
        : profile.kind === "forward"
          ? "asks a service, which decides alone"
          : profile.kind === "jwt" && profile.issuer === undefined && ofTokens.length > 1
            ? "has no `issuer`, by which tokens would be told apart"
            : profile.kind === "jwt" && profile.issuer !== undefined && issuers.has(profile.issuer)
              ? "has the `issuer` of another one"
              : profile.kind !== "jwt" && isSecond
                ? `is a second one of kind "${profile.kind}"`
                : undefined;
    if (profile.kind === "jwt" && profile.issuer !== undefined) issuers.add(profile.issuer);
    if (problem === undefined) continue;
    findings.add({
      code: "Z1214",
      path: namePath(path, input, i),
      message: `${what} names several auth profiles, and \`${printable(name)}\` ${problem}`,
      fix: "leave it out, or give each profile of tokens an `issuer` of its own",
    });
  }
}

const declarations = ["public", "internal_only", "auth_profile"] as const;

/** `require_route_auth`: every route says who may use it. */
function checkDeclared(
  path: Path,
  what: string,
  input: RouteInput,
  document: DocumentInput,
  { findings }: SectionContext,
): void {
  if (document.server?.require_route_auth !== true) return;
  if (input.public || input.internal_only || input.auth_profile !== undefined) return;
  if (declarations.some((key) => findings.isPoisoned([...path, key]))) return;
  findings.add({
    code: "Z1224",
    path,
    at: "key",
    message: `${what} declares none of \`auth_profile\`, \`internal_only\` and \`public\``,
    related: [{ path: ["server", "require_route_auth"], label: "required here" }],
  });
}

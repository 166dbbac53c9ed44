import type { RouteAuthConfig } from "./config.ts";
import { checkDefined } from "./definition.ts";
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
  const name = input.auth_profile;
  if (name === undefined) {
    for (const key of ["required_scopes", "required_roles"] as const)
      if (input[key].length > 0 && !findings.isPoisoned([...path, "auth_profile"]))
        findings.add({
          code: "Z1214",
          path: [...path, key],
          message: `${what} has \`${key}\`, and no \`auth_profile\` whose tokens could have them`,
          fix: "add `auth_profile`, or remove it",
        });
    return undefined;
  }
  if (input.public)
    findings.add({
      code: "Z1214",
      path: [...path, "public"],
      message: `${what} is \`public\`, and has an \`auth_profile\``,
      related: [{ path: [...path, "auth_profile"], label: "asks for tokens" }],
    });
  if (!findings.isPoisoned(["auth_profile"]) && !findings.isPoisoned(["auth_profile", name]))
    checkDefined(
      {
        path: [...path, "auth_profile"],
        what,
        kind: "auth profile",
        name,
        defined: new Map(
          Object.keys(document.auth_profile).map((at): [string, Path] => [at, ["auth_profile", at]]),
        ),
        definition: `[auth_profile.${printable(name)}]`,
        effect: "who may use the route is not known, so the whole file is refused.",
      },
      context,
    );
  return { profile: name, scopes: input.required_scopes, roles: input.required_roles };
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

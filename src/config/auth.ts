import { readCertificateProfile } from "./auth-certificate.ts";
import { readApiKeyProfile, readPasswordProfile } from "./auth-credential.ts";
import { readServiceProfile } from "./auth-forward.ts";
import type { AuthProfileInput } from "./auth-schema.ts";
import { authProfile } from "./auth-schema.ts";
import { readTokenProfile } from "./auth-token.ts";
import type { AuthProfileConfig } from "./config.ts";
import { checkName, definitionsOf, reportUnused } from "./definition.ts";
import type { Path } from "./finding.ts";
import { printable } from "./label.ts";
import { profileNames } from "./route-auth.ts";
import type { DocumentInput } from "./schema.ts";
import type { SectionContext } from "./section.ts";

/** Checks `[auth_profile.NAME]`, and reads the keys that it names. Profiles with problems are left out. */
export function readAuthProfiles(
  document: DocumentInput,
  context: SectionContext,
): readonly AuthProfileConfig[] {
  reportUnused(
    {
      kind: "auth profile",
      nobody: "no route",
      defined: definitionsOf("auth_profile", document.auth_profile),
      uses: document.route.map((route, i) => ({
        path: ["route", i, "auth_profile"],
        names: profileNames(route),
      })),
      code: "Z2108",
      effect: "nothing asks for its credentials.",
      fix: "remove it or name it in a route: auth_profile",
    },
    context,
  );
  return Object.entries(document.auth_profile)
    .map(([name, input]) => readProfile(name, input, document, context))
    .filter((profile) => profile !== undefined);
}

function readProfile(
  name: string,
  input: AuthProfileInput,
  document: DocumentInput,
  context: SectionContext,
): AuthProfileConfig | undefined {
  const path: Path = ["auth_profile", name];
  checkName(path, "an auth profile", name, context);
  // What the other keys mean depends on it.
  if (context.findings.isPoisoned([...path, "kind"])) return undefined;
  checkKeys(path, input, context);
  switch (input.kind) {
    case "jwt":
      return readTokenProfile(name, input, context);
    case "api_key":
      return readApiKeyProfile(name, input, context);
    case "basic":
      return readPasswordProfile(name, input, context);
    case "client_cert":
      return readCertificateProfile(name, input, context);
    case "forward":
      return readServiceProfile(name, input, document, context);
  }
}

/** Keys of one kind, or two; the others belong to tokens. */
const keysOfKinds: Readonly<Partial<Record<keyof AuthProfileInput, readonly AuthProfileInput["kind"][]>>> = {
  kind: ["jwt", "api_key", "basic", "client_cert", "forward"],
  forward_claims: ["jwt", "api_key", "basic", "client_cert"],
  api_keys_file: ["api_key"],
  api_key_header: ["api_key"],
  users_file: ["basic"],
  client_names: ["client_cert"],
  client_fingerprints: ["client_cert"],
  service_upstream: ["forward"],
  service_path: ["forward"],
  request_fields: ["forward"],
  answer_fields: ["forward"],
  timeout_ms: ["forward"],
  cache_secs: ["forward"],
};

/** A key that its kind does not read was meant to keep somebody out. */
function checkKeys(path: Path, input: AuthProfileInput, { findings }: SectionContext): void {
  for (const key of Object.keys(authProfile.shape) as (keyof AuthProfileInput)[]) {
    if ((keysOfKinds[key] ?? ["jwt"]).includes(input.kind) || isPreset(key, input[key])) continue;
    findings.add({
      code: "Z1214",
      path: [...path, key],
      message: `[auth_profile.${printable(String(path[1]))}] has \`${key}\`, and its kind is "${input.kind}"`,
      fix: "remove it, or write another `kind`",
    });
  }
}

function isPreset(key: keyof AuthProfileInput, value: unknown): boolean {
  const preset: unknown = authProfile.shape[key].parse(undefined);
  return JSON.stringify(value) === JSON.stringify(preset);
}

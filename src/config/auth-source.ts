import { createHash } from "node:crypto";
import { readCidr } from "./address.ts";
import type { AuthProfileInput } from "./auth-schema.ts";
import { readAuthorities } from "./certificate.ts";
import type { KeySourceConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { readHttpsUrl } from "./https-url.ts";
import { type SectionContext, take } from "./section.ts";

/** Where keys are fetched from; undefined when there is a problem with it. */
export function readKeySource(
  path: Path,
  input: AuthProfileInput,
  algorithms: readonly string[],
  context: SectionContext,
): KeySourceConfig | undefined {
  const url = readHttpsUrl(
    [...path, "jwks_url"],
    input.jwks_url!,
    "is fetched without TLS: whoever is on the way could issue tokens",
    context,
  );
  const caPem =
    input.jwks_ca_file === undefined
      ? undefined
      : readAuthorities([...path, "jwks_ca_file"], input.jwks_ca_file, context);
  const networks = input.jwks_private_networks.flatMap(
    (text, i) => take(readCidr(text), "Z1102", [...path, "jwks_private_networks", i], text, context) ?? [],
  );
  if (url === undefined || (caPem === undefined && input.jwks_ca_file !== undefined)) return undefined;
  const source = { url, caPem, networks, algorithms };
  const id = createHash("sha256").update(JSON.stringify(source)).digest("base64url");
  return { id, ...source };
}

import type { AuthProfileInput } from "./auth-schema.ts";
import { readPins } from "./client-auth.ts";
import type { CertificateProfileConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { keyLabel, shownValue } from "./label.ts";
import type { SectionContext } from "./section.ts";

/** Reads a profile of client certificates. */
export function readCertificateProfile(
  name: string,
  input: AuthProfileInput,
  context: SectionContext,
): CertificateProfileConfig {
  const path: Path = ["auth_profile", name];
  const fingerprints = (input.client_fingerprints ?? []).map((text, i) => {
    const lower = text
      .toLowerCase()
      .replaceAll(":", "")
      .replace(/^sha256/, "");
    if (!/^[0-9a-f]{64}$/.test(lower)) {
      const at = [...path, "client_fingerprints", i];
      context.findings.add({
        code: "Z1106",
        path: at,
        message: `${keyLabel([...path, "client_fingerprints"])}: ${shownValue(at, text)} is no SHA-256 in hexadecimal`,
        fix: "write what `openssl x509 -noout -fingerprint -sha256` prints behind the equals sign",
      });
    }
    return `sha256:${lower}`;
  });
  return {
    kind: "client_cert",
    name,
    names: readPins([...path, "client_names"], input.client_names ?? [], context),
    fingerprints,
    subjectField: input.forward_claims ? "X-Auth-Subject" : undefined,
  };
}

import { createHash } from "node:crypto";
import type { AcmeAccountInput } from "./acme-schema.ts";
import { readAuthorities } from "./certificate.ts";
import type { AcmeAccountConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { readHttpsUrl } from "./https-url.ts";
import { keyLabel, shownValue } from "./label.ts";
import { readNamedFile, requireKey, resolvePath, type SectionContext } from "./section.ts";

/** Checks an account of `[tls.acme]`. Undefined, and findings, if nobody could log in with it. */
export function readAccount(
  path: Path,
  input: AcmeAccountInput,
  context: SectionContext,
): AcmeAccountConfig | undefined {
  const directoryUrl = readHttpsUrl(
    [...path, "directory_url"],
    input.directory_url,
    "is asked without TLS: whoever is on the way could answer",
    context,
  );
  const email = readEmail([...path, "email"], input.email, context);
  const caPem =
    input.ca_path === undefined ? undefined : readAuthorities([...path, "ca_path"], input.ca_path, context);
  const binding = readBinding(path, input, context);
  if (!input.terms_agreed)
    context.findings.add({
      code: "Z1261",
      path: [...path, "terms_agreed"],
      message: `${keyLabel([...path, "terms_agreed"])} is not true: no account can be had without it`,
    });
  if (directoryUrl === undefined || binding === "bad") return undefined;
  // Whoever changes one of these means another account.
  const id = createHash("sha256")
    .update(JSON.stringify([directoryUrl, email, binding?.keyId]))
    .digest("hex")
    .slice(0, 16);
  return { id, directoryUrl, email, caPem, binding };
}

function readEmail(path: Path, text: string | undefined, { findings }: SectionContext): string | undefined {
  if (text === undefined || /^[^\s@,?]+@[^\s@,?]+$/.test(text)) return text;
  findings.add({
    code: "Z1106",
    path,
    message: `${keyLabel(path)}: ${shownValue(path, text)} is no mail address`,
    fix: "write one address, such as ops@example.org",
  });
  return undefined;
}

/** Looked at only to see that it is there: the key itself never leaves the control plane. */
function readBinding(
  path: Path,
  input: AcmeAccountInput,
  context: SectionContext,
): AcmeAccountConfig["binding"] | "bad" {
  const { eab_key_id: keyId, eab_hmac_env: variable, eab_hmac_file: file } = input;
  const { findings } = context;
  if (keyId === undefined && variable === undefined && file === undefined) return undefined;
  if (!requireKey(path, "eab_key_id", keyId, "an account with an HMAC key", context)) return "bad";
  if (variable === undefined && file === undefined) {
    requireKey(path, "eab_hmac_env", undefined, "an account with `eab_key_id`", context);
    return "bad";
  }
  if (variable !== undefined && file !== undefined) {
    findings.add({
      code: "Z1214",
      path: [...path, "eab_hmac_env"],
      message: `${keyLabel([...path, "eab_hmac_env"])} and \`eab_hmac_file\` both name a key`,
      related: [{ path: [...path, "eab_hmac_file"], label: "the other one" }],
    });
    return "bad";
  }
  const at = [...path, variable === undefined ? "eab_hmac_file" : "eab_hmac_env"];
  const text = variable === undefined ? readNamedFile(at, file!, context) : context.environment(variable);
  if (text !== undefined && /^[A-Za-z0-9_+/-]{16,}={0,2}$/.test(text.trim()))
    return { keyId: keyId!, variable, file: file === undefined ? undefined : resolvePath(file, context) };
  // Not the value: it may be the key with a slip in it.
  if (variable !== undefined || text !== undefined)
    findings.add({
      code: "Z1106",
      path: at,
      message: `${keyLabel(at)}: ${variable !== undefined && text === undefined ? "the variable is not set" : "it holds no base64url key"}`,
    });
  return "bad";
}

import { fieldIdOf } from "../http/field.ts";
import { readApiKeyEntry } from "../identity/api-key.ts";
import { CREDENTIAL_BYTES_MAX, type NamedEntry, readCredentialFile } from "../identity/credential-file.ts";
import { readUserEntry } from "../identity/password-hash.ts";
import type { AuthProfileInput } from "./auth-schema.ts";
import type { ApiKeyProfileConfig, PasswordProfileConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import { readNamedFile, requireKey, type SectionContext } from "./section.ts";

/** Reads a profile of API keys; undefined when it has problems. */
export function readApiKeyProfile(
  name: string,
  input: AuthProfileInput,
  context: SectionContext,
): ApiKeyProfileConfig | undefined {
  const path: Path = ["auth_profile", name];
  const header = input.api_key_header ?? "X-API-Key";
  if (!isFieldName(header) || fieldIdOf(header) !== 0) {
    const at = [...path, "api_key_header"];
    context.findings.add({
      code: "Z1106",
      path: at,
      message: `${keyLabel(at)}: ${shownValue(at, header)} is no field name of letters, digits and dashes, or means something else to the gateway`,
      fix: "choose a name of its own, such as X-API-Key",
    });
  }
  const entries = readEntries(path, "api_keys_file", input.api_keys_file, readApiKeyEntry, context);
  return entries && { kind: "api_key", name, header, entries, subjectField: subjectField(input) };
}

/** Reads a profile of names and passwords; undefined when it has problems. */
export function readPasswordProfile(
  name: string,
  input: AuthProfileInput,
  context: SectionContext,
): PasswordProfileConfig | undefined {
  const path: Path = ["auth_profile", name];
  const entries = readEntries(path, "users_file", input.users_file, readUserEntry, context);
  return entries && { kind: "basic", name, entries, subjectField: subjectField(input) };
}

function readEntries<T extends NamedEntry>(
  path: Path,
  key: string,
  file: string | undefined,
  readEntry: (line: string) => T | string,
  context: SectionContext,
): readonly T[] | undefined {
  const at = [...path, key];
  if (!requireKey(path, key, file, `[auth_profile.${printable(String(path[1]))}]`, context)) return undefined;
  const text = readNamedFile(at, file!, context, "utf8", CREDENTIAL_BYTES_MAX);
  if (text === undefined) return undefined;
  const reading = readCredentialFile(text, readEntry);
  if (!("problem" in reading)) return reading;
  context.findings.add({
    code: "Z1311",
    path: at,
    message: `${keyLabel(at)}: line ${reading.line} of ${printable(file!)}: ${reading.problem}`,
    label: `line ${reading.line}: ${reading.problem}`,
  });
  return undefined;
}

function subjectField(input: AuthProfileInput): string | undefined {
  return input.forward_claims ? "X-Auth-Subject" : undefined;
}

export function isFieldName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(name);
}

import { fieldIdOf } from "../http/field.ts";
import { findAlgorithm } from "../identity/algorithm.ts";
import { readKeyFile } from "../identity/jwk.ts";
import type { ClaimField, KeyMaterial } from "../identity/token-verifier.ts";
import { isFieldName } from "./auth-credential.ts";
import type { AuthProfileInput } from "./auth-schema.ts";
import { readKeySource } from "./auth-source.ts";
import type { TokenProfileConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import { readNamedFile, type SectionContext } from "./section.ts";

const secretKeys = ["secret", "secret_env", "secret_file"] as const;
const sourceKeys = [...secretKeys, "keys_file", "jwks_url"] as const;
const previousKeys = ["previous_secret_env", "previous_secret_file"] as const;

/** Reads a profile of bearer tokens; undefined when it has problems. */
export function readTokenProfile(
  name: string,
  input: AuthProfileInput,
  context: SectionContext,
): TokenProfileConfig | undefined {
  const path: Path = ["auth_profile", name];
  const fields = readFields(path, input, context);
  const keys = readKeys(path, input, context);
  if (keys === undefined) return undefined;
  return {
    kind: "jwt",
    name,
    issuer: input.issuer,
    audience: input.audience,
    algorithms: keys.algorithms,
    keys: keys.keys,
    keySource: keys.keySource,
    fields,
    leewaySecs: input.leeway_secs,
    maxTokenLifetimeSecs: input.max_token_lifetime_secs,
    requiredClaims: input.required_claims,
    rolesClaim: input.roles_claim,
  };
}

type Keys = Pick<TokenProfileConfig, "algorithms" | "keys" | "keySource">;

/** Exactly one source of keys: two would let a token choose. */
function readKeys(path: Path, input: AuthProfileInput, context: SectionContext): Keys | undefined {
  const { findings } = context;
  const sources = sourceKeys.filter((key) => input[key] !== undefined);
  if (sources.length === 0) {
    if (sourceKeys.some((key) => findings.isPoisoned([...path, key]))) return undefined;
    findings.add({
      code: "Z1046",
      path,
      at: "key",
      message: `[auth_profile.${printable(String(path[1]))}] has no key to verify tokens with`,
      fix: "add `jwks_url`, `keys_file`, `secret_env` or `secret_file`",
    });
    return undefined;
  }
  const [source, second] = sources;
  if (second !== undefined) {
    findings.add({
      code: "Z1214",
      path: [...path, second],
      message: `[auth_profile.${printable(String(path[1]))}] has both \`${source}\` and \`${second}\``,
      related: [{ path: [...path, source!], label: "the other one" }],
    });
    return undefined;
  }
  const isPublic = source === "keys_file" || source === "jwks_url";
  const algorithms = readAlgorithms(path, input, isPublic, context);
  if (algorithms === undefined) return undefined;
  if (source === "jwks_url") {
    const keySource = readKeySource(path, input, algorithms, context);
    if (keySource === undefined) return undefined;
    warnOfAudience(path, input, context);
    return { algorithms, keys: [], keySource };
  }
  const keys = isPublic
    ? readPublicKeys(path, input.keys_file!, algorithms, context)
    : readSecrets(path, input, algorithms, context);
  return keys === undefined ? undefined : { algorithms, keys, keySource: undefined };
}

/** Keys that are fetched are an issuer's, who signs for others with them. */
function warnOfAudience(path: Path, { audience }: AuthProfileInput, { findings }: SectionContext): void {
  if (audience !== undefined || findings.isPoisoned([...path, "audience"])) return;
  findings.add({
    code: "Z2115",
    path: [...path, "jwks_url"],
    message: `[auth_profile.${printable(String(path[1]))}] takes tokens for every audience`,
  });
}

/** `isPublic`: keys are public ones. HMAC with a public key as its secret is the oldest trick there is. */
function readAlgorithms(
  path: Path,
  input: AuthProfileInput,
  isPublic: boolean,
  { findings }: SectionContext,
): readonly string[] | undefined {
  if (input.algorithm !== undefined && input.algorithms !== undefined) {
    findings.add({
      code: "Z1214",
      path: [...path, "algorithm"],
      message: `[auth_profile.${printable(String(path[1]))}] has both \`algorithm\` and \`algorithms\``,
      related: [{ path: [...path, "algorithms"], label: "the other one" }],
    });
    return undefined;
  }
  const names = input.algorithms ?? [input.algorithm ?? (isPublic ? "RS256" : "HS256")];
  let good = names.length > 0;
  if (!good)
    findings.add({
      code: "Z1106",
      path: [...path, "algorithms"],
      message: `${keyLabel([...path, "algorithms"])} is empty: no token could pass`,
      fix: "name an algorithm, or leave the key out",
    });
  for (const [i, name] of names.entries()) {
    const at = input.algorithms === undefined ? [...path, "algorithm"] : [...path, "algorithms", i];
    const algorithm = findAlgorithm(name);
    if (algorithm !== undefined && (algorithm.kind !== "hmac") === isPublic) continue;
    good = false;
    const problem =
      algorithm === undefined
        ? "is no algorithm this gateway knows"
        : isPublic
          ? "needs a secret, and the keys are public"
          : "needs a public key, and there is a secret";
    findings.add({
      code: "Z1106",
      path: at,
      message: `${keyLabel(at)}: ${shownValue(at, name)} ${problem}`,
      fix: isPublic ? "use RS256, PS256, ES256, EdDSA or a longer one" : "use HS256, HS384 or HS512",
    });
  }
  return good ? names : undefined;
}

function readPublicKeys(
  path: Path,
  file: string,
  algorithms: readonly string[],
  context: SectionContext,
): readonly KeyMaterial[] | undefined {
  const at = [...path, "keys_file"];
  const text = readNamedFile(at, file, context, "utf8");
  if (text === undefined) return undefined;
  const keys = readKeyFile(text, algorithms);
  if (typeof keys !== "string") return keys;
  context.findings.add({ code: "Z1307", path: at, message: `${keyLabel(at)}: ${keys}`, label: keys });
  return undefined;
}

function readSecrets(
  path: Path,
  input: AuthProfileInput,
  algorithms: readonly string[],
  context: SectionContext,
): readonly KeyMaterial[] | undefined {
  const keys: KeyMaterial[] = [];
  let good = true;
  for (const key of [...secretKeys, ...previousKeys]) {
    const value = input[key];
    if (value === undefined) continue;
    const secret = readSecret([...path, key], key, value, context);
    if (secret === undefined) good = false;
    else
      for (const algorithm of algorithms) {
        const { secretBytesMin } = findAlgorithm(algorithm)!;
        if (secret.length >= secretBytesMin) {
          keys.push({ kid: undefined, algorithm, secret: secret.toString("base64"), publicPem: undefined });
          continue;
        }
        good = false;
        context.findings.add({
          code: "Z1307",
          path: [...path, key],
          message: `${keyLabel([...path, key])}: the secret has ${secret.length} bytes, and ${algorithm} needs ${secretBytesMin}`,
          label: "too short",
        });
      }
  }
  return good ? keys : undefined;
}

function readSecret(path: Path, key: string, value: string, context: SectionContext): Buffer | undefined {
  if (key === "secret") {
    context.findings.add({
      code: "Z2112",
      path,
      message: `${keyLabel(path)}: the secret stands in the configuration`,
    });
    return Buffer.from(value, "utf8");
  }
  if (key.endsWith("_file")) {
    const text = readNamedFile(path, value, context);
    return text === undefined ? undefined : Buffer.from(text.replace(/\r?\n$/, ""), "latin1");
  }
  const text = context.environment(value);
  if (text !== undefined && text !== "") return Buffer.from(text, "utf8");
  context.findings.add({
    code: "Z1307",
    path,
    // Its name is not repeated: people write the secret itself there.
    message: `${keyLabel(path)}: the variable that it names is not set`,
    label: "not set",
  });
  return undefined;
}

/** More would let one token fill a head. */
const FIELDS_MAX = 8;

function readFields(
  path: Path,
  input: AuthProfileInput,
  { findings }: SectionContext,
): readonly ClaimField[] {
  const fields: ClaimField[] = input.forward_claims
    ? [
        { claim: "sub", field: "X-Auth-Subject" },
        { claim: "email", field: "X-Auth-Email" },
      ]
    : [];
  const entries = Object.entries(input.claim_headers);
  if (entries.length > FIELDS_MAX)
    findings.add({
      code: "Z1106",
      path: [...path, "claim_headers"],
      message: `${keyLabel([...path, "claim_headers"])} has more than ${FIELDS_MAX} fields`,
      fix: "send fewer",
    });
  for (const [claim, field] of entries) {
    const at = [...path, "claim_headers", claim];
    const isTaken = fields.some((other) => other.field.toLowerCase() === field.toLowerCase());
    const problem = !isFieldName(field)
      ? "is no field name of letters, digits and dashes"
      : isTaken
        ? "is sent for another claim"
        : fieldIdOf(field) !== 0 && !/^x-auth-(subject|email)$/i.test(field)
          ? "means something else to the gateway"
          : undefined;
    if (problem === undefined) fields.push({ claim, field });
    else
      findings.add({
        code: "Z1106",
        path: at,
        message: `${keyLabel(at)}: ${shownValue(at, field)} ${problem}`,
        fix: "choose a name of its own, such as X-Tenant",
      });
  }
  return fields;
}

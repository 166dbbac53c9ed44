import { z } from "zod";
import { algorithmNames } from "../identity/algorithm.ts";
import { flag, int, keyDocs, optionalText, optionalTexts, text, texts } from "./keys.ts";

/** The keys of `[auth_profile.NAME]`, and those of routes that belong to it. */

const claimHeaders = z
  .record(z.string(), z.string({ error: "expected a field name" }), { error: "expected a table" })
  .default({});
keyDocs.add(claimHeaders, {
  type: "table of claim = field name",
  preset: undefined,
  example: '{ tenant = "X-Tenant" }',
  doc: "Claims to send upstream, each in a field. What clients send under these names is removed, on every route.",
});

const algorithms = algorithmNames.join(", ");

export const authProfile = z.strictObject({
  issuer: optionalText({
    example: "https://login.example.org",
    doc: "What the claim `iss` must be, to the letter. Absent = any.",
  }),
  audience: optionalText({
    example: "shop",
    doc: "What the claim `aud` must be or hold. Absent = any.",
  }),
  algorithm: optionalText({
    type: algorithms,
    example: "RS256",
    doc: "The one algorithm of tokens. Absent = HS256 with a secret, RS256 with keys.",
  }),
  algorithms: optionalTexts({
    type: "array of algorithms",
    example: ["ES256", "EdDSA"],
    doc: "Instead of `algorithm`, several: all with secrets, or all with public keys. A key is used for one of them only: the `alg` it names, else the first listed that fits it.",
  }),
  secret: optionalText({
    example: "at least 32 bytes of a random secret",
    doc: "Deprecated: a secret does not belong into this file.",
  }),
  secret_env: optionalText({
    type: "environment variable",
    example: "ZION_JWT_SECRET",
    doc: "Variable with the secret of HS256, HS384 or HS512: at least 32, 48 or 64 bytes.",
  }),
  previous_secret_env: optionalText({
    type: "environment variable",
    example: "ZION_JWT_SECRET_OLD",
    doc: "Variable with the secret before that, while tokens made with it live.",
  }),
  secret_file: optionalText({
    type: "path",
    example: "jwt.secret",
    doc: "File with the secret, instead of a variable. A line end behind it is not part of it.",
  }),
  previous_secret_file: optionalText({
    type: "path",
    example: "jwt.secret.old",
    doc: "File with the secret before that.",
  }),
  keys_file: optionalText({
    type: "path",
    example: "jwt-keys.json",
    doc: "File with the public keys: PEM, a JWK or a JWK Set, at most 32. RSA keys have 2048 to 8192 bits.",
  }),
  forward_claims: flag(true, "Send `sub` as X-Auth-Subject and `email` as X-Auth-Email upstream."),
  claim_headers: claimHeaders,
  required_claims: texts({
    type: "array of claims",
    default: [],
    doc: "Claims that a token must have, and not empty. `exp` is always one.",
  }),
  roles_claim: text({
    type: "claim, or steps with dots between them",
    default: "roles",
    doc: "Where roles are: an array of strings, or words in one string.",
  }),
  leeway_secs: int({ min: 0, max: 300, default: 30, doc: "How wrong the clock of an issuer may be." }),
  max_token_lifetime_secs: int({
    min: 0,
    max: 315_360_000,
    default: 86_400,
    doc: "Longest time from `iat`, or from now without it, to `exp`: 403 above. 0 = no limit.",
  }),
});

export type AuthProfileInput = z.infer<typeof authProfile>;

/** Keys of `[[route]]`. */
export const routeAuthKeys = {
  auth_profile: optionalText({
    type: "name of an [auth_profile]",
    example: "app",
    doc: "Only requests with a good bearer token pass: 401 without one or with one that has expired, 403 for others. Absent = everyone.",
  }),
  required_scopes: texts({
    type: "array of scopes",
    default: [],
    doc: "Scopes (`scope`, `scp`) of which the token must have all: 403 otherwise.",
  }),
  required_roles: texts({
    type: "array of roles",
    default: [],
    doc: "Roles (`roles_claim`) of which the token must have one: 403 otherwise.",
  }),
};

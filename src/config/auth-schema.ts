import { z } from "zod";
import { algorithmNames } from "../identity/algorithm.ts";
import { clientNames } from "./client-auth-schema.ts";
import { choice, flag, int, keyDocs, optionalText, optionalTexts, text, texts, toml } from "./keys.ts";

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

/** Whose credentials are good. Which keys belong to which kind: auth.ts. */
export const authProfile = z.strictObject({
  kind: choice(
    ["jwt", "api_key", "basic", "client_cert", "forward"],
    "jwt",
    "What clients bring along: bearer tokens (jwt), an API key, a name and a password (basic), the certificate of their connection (client_cert), or whatever a service of yours asks for (forward).",
  ),
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
  jwks_url: optionalText({
    type: "URL",
    example: "https://login.example.org/keys.json",
    doc: "Where the issuer publishes its public keys, as a JWK Set of at most 64 KiB and 32 keys. Fetched at the start, every hour, and when a token names a key that is not known, at most every 30 s. While it fails, the last keys hold for an hour longer. https, or http on loopback.",
  }),
  jwks_ca_file: optionalText({
    type: "path",
    example: "issuer-ca.pem",
    doc: "Authorities for the certificate at `jwks_url`, instead of the public ones.",
  }),
  jwks_private_networks: texts({
    type: "array of CIDR blocks",
    default: [],
    doc: "Private addresses that the name in `jwks_url` may lead to. Others refuse the fetch.",
  }),
  api_keys_file: optionalText({
    type: "path",
    example: "api-keys.txt",
    doc: "API keys, one a line: id, SHA-256 of the key, scopes. `zion api-key ID` makes a key and its line.",
  }),
  api_key_header: optionalText({
    type: "field name",
    example: "X-API-Key",
    doc: "Field that API keys come in; it does not go upstream. Absent = X-API-Key.",
  }),
  users_file: optionalText({
    type: "path",
    example: "users.txt",
    doc: "Names and passwords, one a line: name, colon, scrypt hash. `zion password NAME` makes the line.",
  }),
  client_names: optionalTexts({
    ...clientNames,
    doc: "Names (subjectAltName) of which the client's certificate must have one. Absent, without fingerprints too = every certificate that is good for the host.",
  }),
  client_fingerprints: optionalTexts({
    type: "array of SHA-256 fingerprints",
    example: ["sha256:6f1ed002ab5595859014ebf0951522d9ae9f0b4c5e7b1a8d3c2f4e6a8b0c1d2e"],
    doc: "Certificates that are taken whatever their names, by the SHA-256 of their DER.",
  }),
  service_upstream: optionalText({
    type: "name of an [upstream]",
    example: "auth",
    doc: "Service that is asked about every request: 2xx lets in, 401 and 403 refuse, everything else is 503.",
  }),
  service_path: optionalText({
    type: "path",
    example: "/verify",
    doc: "Where the service is asked, with GET. Absent = /.",
  }),
  request_fields: optionalTexts({
    type: "array of field names",
    example: ["Authorization", "Cookie"],
    doc: "Fields of the request that the service is sent, beside X-Forwarded-Method and X-Forwarded-Uri. Absent = Authorization and Cookie.",
  }),
  answer_fields: texts({
    type: "array of field names",
    default: [],
    doc: "Fields of the service's answer that the upstream is sent. What clients send under these names is removed, on every route.",
  }),
  timeout_ms: int({ min: 10, max: 60_000, default: 1000, doc: "How long the service may take." }),
  cache_secs: int({
    min: 0,
    max: 3600,
    default: 0,
    doc: "How long a 2xx holds for the same client, method, target and fields. 0 = every request is asked about.",
  }),
  forward_claims: flag(
    true,
    "Send `sub`, the id of the API key or the user's name as X-Auth-Subject upstream, and `email` as X-Auth-Email.",
  ),
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

const profileNames = z
  .union([z.string(), z.array(z.string())], { error: "expected a name or an array of names" })
  .optional();
keyDocs.add(profileNames, {
  type: "name of an [auth_profile], or array of them",
  preset: undefined,
  example: toml("app"),
  doc: "Only requests with good credentials of one of them pass: 401 without any and with expired ones, 403 for others. Several: other kinds of credentials, or other issuers. Absent = everyone.",
});

/** Keys of `[[route]]`. */
export const routeAuthKeys = {
  auth_profile: profileNames,
  required_scopes: texts({
    type: "array of scopes",
    default: [],
    doc: "Scopes (`scope`, `scp`, or those of the API key) of which all are needed: 403 otherwise.",
  }),
  required_roles: texts({
    type: "array of roles",
    default: [],
    doc: "Roles (`roles_claim`) of which the token must have one: 403 otherwise.",
  }),
};

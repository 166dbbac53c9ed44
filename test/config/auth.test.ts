import assert from "node:assert/strict";
import { test } from "node:test";
import type { ParseOptions } from "../../src/config/parse.ts";
import { codesAt, goodConfig, minimal, parseText, withFiles } from "../support/config-case.ts";
import { jwks, makeKeys } from "../support/tokens.ts";

const { rsa, ec } = makeKeys();
const secret = "0123456789abcdef0123456789abcdef";

const options: ParseOptions = {
  ...withFiles({
    "/etc/zion/keys.json": jwks([rsa.publicKey, { kid: "r" }]),
    "/etc/zion/two.json": jwks([rsa.publicKey, { kid: "r", alg: "PS256" }], [ec.publicKey, { kid: "e" }]),
    "/etc/zion/private.pem": rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    "/etc/zion/secret": `${secret}\n`,
  }),
  environment: (name) => ({ JWT: secret, SHORT: "short", EMPTY: "" })[name],
};

/** Lines from line 10: in the route of the smallest config, then in the profile that it uses. */
const config = (profile: string, route = 'auth_profile = "users"'): string =>
  `${minimal}${route}\n[auth_profile.users]\n${profile}\n`;

const cases: readonly (readonly [title: string, toml: string, ...found: readonly string[]])[] = [
  ["no key", config('issuer = "a"'), "Z1046 11:15"],
  ["two sources of keys", config('keys_file = "keys.json"\nsecret_env = "JWT"'), "Z1214 12:13"],
  ["a file that is not there", config('keys_file = "none"'), "Z1301 12:13"],
  ["a private key", config('keys_file = "private.pem"'), "Z1307 12:13"],
  ["a variable that is not set", config('secret_env = "NONE"'), "Z1307 12:14"],
  ["a variable that is empty", config('secret_env = "EMPTY"'), "Z1307 12:14"],
  ["a secret that can be guessed", config('secret_env = "SHORT"'), "Z1307 12:14"],
  ["a secret too short for HS512", config('algorithm = "HS512"\nsecret_env = "JWT"'), "Z1307 13:14"],
  ["a secret in the file", config(`secret = "${secret}"`), "Z2112 12:10"],
  ["no algorithm", config('algorithms = []\nkeys_file = "keys.json"'), "Z1106 12:14"],
  ["alg none", config('algorithm = "none"\nkeys_file = "keys.json"'), "Z1106 12:13"],
  [
    "HMAC with public keys",
    config('algorithms = ["RS256", "HS256"]\nkeys_file = "keys.json"'),
    "Z1106 12:24",
  ],
  ["RSA with a secret", config('algorithm = "RS256"\nsecret_env = "JWT"'), "Z1106 12:13"],
  [
    "one algorithm and several",
    config('algorithms = ["RS256"]\nalgorithm = "RS256"\nkeys_file = "keys.json"'),
    "Z1214 13:13",
  ],
  [
    "a field that means something else",
    config('keys_file = "keys.json"\nclaim_headers = { a = "Host" }'),
    "Z1106 13:23",
  ],
  [
    "a field for two claims",
    config('keys_file = "keys.json"\nclaim_headers = { a = "X-A", b = "x-a" }'),
    "Z1106 13:34",
  ],
  ["a key of later", config('jwks_url = "https://id.test/keys"\nkeys_file = "keys.json"'), "Z1047 12:1"],
  ["a profile that is not there", config('secret_env = "JWT"', 'auth_profile = "user"'), "Z1210 10:16"],
  [
    "scopes without tokens",
    config('secret_env = "JWT"', 'required_scopes = ["a"]'),
    "Z1214 10:19",
    "Z2108 11:15",
  ],
  [
    "public, and asks for tokens",
    config('secret_env = "JWT"', 'public = true\nauth_profile = "users"'),
    "Z1214 10:10",
  ],
];

for (const [title, toml, ...found] of cases)
  test(`${title}: ${found.join(", ")}`, () => {
    assert.deepEqual(codesAt(toml, options), found);
  });

test("what a message says never holds a secret", () => {
  const outcome = parseText(config(`algorithm = "HS512"\nsecret = "${secret}"`), options);
  assert.equal(outcome.config, undefined);
  assert.ok(!JSON.stringify(outcome.diagnostics).includes(secret));
});

test("a profile has one algorithm per key", () => {
  const [profile] = goodConfig(
    config('algorithms = ["RS256", "PS256", "ES256"]\nkeys_file = "two.json"'),
    options,
  ).authProfiles;
  assert.deepEqual(
    profile!.keys.map(({ kid, algorithm }) => [kid, algorithm]),
    [
      ["r", "PS256"],
      ["e", "ES256"],
    ],
  );
});

test("a secret from a file is one without its line end", () => {
  const [profile] = goodConfig(
    config('secret_file = "secret"\nprevious_secret_env = "JWT"\nforward_claims = false'),
    options,
  ).authProfiles;
  const expected = { kid: undefined, algorithm: "HS256", secret: btoa(secret), publicPem: undefined };
  assert.deepEqual([profile!.keys, profile!.fields], [[expected, expected], []]);
});

test("require_route_auth takes auth_profile for an answer", () => {
  const asked = (route: string) =>
    parseText(
      config('secret_env = "JWT"', route).replace("[server]", "[server]\nrequire_route_auth = true"),
      options,
    );
  assert.notEqual(asked('auth_profile = "users"').config, undefined);
  assert.deepEqual(
    asked("").diagnostics.map(({ code }) => code),
    ["Z1224", "Z2108"],
  );
});

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
    "/etc/zion/bad.txt": "# keys\nann\n",
    "/etc/zion/api.txt": `ci ${"0".repeat(64)} read\n`,
    "/etc/zion/users.txt": `ann:$scrypt$ln=14,r=8,p=1$${"A".repeat(22)}$${"A".repeat(43)}\n`,
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
  [
    "a URL and a file of keys",
    config('jwks_url = "https://id.test/keys"\nkeys_file = "keys.json"'),
    "Z1214 12:12",
  ],
  ["keys that travel without TLS", config('jwks_url = "http://id.test/keys"'), "Z1106 12:12"],
  ["keys from no URL", config('jwks_url = "id.test/keys"'), "Z1106 12:12"],
  ["a password in a URL", config('jwks_url = "https://a:b@id.test/keys"'), "Z1106 12:12"],
  [
    "an authority that is not there",
    config('jwks_url = "https://id.test/keys"\njwks_ca_file = "none"'),
    "Z1301 13:16",
  ],
  [
    "a network that is none",
    config('jwks_url = "https://id.test/"\njwks_private_networks = ["10.0.0.0/33"]\naudience = "a"'),
    "Z1102 13:26",
  ],
  ["tokens for every audience", config('jwks_url = "https://id.test/keys"'), "Z2115 12:12"],
  ["API keys without a file", config('kind = "api_key"'), "Z1046 11:15"],
  [
    "API keys in a file that is damaged",
    config('kind = "api_key"\napi_keys_file = "bad.txt"'),
    "Z1311 13:17",
  ],
  [
    "a header that frames requests",
    config('kind = "api_key"\napi_keys_file = "api.txt"\napi_key_header = "Host"'),
    "Z1106 14:18",
  ],
  ["users in a file that is damaged", config('kind = "basic"\nusers_file = "bad.txt"'), "Z1311 13:14"],
  ["a key of another kind", config('kind = "basic"\nusers_file = "users.txt"\nissuer = "a"'), "Z1214 14:10"],
  ["a kind that there is not", config('kind = "digest"'), "Z1045 12:8"],
  ["a service that is not there", config('kind = "forward"\nservice_upstream = "auth"'), "Z1210 13:20"],
  ["a service without an upstream", config('kind = "forward"'), "Z1046 11:15"],
  [
    "a service at no path",
    config('kind = "forward"\nservice_upstream = "app"\nservice_path = "a b"'),
    "Z1106 14:16",
  ],
  [
    "a service that is sent what frames requests",
    config('kind = "forward"\nservice_upstream = "app"\nrequest_fields = ["Content-Length"]'),
    "Z1106 14:19",
  ],
  [
    "a service that sets a field of ours",
    config('kind = "forward"\nservice_upstream = "app"\nanswer_fields = ["X-Real-IP"]'),
    "Z1106 14:18",
  ],
  [
    "no profile in a list of them",
    config('secret_env = "JWT"', "auth_profile = []"),
    "Z1106 10:16",
    "Z2108 11:15",
  ],
  [
    "two profiles that nothing tells apart",
    config('secret_env = "JWT"', 'auth_profile = ["users", "users"]'),
    "Z1214 10:17",
    "Z1214 10:26",
  ],
  [
    "a second profile of tokens, neither with an issuer",
    `${config('secret_env = "JWT"', 'auth_profile = ["users", "more"]')}[auth_profile.more]\nsecret_env = "JWT"\n`,
    "Z1214 10:17",
    "Z1214 10:26",
  ],
  [
    "a service beside other credentials",
    `${config('secret_env = "JWT"\nissuer = "a"', 'auth_profile = ["users", "asked"]')}[auth_profile.asked]\nkind = "forward"\nservice_upstream = "app"\n`,
    "Z1214 10:26",
  ],
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

function tokenProfile(toml: string, by: ParseOptions) {
  const [profile] = goodConfig(toml, by).authProfiles;
  assert.ok(profile?.kind === "jwt");
  return profile;
}

test("a profile has one algorithm per key", () => {
  const profile = tokenProfile(
    config('algorithms = ["RS256", "PS256", "ES256"]\nkeys_file = "two.json"'),
    options,
  );
  assert.deepEqual(
    profile.keys.map(({ kid, algorithm }) => [kid, algorithm]),
    [
      ["r", "PS256"],
      ["e", "ES256"],
    ],
  );
});

test("a secret from a file is one without its line end", () => {
  const profile = tokenProfile(
    config('secret_file = "secret"\nprevious_secret_env = "JWT"\nforward_claims = false'),
    options,
  );
  const expected = { kid: undefined, algorithm: "HS256", secret: btoa(secret), publicPem: undefined };
  assert.deepEqual([profile.keys, profile.fields], [[expected, expected], []]);
});

test("one profile of tokens beside API keys needs no issuer", () => {
  const keys = '[auth_profile.keys]\nkind = "api_key"\napi_keys_file = "api.txt"\n';
  const text = config('secret_env = "JWT"', 'auth_profile = ["users", "keys"]') + keys;
  assert.deepEqual(parseText(text, options).config!.routes[0]!.auth!.profiles, ["users", "keys"]);
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

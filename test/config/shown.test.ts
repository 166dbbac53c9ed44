import assert from "node:assert/strict";
import { test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import type { Config } from "../../src/config/config.ts";
import { isSecretName } from "../../src/config/mask.ts";
import { tableSchemas } from "../../src/config/schema.ts";
import { showConfig } from "../../src/config/shown.ts";
import { digestApiKey, makeApiKey } from "../../src/identity/api-key.ts";
import { goodConfig, minimal } from "../support/config-case.ts";

const canary = "CANARY0123456789abcdef0123456789abcdef";

test("the configuration is shown with its defaults, under the names of the file", () => {
  const shown = showConfig(goodConfig(minimal)) as {
    server: Record<string, unknown>;
    routes: { path: string }[];
    waf: { rules: { name: string }[] };
  };
  assert.equal(shown.server["max_body_mb"], 10);
  assert.equal(shown.routes[0]!.path, "/");
  assert.ok(shown.waf.rules.some(({ name }) => /sql/i.test(name)));
  assert.ok(JSON.stringify(shown).length < 100_000);
});

test("no secret of a configuration is shown, whichever key it is behind", () => {
  const { certPem, keyPem } = makeSelfSigned({ names: ["a.test"], days: 1 });
  const pair = { certPath: "/c.pem", keyPath: "/k.pem", certPem, keyPem };
  const apiKey = makeApiKey();
  const base = goodConfig(minimal);
  const config = {
    ...base,
    tls: { minVersion: "1.3", default: pair, sni: [{ ...pair, serverName: "a.test", second: pair }] },
    upstreams: base.upstreams.map((one) => ({ ...one, clientKeyPem: keyPem, clientCertPem: certPem })),
    authProfiles: [
      { kind: "jwt", name: "a", keys: [{ kid: "1", algorithm: "HS256", secret: canary }] },
      { kind: "api_key", name: "b", entries: [{ name: "ann", sha256: digestApiKey(apiKey), scopes: ["x"] }] },
      { kind: "basic", name: "c", entries: [{ name: "bob", logN: 15, salt: canary, digest: canary }] },
      { kind: "jwt", name: "d", keySource: { url: `https://u:${canary}@issuer.test/keys` } },
    ],
    redact: { ...base.redact, ip: "hmac", ipKey: canary },
  };
  const text = JSON.stringify(showConfig(config as unknown as Config));
  for (const secret of [canary, apiKey, digestApiKey(apiKey), keyPem.split("\n")[1]!])
    assert.ok(!text.includes(secret), secret);
  for (const shown of ["ann", "bob", "issuer.test", "/k.pem", "<redacted>"])
    assert.ok(text.includes(shown), shown);
});

test("every secret key that the schema has, or gets, is hidden wherever its value comes to stand", () => {
  const names = tableSchemas.flatMap(({ keys }) => Object.keys(keys));
  const secrets = names.filter((name) => isSecretName(name));
  assert.ok(secrets.includes("secret"));
  const camel = (name: string) => name.replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase());
  // What the file of a key that names one holds, under the name that is left without it.
  const held = names
    .flatMap((name) => /^(.*)_(?:file|env|path)$/.exec(name)?.[1] ?? [])
    .filter((name) => isSecretName(name));
  assert.ok(held.includes("password") && held.includes("client_key"));
  for (const name of [...secrets, ...held]) {
    for (const value of [canary, { value: canary }, [canary], new TextEncoder().encode(canary)]) {
      const planted = {
        ...goodConfig(minimal),
        extra: { [camel(name)]: value, list: [{ [camel(name)]: value }] },
      };
      assert.ok(!JSON.stringify(showConfig(planted as unknown as Config)).includes("CANARY"), name);
    }
  }
});

test("what a limit counts by, and where keys are, is no secret", () => {
  const toml = `${minimal}
[limit.one]
rate = 1
window_secs = 1
key = ["address"]
`;
  const base = goodConfig(toml);
  const audit = { key: { file: "/etc/zion/audit.key", variable: undefined } };
  const text = JSON.stringify(showConfig({ ...base, audit } as unknown as Config));
  assert.match(text, /"kind":"address"/);
  assert.match(text, /audit\.key/);
});

test("contents of files are shown as their size and hash, and long lists by their beginning", () => {
  const base = goodConfig(minimal);
  const lists = [
    { name: "x", action: "deny", v4: "x".repeat(5000), v6: "", userAgents: Array(500).fill("bot") },
  ];
  const shown = showConfig({ ...base, lists } as unknown as Config) as {
    lists: { v4: string; user_agents: string[] }[];
  };
  assert.match(shown.lists[0]!.v4, /^<5000 bytes, sha256 [0-9a-f]{16}…>$/);
  assert.deepEqual(
    [shown.lists[0]!.user_agents.length, shown.lists[0]!.user_agents.at(-1)],
    [201, "<300 more>"],
  );
});

test("what only upstreams get is not shown: credentials for them stand there under names of any kind", () => {
  const toml = minimal.replace(
    /(\[\[route\]\][^[]*)/,
    `$1
[route.request_headers.set]
Authorization = "Bearer ${canary}"
X-Origin-Verify = "${canary}"
X-Client = "{client_ip}"
[route.request_headers.default]
X-Who = "${canary} of {host}"
[route.rewrite.query_set]
sig = "${canary}"

`,
  );
  const text = JSON.stringify(showConfig(goodConfig(toml)));
  assert.ok(!text.includes("CANARY"), text.slice(text.indexOf("CANARY") - 200, text.indexOf("CANARY") + 40));
  for (const shown of ["X-Origin-Verify", "{client_ip}", '["sig","<redacted>"]'])
    assert.ok(text.includes(shown), shown);
});

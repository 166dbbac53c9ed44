import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openClientAuthority } from "../support/client-ca.ts";
import { certificate, codesAt, goodConfig, parseText, withFiles } from "../support/config-case.ts";

const root = openClientAuthority("Root");
const below = root.authority("Below");
const stranger = openClientAuthority("Stranger");
const leaf = root.issue("leaf");
const text = (file: string): string => readFileSync(file, "latin1");
const pair = certificate();
const files = {
  "/etc/zion/a.crt": pair.certPem,
  "/etc/zion/a.key": pair.keyPem,
  "/etc/zion/ca.pem": root.certPem,
  "/etc/zion/both.pem": below.certPem + root.certPem,
  "/etc/zion/below.pem": below.certPem,
  "/etc/zion/leaf.pem": root.certPem + leaf.certPem,
  "/etc/zion/other.pem": stranger.certPem,
  "/etc/zion/good.crl": text(root.crl("good")),
  "/etc/zion/old.crl": text(root.crl("old", { fromDays: -9, untilDays: -2 })),
  "/etc/zion/stranger.crl": text(stranger.crl("stranger")),
  "/etc/zion/broken.crl": text(root.crl("whole")).replace(/.{5}\n-----END/, "\n-----END"),
  "/etc/zion/cut.crl": text(root.crl("whole2")).replace(/-----END[\s\S]*/, ""),
  "/etc/zion/none.crl": "nothing",
};
const options = withFiles(files);

/** `[tls]` is on line 8, its further keys from line 11. */
const withTls = (lines: string, rest = ""): string => `[server]
listen_https = "0.0.0.0:8443"
[upstream.app]
url = "http://127.0.0.1:3000"
[[route]]
path = "/"
upstream = "app"
[tls]
cert_path = "a.crt"
key_path = "a.key"
${lines}
${rest}`;

const row = `[[tls.sni]]
server_name = "b.test"
cert_path = "a.crt"
key_path = "a.key"
`;

test("nobody is asked for anything when nothing is said", () => {
  assert.equal(goodConfig(withTls(""), options).tls!.clientAuth, undefined);
});

test("authorities, names and lists are read, and lists are named by who signed them", () => {
  const { clientAuth } = goodConfig(
    withTls(`client_auth = "required"
client_ca_path = "both.pem"
client_crl_path = "good.crl"
client_crl_enforce_next_update = true
client_names = ["dns:*.Clients.test", "uri:spiffe://x.test/team/*", "email:*@x.test"]`),
    options,
  ).tls!;
  assert.equal(clientAuth!.mode, "required");
  assert.equal(clientAuth!.caPem?.split("BEGIN CERTIFICATE").length, 3);
  assert.deepEqual(clientAuth!.names, [
    { kind: "dns", value: "clients.test", open: true },
    { kind: "uri", value: "spiffe://x.test/team/", open: true },
    { kind: "email", value: "x.test", open: true },
  ]);
  assert.equal(clientAuth!.revocation!.enforced, true);
  assert.equal(clientAuth!.revocation!.lists.length, 1);
});

test("a name's own rules stand on their own where they name authorities, else on [tls]'s", () => {
  const { sni } = goodConfig(
    withTls(
      'client_ca_path = "ca.pem"\nclient_crl_path = "good.crl"\nclient_names = ["dns:a.test"]',
      `${row}client_auth = "required"
${row.replace("b.test", "c.test")}client_auth = "optional"
client_ca_path = "other.pem"
${row.replace("b.test", "d.test")}`,
    ),
    options,
  ).tls!;
  assert.equal(sni[0]!.clientAuth!.mode, "required");
  assert.equal(sni[0]!.clientAuth!.revocation!.lists.length, 1);
  assert.deepEqual(sni[0]!.clientAuth!.names.length, 1);
  assert.equal(sni[1]!.clientAuth!.revocation, undefined);
  assert.deepEqual(sni[1]!.clientAuth!.names, []);
  assert.equal(sni[2]!.clientAuth, undefined);
});

const ask = 'client_auth = "required"\n';
const wrong: readonly (readonly [title: string, toml: string, ...found: string[]])[] = [
  ["a demand without authorities", withTls(ask), "Z1214 11:15"],
  ["names without authorities", withTls('client_names = ["dns:a.test"]'), "Z1214 11:16"],
  ["lists without authorities", withTls('client_crl_path = "good.crl"'), "Z1214 11:19"],
  [
    "nextUpdate without lists",
    withTls(`${ask}client_ca_path = "ca.pem"\nclient_crl_enforce_next_update = true`),
    "Z1214 13:34",
  ],
  ["another mode", withTls('client_auth = "demand"'), "Z1045 11:15"],
  ["a file that is not there", withTls(`${ask}client_ca_path = "gone.pem"`), "Z1301 12:18"],
  ["a certificate of a client for an authority", withTls(`${ask}client_ca_path = "leaf.pem"`), "Z1331 12:18"],
  ["an intermediate without its root", withTls(`${ask}client_ca_path = "below.pem"`), "Z1331 12:18"],
  ["the gateway's own certificate", withTls(`${ask}client_ca_path = "a.crt"`), "Z1331 12:18"],
  ...["stranger", "broken", "cut", "none"].map(
    (name) =>
      [
        `a list that is ${name}`,
        withTls(`${ask}client_ca_path = "ca.pem"\nclient_crl_path = "${name}.crl"`),
        "Z1332 13:19",
      ] as const,
  ),
  [
    "names that no certificate has",
    withTls(
      `${ask}client_ca_path = "ca.pem"\nclient_names = ["a.test", "dns:*", "dns:a b", "uri:*", "uri:x", "email:a", "dns:a.*.test", "ip:1.2.3.4", "uri:https://*"]`,
    ),
    ...[17, 27, 36, 47, 56, 65, 76, 92, 106].map((column) => `Z1106 13:${column}`),
  ],
  [
    "lists for a name whose authorities are [tls]'s",
    withTls('client_ca_path = "ca.pem"\nclient_auth = "optional"', `${row}client_crl_path = "good.crl"`),
    // The row's certificate is for another name.
    "Z2106 15:13",
    "Z1214 17:19",
  ],
  [
    "a route that asks, without authorities for its hosts",
    withTls("").replace('upstream = "app"\n', 'upstream = "app"\nclient_auth = "required"\n'),
    "Z1214 8:15",
  ],
  [
    "a route with a profile of certificates, without authorities for its hosts",
    withTls("", '[auth_profile.c]\nkind = "client_cert"').replace(
      'upstream = "app"\n',
      'upstream = "app"\nauth_profile = "c"\n',
    ),
    "Z1214 8:16",
  ],
  [
    "a profile of certificates with keys of another kind, and no fingerprint",
    withTls(
      'client_ca_path = "ca.pem"',
      '[auth_profile.c]\nkind = "client_cert"\nissuer = "x"\nclient_fingerprints = ["12:34"]',
    ).replace('upstream = "app"\n', 'upstream = "app"\nauth_profile = "c"\n'),
    "Z1214 15:10",
    "Z1106 16:24",
  ],
  [
    "a public route that asks",
    withTls('client_ca_path = "ca.pem"').replace(
      'upstream = "app"\n',
      'upstream = "app"\npublic = true\nclient_auth = "required"\n',
    ),
    "Z1214 8:10",
  ],
];
for (const [title, toml, ...found] of wrong) {
  test(`refused: ${title}`, () => {
    assert.deepEqual(codesAt(toml, options), found);
    assert.equal(parseText(toml, options).config, undefined);
  });
}

const doubtful: readonly (readonly [title: string, toml: string, ...found: string[]])[] = [
  ["authorities that nobody needs", withTls('client_ca_path = "ca.pem"'), "Z2162 11:18"],
  [
    "an authority without a list",
    withTls(`${ask}client_ca_path = "both.pem"\nclient_crl_path = "good.crl"`),
    "Z2161 13:19",
  ],
  [
    "a list past its nextUpdate",
    withTls(`${ask}client_ca_path = "ca.pem"\nclient_crl_path = "old.crl"`),
    "Z2161 13:19",
  ],
];
for (const [title, toml, ...found] of doubtful) {
  test(`warned of: ${title}`, () => {
    assert.deepEqual(codesAt(toml, options), found);
    assert.notEqual(parseText(toml, options).config, undefined);
  });
}

test("a route that asks is content with the authorities of its host's own row", () => {
  const toml = withTls("", `${row}client_ca_path = "ca.pem"`).replace(
    'upstream = "app"\n',
    'upstream = "app"\nhosts = ["b.test"]\nclient_auth = "optional"\n',
  );
  assert.equal(goodConfig(toml, options).routes[0]!.clientAuth, "optional");
});

test("a route with a profile of certificates has its hosts ask for one, and not insist", () => {
  const toml = withTls('client_ca_path = "ca.pem"', '[auth_profile.c]\nkind = "client_cert"').replace(
    'upstream = "app"\n',
    'upstream = "app"\nauth_profile = "c"\n',
  );
  assert.deepEqual(codesAt(toml, options), []);
  assert.equal(goodConfig(toml, options).routes[0]!.clientAuth, "optional");
});

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { codesAt, goodConfig, withFiles } from "../support/config-case.ts";

const used = `[server]
listen_http = "0.0.0.0:80"
listen_https = "0.0.0.0:443"
state_dir = "/var/lib/zion"

[upstream.app]
url = "http://127.0.0.1:3000"

[[route]]
path = "/"
upstream = "app"

[tls.acme]
terms_agreed = true
`;
const hmac = "c2VjcmV0IGtleSBmb3IgdGVzdHM";
const files = {
  "/eab": `${hmac}\n`,
  "/no-key": "no key\n",
  "/ca": makeSelfSigned({ names: ["ca"], days: 1 }).certPem,
};
const options = {
  ...withFiles(files),
  environment: (name: string) => (name === "EAB" ? hmac : undefined),
};
const shop = 'domains = ["shop.test"]\n';

/** Lines from line 15. */
const cases: readonly (readonly [title: string, lines: string, ...found: string[]])[] = [
  ["no names", "", "Z1046 13:6"],
  ["an empty list", "domains = []", "Z1106 15:11"],
  ["a wildcard", 'domains = ["*.shop.test"]', "Z1262 15:12"],
  ["an address", 'domains = ["192.0.2.7"]', "Z1262 15:12"],
  ["what is no name", 'domains = ["shop test"]', "Z1103 15:12"],
  ["a name twice", 'domains = ["shop.test", "SHOP.test"]', "Z1211 15:25"],
  ["a CA without TLS", `${shop}directory_url = "http://ca.test/dir"`, "Z1106 16:17"],
  ["a CA that is no URL", `${shop}directory_url = "ca.test"`, "Z1106 16:17"],
  ["what is no mail address", `${shop}email = "ops"`, "Z1106 16:9"],
  ["a private CA that cannot be read", `${shop}ca_path = "/x"`, "Z1301 16:11"],
  ["a binding without a key", `${shop}eab_key_id = "1"`, "Z1046 13:6"],
  ["a key without its id", `${shop}eab_hmac_env = "EAB"`, "Z1046 13:6"],
  ["two keys", `${shop}eab_key_id = "1"\neab_hmac_env = "EAB"\neab_hmac_file = "/eab"`, "Z1214 17:16"],
  ["a variable that is not set", `${shop}eab_key_id = "1"\neab_hmac_env = "NONE"`, "Z1106 17:16"],
  ["a file without a key", `${shop}eab_key_id = "1"\neab_hmac_file = "/no-key"`, "Z1106 17:17"],
  ["a challenge that there is not", `${shop}challenge = "dns-01"`, "Z1045 16:13"],
  [
    "an account that is not there",
    `${shop}[[tls.acme.certificate]]\ndomains = ["b.test"]\naccount = "other"`,
    "Z1210 18:11",
  ],
  [
    "an account without terms",
    `${shop}[tls.acme.account.other]\n[[tls.acme.certificate]]\ndomains = ["b.test"]\naccount = "other"`,
    "Z1261 16:19",
  ],
  ["a certificate without names", `${shop}[[tls.acme.certificate]]`, "Z1046 16:12"],
  [
    "a name that has a certificate already",
    `${shop}[[tls.acme.certificate]]\ndomains = ["b.test", "shop.test"]`,
    "Z1211 17:22",
  ],
];

for (const [title, lines, ...found] of cases) {
  test(`points at ${title}`, () => {
    assert.deepEqual(codesAt(`${used}${lines}\n`, options), found);
  });
}

test("points at terms that nobody agreed to", () => {
  assert.deepEqual(codesAt(`${used.replace("terms_agreed = true\n", "")}${shop}`), ["Z1261 13:6"]);
});

test("points at a place to keep keys that is missing or forbidden", () => {
  const nowhere = used.replace('state_dir = "/var/lib/zion"\n', "\n");
  assert.deepEqual(codesAt(`${nowhere}${shop}`), ["Z1046 13:6"]);
  assert.deepEqual(codesAt(`${nowhere}${shop}state_dir = "/keys"\n`), []);
  assert.deepEqual(codesAt(`amnesia = true\n${nowhere}${shop}`), ["Z1106 14:6"]);
});

test("warns of ports that the CA does not come to", () => {
  const elsewhere = used.replace("0.0.0.0:80", "0.0.0.0:8080").replace("0.0.0.0:443", "0.0.0.0:8443");
  assert.deepEqual(codesAt(`${elsewhere}${shop}`), ["Z2151 13:6"]);
  assert.deepEqual(codesAt(`${elsewhere}${shop}challenge = "tls-alpn-01"\n`), ["Z2151 16:1"]);
  assert.deepEqual(codesAt(`${used.replace('listen_http = "0.0.0.0:80"', "")}${shop}`), ["Z2151 13:6"]);
});

test("warns of a name that no route answers to", () => {
  const hosts = used.replace('upstream = "app"\n', 'upstream = "app"\nhosts = ["shop.test", "*.b.test"]\n');
  assert.deepEqual(codesAt(`${hosts}domains = ["shop.test", "a.b.test", "shpo.test", "b.test"]\n`), [
    "Z2152 16:37",
    "Z2152 16:50",
  ]);
});

test("accounts and certificates start from what [tls.acme] says", () => {
  const { tls } = goodConfig(
    `${used}${shop}email = "a@b.test"\nkey_type = "rsa-2048"\nrenew_before_days = 10
[tls.acme.account.other]
directory_url = "https://ca.test/dir"
terms_agreed = true
eab_key_id = "1"
eab_hmac_file = "/eab"
[[tls.acme.certificate]]
domains = ["B.test", "c.test"]
account = "other"
challenge = "tls-alpn-01"\n`,
    options,
  );
  const { directory, certificates } = tls!.acme!;
  assert.equal(directory, "/var/lib/zion/acme");
  const [first, second] = certificates;
  assert.deepEqual(
    [first!.name, first!.keyType, first!.challenge, first!.renewBeforeDays, first!.account.email],
    ["shop.test", "rsa-2048", "http-01", 10, "a@b.test"],
  );
  assert.deepEqual(second!.domains, ["b.test", "c.test"]);
  assert.deepEqual([second!.keyType, second!.challenge], ["rsa-2048", "tls-alpn-01"]);
  assert.deepEqual(second!.account.binding, { keyId: "1", variable: undefined, file: "/eab" });
  assert.notEqual(first!.account.id, second!.account.id);
  assert.ok(!JSON.stringify(tls).includes(hmac), "the binding's key is nowhere in the configuration");
});

test("a self-signed certificate stands in until one is issued, and the issued one is served", () => {
  const path = "/var/lib/zion/acme/certificates/shop.test.pem";
  const before = goodConfig(`${used}${shop}`, options).tls!;
  assert.equal(before.acme!.certificates[0]!.issuedPem, undefined);
  assert.equal(new X509Certificate(before.default.certPem).subject, "CN=shop.test");
  assert.deepEqual(
    before.sni.map(({ serverName }) => serverName),
    ["shop.test"],
  );
  const { certPem, keyPem } = makeSelfSigned({ names: ["shop.test"], days: 90 });
  const after = goodConfig(`${used}${shop}`, withFiles({ [path]: `${keyPem}${certPem}` })).tls!;
  assert.equal(after.default.certPem, certPem);
  assert.equal(after.sni[0]!.keyPem, keyPem);
  assert.equal(after.acme!.certificates[0]!.issuedPem, certPem);
});

test("an issued certificate that is damaged, or not of its key, is told and not served", () => {
  const path = "/var/lib/zion/acme/certificates/shop.test.pem";
  const [one, other] = [
    makeSelfSigned({ names: ["shop.test"], days: 90 }),
    makeSelfSigned({ names: ["a"], days: 9 }),
  ];
  for (const text of [
    "",
    one.certPem,
    one.keyPem,
    `${one.keyPem}${other.certPem}`,
    `${one.keyPem}-----BEGIN CERTIFICATE-----`,
  ]) {
    const damaged = withFiles({ [path]: text });
    assert.deepEqual(codesAt(`${used}${shop}`, damaged), ["Z2153 13:6"]);
    assert.equal(goodConfig(`${used}${shop}`, damaged).tls!.acme!.certificates[0]!.issuedPem, undefined);
  }
});

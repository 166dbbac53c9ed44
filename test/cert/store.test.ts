import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { buildCertificateStore } from "../../src/cert/store.ts";
import type { CertificateConfig, TlsConfig } from "../../src/config/config.ts";

const fallback = certificate("default.test");
const a = certificate("a.test");
const b = certificate("b.test");

test("exact names come before wildcards, wildcards before the default", () => {
  const store = buildCertificateStore(
    config([
      ["*.a.test", b],
      ["www.a.test", a],
      ["A2.test.", a],
    ]),
  );
  const chosen = (name: string): string => store.find(name).certPath;
  assert.equal(chosen("www.a.test"), "a.test.crt");
  assert.equal(chosen("WWW.A.TEST."), "a.test.crt");
  assert.equal(chosen("a2.test"), "a.test.crt");
  assert.equal(chosen("other.a.test"), "b.test.crt");
  for (const name of [
    "a.test",
    "x.y.a.test",
    "",
    "*.a.test",
    ".a.test",
    "x.a.test\0",
    "__proto__",
    "toString",
  ]) {
    assert.equal(chosen(name), "default.test.crt", JSON.stringify(name));
    assert.equal(store.match(name), undefined);
  }
});

test("ids tell certificates apart, not names; the default is 0", () => {
  const store = buildCertificateStore(
    config([
      ["a.test", a],
      ["*.a.test", a],
      ["b.test", b],
      ["default.test", fallback],
    ]),
  );
  assert.deepEqual(
    store.entries.map(({ id, certPath }) => [id, certPath]),
    [
      [0, "default.test.crt"],
      [1, "a.test.crt"],
      [2, "b.test.crt"],
    ],
  );
  assert.equal(store.find("a.test").id, store.find("x.a.test").id);
  assert.equal(store.match("default.test"), store.default);
});

test("the 421 question: SNI against Host", () => {
  const store = buildCertificateStore(
    config([
      ["a.test", a],
      ["*.a.test", a],
      ["b.test", b],
    ]),
  );
  assert.ok(store.isSameCertificate("a.test", "A.TEST"));
  assert.ok(store.isSameCertificate("a.test", "x.a.test"));
  assert.ok(store.isSameCertificate("", "unknown.test"));
  assert.ok(!store.isSameCertificate("a.test", "b.test"));
  assert.ok(!store.isSameCertificate("", "a.test"));
  assert.ok(!store.isSameCertificate("a.test", "unknown.test"));
});

test("find is total: any string gives an entry of the store", () => {
  const store = buildCertificateStore(
    config([
      ["*.a.test", a],
      ["b.test", b],
    ]),
  );
  const hostile = fc.constantFrom(
    "constructor",
    "__proto__.a.test",
    "*.a.test",
    "a.test",
    "b.test\0",
    "B.TEST",
  );
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), hostile), (name) => {
      assert.ok(store.entries.includes(store.find(name)));
    }),
  );
});

test("knows when each certificate ends", () => {
  const store = buildCertificateStore(config([]));
  const days = (store.default.notAfterMs - Date.now()) / 86_400_000;
  assert.ok(days > 1.9 && days <= 2, String(days));
});

test("refuses a key that does not belong to the certificate, naming both files", () => {
  assert.throws(() => buildCertificateStore(config([["a.test", { ...a, keyPem: b.keyPem }]])), {
    message: "key a.test.key does not belong to certificate a.test.crt",
  });
});

test("refuses what cannot be read or used, naming the file and never the key", () => {
  const encrypted = generateKeyPairSync("ec", {
    namedCurve: "prime256v1",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" },
  });
  const cut = a.certPem.slice(0, 200);
  const cases: readonly (readonly [Partial<CertificateConfig>, RegExp])[] = [
    [{ certPem: "" }, /^certificate a\.test\.crt cannot be read: it holds no PEM certificate/],
    [{ certPem: a.keyPem }, /^certificate a\.test\.crt cannot be read: it holds no PEM certificate/],
    [{ certPem: cut }, /^certificate a\.test\.crt cannot be read: a PEM block has no end/],
    [{ certPem: a.certPem + cut }, /^certificate a\.test\.crt cannot be read: a PEM block has no end/],
    [{ certPem: a.certPem + a.certPem.replace(/M/g, "N") }, /^certificate a\.test\.crt cannot be read/],
    [{ keyPem: "" }, /^key a\.test\.key cannot be read/],
    [{ keyPem: a.certPem }, /^key a\.test\.key cannot be read/],
    [{ keyPem: encrypted.privateKey }, /^key a\.test\.key cannot be read/],
  ];
  for (const [change, message] of cases) {
    assert.throws(
      () => buildCertificateStore(config([["a.test", { ...a, ...change }]])),
      (error: Error) => message.test(error.message) && !error.message.includes(a.keyPem.slice(30, 80)),
      String(message),
    );
  }
});

test("refuses server names that are no host names, and the same name twice", () => {
  for (const name of ["", "*", "*.", "*.*.a", "a.*", "a b", "ü.test"]) {
    assert.throws(() => buildCertificateStore(config([[name, a]])), /is not a host name/, name);
  }
  for (const names of [
    ["a.test", "A.test."],
    ["*.a.test", "*.A.test"],
  ]) {
    const rows = names.map((name): [string, CertificateConfig] => [name, a]);
    assert.throws(() => buildCertificateStore(config(rows)), /configured twice/);
  }
});

function certificate(name: string): CertificateConfig {
  return { certPath: `${name}.crt`, keyPath: `${name}.key`, ...makeSelfSigned({ names: [name], days: 2 }) };
}

function config(sni: readonly (readonly [string, CertificateConfig])[]): TlsConfig {
  return {
    minVersion: "1.3",
    alpn: ["http/1.1"],
    sessionTickets: 2,
    pqMode: "prefer",
    default: fallback,
    sni: sni.map(([serverName, pair]) => ({ serverName, ...pair })),
  };
}

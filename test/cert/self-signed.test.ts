import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { newDirectory } from "../support/directory.ts";

const names = ["localhost", "*.a.example", "127.0.0.1", "::1", "2001:db8::ff00:42:8329", "::ffff:192.0.2.1"];

test("a self-signed certificate holds its names, is no CA and belongs to its key", () => {
  const { certPem, keyPem } = makeSelfSigned({ names, days: 30 });
  const certificate = new X509Certificate(certPem);
  assert.equal(certificate.subject, "CN=localhost");
  assert.equal(certificate.issuer, "CN=localhost");
  assert.equal(certificate.ca, false);
  assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1"]); // Node means extKeyUsage: serverAuth
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
  assert.ok(certificate.verify(certificate.publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(keyPem)));
  assert.equal(certificate.checkHost("localhost"), "localhost");
  assert.equal(certificate.checkHost("x.a.example"), "*.a.example");
  assert.equal(certificate.checkHost("a.example"), undefined);
  for (const address of names.slice(2)) assert.ok(certificate.checkIP(address), address);
  assert.equal(certificate.checkIP("127.0.0.2"), undefined);
});

test("is valid from a day ago for the days asked, also past 2049", () => {
  const nowMs = Date.UTC(2049, 11, 25, 3, 4, 5);
  const certificate = new X509Certificate(makeSelfSigned({ names: ["a"], days: 30, nowMs }).certPem);
  assert.equal(certificate.validFromDate.getTime(), nowMs - 86_400_000);
  assert.equal(certificate.validToDate.getTime(), nowMs + 30 * 86_400_000);
});

test("two certificates share neither key nor serial number", () => {
  const one = makeSelfSigned({ names: ["a"], days: 1 });
  const two = makeSelfSigned({ names: ["a"], days: 1 });
  assert.notEqual(one.keyPem, two.keyPem);
  assert.notEqual(
    new X509Certificate(one.certPem).serialNumber,
    new X509Certificate(two.certPem).serialNumber,
  );
});

test("refuses names that are neither DNS names nor addresses, and odd numbers of them", () => {
  for (const name of [
    "",
    "a b",
    "a..b",
    ".a",
    "a.",
    "-a",
    "*.",
    "a.*",
    "a\0b",
    "ü.example",
    "fe80::1%eth0",
    "1".repeat(64),
  ]) {
    assert.throws(() => makeSelfSigned({ names: [name], days: 1 }), JSON.stringify(name));
  }
  assert.throws(() => makeSelfSigned({ names: [], days: 1 }));
  assert.throws(() => makeSelfSigned({ names: Array<string>(101).fill("a"), days: 1 }));
  for (const days of [0, -1, 1.5, Number.NaN, 3651])
    assert.throws(() => makeSelfSigned({ names: ["a"], days }));
});

test("a hundred long names fit", () => {
  const long = Array.from({ length: 100 }, (_, i) => `${`${"a".repeat(60)}.`.repeat(3)}n${i}.example`);
  const certificate = new X509Certificate(makeSelfSigned({ names: long, days: 1 }).certPem);
  assert.equal(certificate.checkHost(long[99]!), long[99]);
});

test("openssl reads it without complaint and verifies it strictly", (t) => {
  if (spawnSync("openssl", ["version"]).status !== 0) {
    if (process.env["CI"] === "true") assert.fail("openssl is not installed");
    t.skip("openssl is not installed");
    return;
  }
  const directory = newDirectory("cert");
  const file = join(directory, "cert.pem");
  writeFileSync(file, makeSelfSigned({ names, days: 30 }).certPem);
  const shown = spawnSync("openssl", ["x509", "-in", file, "-noout", "-text"], { encoding: "utf8" });
  assert.equal(shown.status, 0, shown.stderr);
  for (const line of [
    "Version: 3",
    "CA:FALSE",
    "Digital Signature",
    "TLS Web Server Authentication",
    "DNS:*.a.example",
  ]) {
    assert.ok(shown.stdout.includes(line), line);
  }
  const arguments_ = ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost"];
  const verified = spawnSync("openssl", [...arguments_, "-CAfile", file, file], { encoding: "utf8" });
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
});

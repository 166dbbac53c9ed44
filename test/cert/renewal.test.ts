import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { renewalId, renewalMs } from "../../src/cert/renewal.ts";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { makeSigningRequest } from "../../src/cert/signing-request.ts";

const dayMs = 86_400_000;

/** One that is valid for this long from now on. */
function lasting(days: number): X509Certificate {
  return new X509Certificate(
    makeSelfSigned({ names: ["a.test"], days: days - 1, nowMs: Date.now() + dayMs }).certPem,
  );
}

test("renewal is as long before the end as asked, but never with more than a third of the life left", () => {
  for (const [days, before, expected] of [
    [90, 30, 30],
    [90, 10, 10],
    [90, 365, 30],
    [6, 30, 2],
    [200, 30, 30],
  ] as const) {
    const certificate = lasting(days);
    const leftMs = certificate.validToDate.getTime() - renewalMs(certificate, before, undefined);
    assert.ok(
      leftMs >= expected * dayMs - 1000 && leftMs <= (expected + 1) * dayMs,
      `${days} ${before}: ${leftMs / dayMs}`,
    );
    assert.ok(leftMs <= (days / 3) * dayMs * 1.1 + 1000);
    assert.equal(renewalMs(certificate, before, undefined), renewalMs(certificate, before, undefined));
  }
});

test("the CA's window counts where there is one, and certificates are spread over it", () => {
  const window = { startMs: 1000, endMs: 2000 };
  const moments = Array.from({ length: 50 }, () => renewalMs(lasting(90), 30, window));
  assert.ok(moments.every((ms) => ms >= 1000 && ms <= 2000));
  assert.ok(Math.max(...moments) - Math.min(...moments) > 500, "not all at once");
});

test("a window that is too late does not let the certificate end", () => {
  const certificate = lasting(90);
  const endMs = certificate.validToDate.getTime();
  const window = { startMs: endMs + dayMs, endMs: endMs + 2 * dayMs };
  assert.equal(Math.round((endMs - renewalMs(certificate, 30, window)) / dayMs), 15);
});

test("a certificate is known to its CA by authority key id and serial number", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "zion-renewal-"));
  try {
    const run = (...args: readonly string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
    run(
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      "ca.key",
      "-out",
      "ca.crt",
      "-subj",
      "/CN=ca",
    );
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    writeFileSync(path.join(folder, "a.csr"), makeSigningRequest(["a.test"], privateKey, publicKey));
    // The number of RFC 9773's example: its top bit is set, so a zero byte belongs to it.
    run(
      "x509",
      "-req",
      "-in",
      "a.csr",
      "-CA",
      "ca.crt",
      "-CAkey",
      "ca.key",
      "-set_serial",
      "0x8765432112345678",
      "-out",
      "a.crt",
      "-copy_extensions",
      "copyall",
      "-days",
      "3",
    );
    const certificate = new X509Certificate(readFileSync(path.join(folder, "a.crt")));
    const ca = new X509Certificate(readFileSync(path.join(folder, "ca.crt")));
    const [keyId = "", serial = ""] = renewalId(certificate)!.split(".");
    assert.equal(serial, "AIdlQyESNFZ4");
    assert.ok(ca.raw.includes(Buffer.from(keyId, "base64url")));
    assert.equal(Buffer.from(keyId, "base64url").length, 20);
    assert.equal(certificate.subjectAltName, "DNS:a.test");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("without an authority key id there is nothing to ask with", () => {
  assert.equal(renewalId(lasting(3)), undefined);
});

test("signing requests are good ones for every kind of key", () => {
  const pairs = [
    generateKeyPairSync("ec", { namedCurve: "prime256v1" }),
    generateKeyPairSync("ec", { namedCurve: "secp384r1" }),
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ];
  for (const { privateKey, publicKey } of pairs) {
    const input = makeSigningRequest(["a.test", "b.test"], privateKey, publicKey);
    const text = execFileSync("openssl", ["req", "-noout", "-verify", "-text"], {
      input,
      stdio: "pipe",
    }).toString();
    assert.match(text, /DNS:a\.test, DNS:b\.test/);
    assert.match(text, /Subject: *\n/);
  }
});

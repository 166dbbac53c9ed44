import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { before, type TestContext, test } from "node:test";
import fc from "fast-check";
import { certificateId } from "../../src/cert/ocsp-request.ts";
import { readOcspResponse } from "../../src/cert/ocsp-response.ts";
import type { CertificateConfig } from "../../src/config/config.ts";
import { fetchOcsp, type OcspResult } from "../../src/control/ocsp-fetch.ts";
import { makeCertificate } from "../cert/peer-certificates.ts";
import { hasOpenssl } from "../listener/tls-openssl.ts";
import { startResponder } from "./ocsp-responder.ts";

const caExtensions = ["basicConstraints=critical,CA:TRUE"];
const signing = "extendedKeyUsage=OCSPSigning";
let ca: CertificateConfig;
let leaf: CertificateConfig;
before(() => {
  ca = makeCertificate({ name: "ca", extensions: caExtensions });
  leaf = makeCertificate({ name: "a.test", issuer: ca });
});

const ask = (url: string, more: { issuer?: CertificateConfig; cached?: Uint8Array; nowMs?: number } = {}) =>
  fetchOcsp(
    { leafPem: leaf.certPem, issuerPem: (more.issuer ?? ca).certPem, url, cached: more.cached },
    more.nowMs,
  );

for (const [state, status] of [
  ["V", "good"],
  ["R", "revoked"],
] as const) {
  test(`the responder's word: ${status}`, async (t) => {
    if (!hasOpenssl(t)) return;
    const url = await startResponder(t, { issuer: ca, index: [[leaf, state]] });
    const result = (await ask(url)) as OcspResult;
    assert.equal(result.status, status);
    assert.equal(result.nextUpdateMs - result.thisUpdateMs, 3_600_000);
  });
}

test("a responder that does not know the certificate says so; one without nextUpdate is believed for a day", async (t) => {
  if (!hasOpenssl(t)) return;
  const unknowing = await startResponder(t, { issuer: ca, index: [] });
  assert.equal(((await ask(unknowing)) as OcspResult).status, "unknown");
  const timeless = await startResponder(t, { issuer: ca, index: [[leaf, "V"]], validMinutes: 0 });
  const { thisUpdateMs, nextUpdateMs } = (await ask(timeless)) as OcspResult;
  assert.equal(nextUpdateMs - thisUpdateMs, 86_400_000);
});

test("who the issuer delegated to may sign; a stranger and one without that use may not", async (t) => {
  if (!hasOpenssl(t)) return;
  const rsaKey = { key: "rsa:2048" } as const;
  const delegate = makeCertificate({ name: "ocsp", issuer: ca, extensions: [signing], ...rsaKey });
  const useless = makeCertificate({ name: "ocsp", issuer: ca });
  const stranger = makeCertificate({ name: "ocsp", extensions: [signing] });
  const signedBy = async (signer: CertificateConfig) =>
    ask(await startResponder(t, { issuer: ca, index: [[leaf, "V"]], signer }));
  assert.equal(((await signedBy(delegate)) as OcspResult).status, "good");
  const refused = "the answer is not signed by the issuer of the certificate";
  assert.equal(await signedBy(useless), refused);
  assert.equal(await signedBy(stranger), refused);
});

test("an answer about another certificate, out of date or of the future is refused", async (t) => {
  if (!hasOpenssl(t)) return;
  const url = await startResponder(t, { issuer: ca, index: [[leaf, "V"]] });
  const { der } = (await ask(url)) as OcspResult;
  const other = new X509Certificate(makeCertificate({ name: "b.test", issuer: ca }).certPem);
  const issuer = new X509Certificate(ca.certPem);
  const read = (about: X509Certificate, nowMs: number) =>
    readOcspResponse(Buffer.from(der), { id: certificateId(about, issuer), issuer, nowMs });
  const own = new X509Certificate(leaf.certPem);
  assert.equal(read(other, Date.now()), "the answer is about another certificate");
  assert.equal(read(own, Date.now() + 3_700_000), "the answer is out of date");
  assert.equal(read(own, Date.now() - 600_000), "the answer is of the future");
  assert.equal((read(own, Date.now()) as OcspResult).status, "good");
});

test("what was answered before is taken for half of its time, and only if it is good", async (t) => {
  if (!hasOpenssl(t)) return;
  const url = await startResponder(t, { issuer: ca, index: [[leaf, "V"]] });
  const { der: cached } = (await ask(url)) as OcspResult;
  const nowhere = await listenOnce(t, () => [500, Buffer.alloc(0)]);
  assert.deepEqual(((await ask(nowhere, { cached })) as OcspResult).der, Buffer.from(cached));
  assert.equal(await ask(nowhere, { cached, nowMs: Date.now() + 1_900_000 }), "status 500");
  const damaged = Uint8Array.from(cached, (byte, i) => (i === 100 ? byte ^ 1 : byte));
  assert.equal(await ask(nowhere, { cached: damaged }), "status 500");
});

test("a server that is no responder: errors, pages, floods, silence", async (t) => {
  const answers: readonly (readonly [number, Buffer, RegExp])[] = [
    [404, Buffer.from("not here"), /^status 404$/],
    [302, Buffer.alloc(0), /^status 302$/],
    [200, Buffer.from("<html>"), /malformed/],
    [200, Buffer.alloc(0), /malformed/],
    // tryLater
    [200, Buffer.from("30030a0103", "hex"), /says to try later/],
    [200, Buffer.alloc(100_000, 0x30), /./],
  ];
  for (const [status, body, problem] of answers) {
    const result = await ask(await listenOnce(t, () => [status, body]));
    assert.match(String(result), problem);
    assert.equal(typeof result, "string");
  }
  const silent = createServer(() => {});
  await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
  t.after(() => silent.closeAllConnections());
  t.after(() => silent.close());
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
  const task = { leafPem: leaf.certPem, issuerPem: ca.certPem, url, cached: undefined };
  assert.equal(await fetchOcsp(task, Date.now(), 200), "timeout");
});

test("any bytes are read without an exception, damaged answers too", async (t) => {
  if (!hasOpenssl(t)) return;
  const issuer = new X509Certificate(ca.certPem);
  const question = {
    id: certificateId(new X509Certificate(leaf.certPem), issuer),
    issuer,
    nowMs: Date.now(),
  };
  const url = await startResponder(t, { issuer: ca, index: [[leaf, "V"]] });
  const { der } = (await ask(url)) as OcspResult;
  assert.equal(typeof readOcspResponse(Buffer.from(der), question), "object");
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Buffer.from(der);
      damaged[at]! ^= change;
      const result = readOcspResponse(damaged, question);
      // What is not signed, such as the certificates beside the signature, may differ.
      assert.ok(typeof result === "string" || result.status === "good");
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.equal(typeof readOcspResponse(Buffer.from(bytes), question), "string");
    }),
  );
});

async function listenOnce(t: TestContext, answer: () => readonly [number, Buffer]): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    const [status, body] = answer();
    response.writeHead(status, { "content-length": body.length });
    response.end(body);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

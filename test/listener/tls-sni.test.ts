import assert from "node:assert/strict";
import { test } from "node:test";
import type { TlsConfig } from "../../src/config/config.ts";
import { sendBadHello } from "./tls-bad-client.ts";
import { certificateFor, openFront, tlsConfig, visit } from "./tls-front.ts";
import { clientHello } from "./tls-hello.ts";
import { hasOpenssl, sClient } from "./tls-openssl.ts";

const fallback = certificateFor("default.test", "www.default.test");
const exact = certificateFor("exact.test");
const wildcard = certificateFor("wildcard.test");

const config: TlsConfig = tlsConfig({
  default: fallback,
  sni: [
    { serverName: "Exact.Test", ...exact },
    { serverName: "*.wild.test", ...wildcard },
  ],
});

const served: readonly (readonly [asked: string, certificate: string, serverName: string])[] = [
  ["exact.test", "exact.test", "exact.test"],
  ["EXACT.tesT", "exact.test", "exact.test"],
  ["exact.test.", "exact.test", "exact.test"],
  ["a.wild.test", "wildcard.test", "a.wild.test"],
  ["A.WILD.TEST", "wildcard.test", "a.wild.test"],
  ["a.b.wild.test", "default.test", "a.b.wild.test"],
  ["wild.test", "default.test", "wild.test"],
  ["sub.exact.test", "default.test", "sub.exact.test"],
  ["unknown.test", "default.test", "unknown.test"],
  ["__proto__", "default.test", "__proto__"],
  ["constructor", "default.test", "constructor"],
  ["*.wild.test", "default.test", ""],
  ["*.a", "default.test", ""],
  ["exact。test", "default.test", ""],
  ["exact.test\u212a", "default.test", ""],
  ["a..wild.test", "default.test", ""],
  [".wild.test", "default.test", ""],
  [`${"a".repeat(64)}.wild.test`, "default.test", ""],
  [`${"a.".repeat(126)}aa`, "default.test", ""],
];

for (const [asked, certificate, serverName] of served) {
  test(`SNI ${JSON.stringify(asked).slice(0, 30)} gets the certificate of ${certificate}`, async (t) => {
    const front = await openFront(t, { config });
    const seen = await visit(front.port, { servername: asked });
    assert.equal(seen.name, certificate);
    assert.equal(front.secured[0]!.facts.serverName, serverName);
    assert.equal(
      front.secured[0]!.facts.certificateId,
      ["default.test", "exact.test", "wildcard.test"].indexOf(certificate),
    );
  });
}

test("openssl asking in upper case gets the exact certificate", async (t) => {
  if (!hasOpenssl(t)) return;
  const front = await openFront(t, { config });
  assert.match(await sClient(front.port, "-servername", "EXACT.TEST"), /subject=CN\s*=\s*exact\.test/);
  assert.match(await sClient(front.port, "-noservername"), /subject=CN\s*=\s*default\.test/);
});

test("host names of hostile bytes never throw in the SNI callback", async (t) => {
  const front = await openFront(t, { config, server: { handshakeTimeoutMs: 200 } });
  const names = [
    "",
    "\xff\xfe",
    "1.2.3.4",
    "::1",
    "[::1]",
    "a b",
    "a\r\nb",
    "%00",
    "'",
    "a".repeat(254),
    "a".repeat(255),
  ];
  for (const name of names) {
    const bytes = clientHello({ serverNames: [Buffer.from(name, "latin1")] });
    const hello = { name, segments: [bytes], afterwards: "end", alert: undefined, failure: "reset" } as const;
    assert.ok((await sendBadHello(front.port, hello)).length > 0, JSON.stringify(name));
  }
  await front.emptied();
  assert.equal(front.failures.length, names.length);
  assert.equal((await visit(front.port, { servername: "exact.test" })).name, "exact.test");
});

test("unknown names are closed when they are to be refused; the default's own names and no name at all are served", async (t) => {
  const front = await openFront(t, { config, server: { unknownName: "refuse" } });
  await assert.rejects(visit(front.port, { servername: "unknown.test" }), { code: "ECONNRESET" });
  await assert.rejects(visit(front.port, { servername: "*.wild.test" }), { code: "ECONNRESET" });
  assert.deepEqual(front.failures, ["server_name", "server_name"]);
  assert.equal((await visit(front.port, { servername: "WWW.default.test" })).name, "default.test");
  assert.equal((await visit(front.port, { servername: "a.wild.test" })).name, "wildcard.test");
  assert.equal((await visit(front.port)).name, "default.test");
  await front.emptied();
});

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { digestApiKey, makeApiKey } from "../../src/identity/api-key.ts";
import { type ClientPair, openClientAuthority } from "../support/client-ca.ts";
import { newDirectory } from "../support/directory.ts";
import { ask, field } from "../support/raw-client.ts";
import { type BenchOptions, startBench } from "./bench.ts";
import { bare } from "./case.ts";

// A certificate as a credential: profiles of routes, and limits that count by it.

const root = openClientAuthority("Root");
const web = root.issue("web", { extensions: ["subjectAltName=DNS:web.clients.test"] });
const billing = root.issue("billing", { extensions: ["subjectAltName=DNS:billing.other.test"] });

function as(pair?: ClientPair): { tls: ConnectionOptions } {
  return {
    tls: { servername: "localhost", ...(pair === undefined ? {} : { cert: pair.certPem, key: pair.keyPem }) },
  };
}

function options(profile: string, route = 'auth_profile = "clients"'): BenchOptions {
  return {
    tlsNames: [],
    tls: `client_ca_path = ${JSON.stringify(root.certPath)}`,
    route,
    tables: profile === "" ? "" : `[auth_profile.clients]\nkind = "client_cert"\n${profile}`,
  };
}

test("a profile of certificates lets its names in, and tells the upstream which", async (t) => {
  const { edge, origin } = await startBench(t, options('client_names = ["dns:*.clients.test"]'));
  const served = await ask(edge.tlsPort, bare("Host: localhost", "X-Auth-Subject: forged"), as(web));
  assert.equal(served.status, 200);
  const subjects = origin.requests[0]!.fields.filter(([name]) => name === "x-auth-subject");
  assert.deepEqual(subjects, [["x-auth-subject", "dns:web.clients.test"]]);
  for (const [pair, reason] of [
    [billing, "client_cert_name"],
    [undefined, "client_cert_missing"],
  ] as const) {
    const refused = await ask(edge.tlsPort, bare("Host: localhost"), as(pair));
    assert.equal(refused.status, 403);
    const line = await edge.logLine(field(refused, "x-request-id")!);
    assert.equal(line["zion.reason"], reason);
  }
});

test("a certificate is known by its fingerprint, however it is written", async (t) => {
  const { fingerprint256 } = new X509Certificate(web.certPem);
  for (const text of [fingerprint256, `sha256:${fingerprint256.replaceAll(":", "").toLowerCase()}`]) {
    const { edge } = await startBench(t, options(`client_fingerprints = ["${text}"]`));
    assert.equal((await ask(edge.tlsPort, bare("Host: localhost"), as(web))).status, 200);
    assert.equal((await ask(edge.tlsPort, bare("Host: localhost"), as(billing))).status, 403);
  }
});

test("without names and fingerprints every good certificate is a credential, and its subject may be kept back", async (t) => {
  const { edge, origin } = await startBench(t, options("forward_claims = false"));
  assert.equal((await ask(edge.tlsPort, bare("Host: localhost"), as(billing))).status, 200);
  assert.ok(!origin.requests[0]!.fields.some(([name]) => name === "x-auth-subject"));
});

test("a certificate stands beside an API key: one of them is enough, and the key goes first", async (t) => {
  const folder = newDirectory("keys");
  const key = makeApiKey();
  writeFileSync(path.join(folder, "keys"), `robot ${digestApiKey(key)}\n`);
  const { edge, origin } = await startBench(t, {
    ...options('client_names = ["dns:*.clients.test"]', 'auth_profile = ["clients", "keys"]'),
    tables: `[auth_profile.clients]
kind = "client_cert"
client_names = ["dns:*.clients.test"]
[auth_profile.keys]
kind = "api_key"
api_keys_file = "${folder}/keys"`,
  });
  const subject = (): string | undefined =>
    origin.requests.at(-1)?.fields.find(([name]) => name === "x-auth-subject")?.[1];
  assert.equal((await ask(edge.tlsPort, bare("Host: localhost"), as(web))).status, 200);
  assert.equal(subject(), "dns:web.clients.test");
  assert.equal((await ask(edge.tlsPort, bare("Host: localhost", `X-API-Key: ${key}`), as())).status, 200);
  assert.equal(subject(), "robot");
  assert.equal((await ask(edge.tlsPort, bare("Host: localhost", `X-API-Key: ${key}`), as(web))).status, 200);
  assert.equal(subject(), "robot");
  const nothing = await ask(edge.tlsPort, bare("Host: localhost"), as());
  assert.equal(nothing.status, 401);
  assert.match(field(nothing, "www-authenticate")!, /^ApiKey/);
});

test("limits count by certificate, of the listener too, and by address without one", async (t) => {
  const { edge } = await startBench(t, {
    tlsNames: [],
    tls: `client_auth = "optional"\nclient_ca_path = ${JSON.stringify(root.certPath)}`,
    server: 'limits = ["each"]',
    tables: `[limit.each]
rate = 2
window_secs = 3600
burst = 2
key = ["client_cert"]`,
  });
  const statuses = async (pair?: ClientPair): Promise<number[]> => {
    const found: number[] = [];
    for (let i = 0; i < 3; i++)
      found.push((await ask(edge.tlsPort, bare("Host: localhost"), as(pair))).status);
    return found;
  };
  assert.deepEqual(await statuses(web), [200, 200, 429]);
  assert.deepEqual(await statuses(billing), [200, 200, 429]);
  assert.deepEqual(await statuses(), [200, 200, 429]);
});

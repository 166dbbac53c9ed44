import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { type ClientAuthority, type ClientPair, openClientAuthority } from "../support/client-ca.ts";
import { newDirectory } from "../support/directory.ts";
import { ask, connect, field, type RawClient } from "../support/raw-client.ts";
import { echoing, handshake } from "../support/websocket.ts";
import { type Bench, type BenchOptions, benchConfig, startBench } from "./bench.ts";
import { bare } from "./case.ts";

// Revocation lists: at the handshake, in a ticket, on connections that are open, and after their time.

const root = openClientAuthority("Root");
const below = root.authority("Below");

function as({ certPem, keyPem }: ClientPair, more: ConnectionOptions = {}): { tls: ConnectionOptions } {
  return { tls: { servername: "localhost", cert: certPem, key: keyPem, ...more } };
}

interface Revoking extends Bench {
  /** Makes the lists of these files the ones in force. */
  publish(...lists: readonly string[]): void;
}

/** A host that requires certificates of `authorities`, with the lists of these files. */
async function startRevoking(
  t: TestContext,
  authorities: readonly ClientAuthority[],
  lists: readonly string[],
  more: BenchOptions & { readonly enforced?: boolean } = {},
): Promise<Revoking> {
  const folder = newDirectory("crl");
  const bundle = path.join(folder, "ca.pem");
  const crl = path.join(folder, "crl.pem");
  const write = (files: readonly string[]): void =>
    writeFileSync(crl, files.map((file) => readFileSync(file, "latin1")).join(""));
  writeFileSync(bundle, authorities.map(({ certPem }) => certPem).join(""));
  write(lists);
  const { enforced, ...rest } = more;
  const options: BenchOptions = {
    ...rest,
    tlsNames: [],
    tls: `min_version = "1.2"
client_auth = "required"
client_ca_path = ${JSON.stringify(bundle)}
client_crl_path = ${JSON.stringify(crl)}
client_crl_enforce_next_update = ${enforced === true}`,
  };
  const bench = await startBench(t, options);
  return {
    ...bench,
    publish(...files) {
      write(files);
      bench.edge.reload(benchConfig(bench.origin.port, options));
    },
  };
}

async function outcome({ edge }: Bench, options: { tls: ConnectionOptions }): Promise<string> {
  const answer = await ask(edge.tlsPort, bare("Host: localhost"), options);
  const line = await edge.logLine(field(answer, "x-request-id")!);
  return `${answer.status} ${line["zion.reason"] ?? "-"}`;
}

test("a revoked certificate is refused at its handshake, others are served", async (t) => {
  const revoked = root.issue("revoked");
  const kept = root.issue("kept");
  root.revoke(revoked);
  const bench = await startRevoking(t, [root], [root.crl("one")]);
  assert.equal(await outcome(bench, as(revoked)), "403 client_cert_revoked");
  assert.equal(await outcome(bench, as(kept)), "200 -");
});

for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
  test(`a new list holds for open connections and for tickets of ${maxVersion}, without their handshake`, async (t) => {
    const pair = root.issue(`later-${maxVersion}`);
    const bench = await startRevoking(t, [root], [root.crl(`before-${maxVersion}`)]);
    const idle = await connect(bench.edge.tlsPort, as(pair, { maxVersion }));
    t.after(() => idle.destroy());
    let session: Buffer | undefined =
      maxVersion === "TLSv1.2" ? (idle.socket as TLSSocket).getSession() : undefined;
    idle.socket.on("session", (ticket: Buffer) => {
      session = ticket;
    });
    idle.send(bare("Host: localhost"));
    assert.equal((await idle.answer())!.status, 200);
    while (session === undefined) await new Promise((done) => setImmediate(done));
    const resumed = await outcome(bench, { tls: { servername: "localhost", maxVersion, session } });
    assert.equal(resumed, "200 -");

    // The same list again changes nothing.
    bench.publish(path.join(root.directory, `before-${maxVersion}.crl`));
    idle.send(bare("Host: localhost"));
    assert.equal((await idle.answer())!.status, 200);

    root.revoke(pair);
    bench.publish(root.crl(`after-${maxVersion}`));
    await idle.untilOver();
    assert.equal(
      await outcome(bench, { tls: { servername: "localhost", maxVersion, session } }),
      "403 client_cert_revoked",
    );
    assert.equal(await outcome(bench, as(pair, { maxVersion })), "403 client_cert_revoked");
  });
}

test("a WebSocket ends when the certificate that opened it is revoked", async (t) => {
  const pair = root.issue("socket");
  const bench = await startRevoking(t, [root], [root.crl("socket-before")], {
    route: 'mode = "websocket"',
    script: echoing,
  });
  const tunnel: RawClient = await connect(bench.edge.tlsPort, as(pair));
  t.after(() => tunnel.destroy());
  tunnel.send(handshake().replace(/^Host: .*$/m, "Host: localhost"));
  assert.equal((await tunnel.answer())!.status, 101);
  root.revoke(pair);
  bench.publish(root.crl("socket-after"));
  await tunnel.untilOver();
});

test("what a certificate opened ends when it does: the next request is refused, a WebSocket closed", async (t) => {
  // Long enough for a busy machine to connect, short enough to wait for.
  const brief = root.issue("brief", { untilDays: 8 / 86_400 });
  const bench = await startRevoking(t, [root], [root.crl("brief")], {
    route: 'mode = "websocket"',
    script: echoing,
  });
  const patience = { ...as(brief), deadlineMs: 30_000 };
  const tunnel = await connect(bench.edge.tlsPort, patience);
  const kept = await connect(bench.edge.tlsPort, patience);
  t.after(() => {
    tunnel.destroy();
    kept.destroy();
  });
  tunnel.send(handshake().replace(/^Host: .*$/m, "Host: localhost"));
  assert.equal((await tunnel.answer())!.status, 101);
  await tunnel.untilOver();
  const untilMs = new X509Certificate(brief.certPem).validToDate.getTime();
  while (Date.now() < untilMs) await new Promise((done) => setTimeout(done, 100));
  kept.send(bare("Host: localhost"));
  const refused = (await kept.answer())!;
  assert.equal(refused.status, 403);
  const reasons = (await bench.edge.logLines()).map((line) => line["zion.reason"]);
  assert.deepEqual(reasons.toSorted(), ["client_cert_expired", "stream_expired"]);
});

test("a certificate below an intermediate needs the lists of both, and both signers can revoke", async (t) => {
  const leaf = below.issue("leaf");
  const other = below.issue("other-leaf");
  below.revoke(leaf);
  const lists = [below.crl("below"), root.crl("root-1")] as const;
  const bench = await startRevoking(t, [root, below], lists);
  assert.equal(await outcome(bench, as(leaf)), "403 client_cert_revoked");
  assert.equal(await outcome(bench, as(other)), "200 -");
  // Without a list of the intermediate nobody knows whom it revoked; the same without one of the root.
  bench.publish(lists[1]);
  assert.equal(await outcome(bench, as(other)), "403 client_cert_status");
  bench.publish(lists[0]);
  assert.equal(await outcome(bench, as(other)), "403 client_cert_status");

  const doomed = root.authority("Doomed");
  const under = doomed.issue("under-doomed");
  const before = root.crl("root-2");
  const both = await startRevoking(t, [root, doomed], [doomed.crl("doomed"), before]);
  assert.equal(await outcome(both, as(under)), "200 -");
  root.revoke(doomed);
  both.publish(path.join(doomed.directory, "doomed.crl"), root.crl("root-3"));
  assert.equal(await outcome(both, as(under)), "403 client_cert_revoked");
});

test("an intermediate that only the client has brings no list, so its certificates are refused", async (t) => {
  const leaf = below.issue("via-client");
  const bench = await startRevoking(t, [root], [root.crl("root-only")]);
  const sent = { ...leaf, certPem: leaf.certPem + below.certPem };
  assert.equal(await outcome(bench, as(sent)), "403 client_cert_status");
});

test("a list past its nextUpdate is used, or refuses everybody, as configured", async (t) => {
  const pair = root.issue("outdated");
  const revoked = root.issue("outdated-revoked");
  root.revoke(revoked);
  const old = root.crl("old", { fromDays: -9, untilDays: -2 });
  const lenient = await startRevoking(t, [root], [old]);
  assert.equal(await outcome(lenient, as(pair)), "200 -");
  assert.equal(await outcome(lenient, as(revoked)), "403 client_cert_revoked");
  const strict = await startRevoking(t, [root], [old], { enforced: true });
  assert.equal(await outcome(strict, as(pair)), "403 client_cert_status");
  assert.equal(await outcome(strict, as(revoked)), "403 client_cert_revoked");
});

test("of several lists of one signer the newest counts", async (t) => {
  const pair = root.issue("several");
  const older = root.crl("older", { fromDays: -3 });
  const copy = path.join(root.directory, "older-copy.crl");
  copyFileSync(older, copy);
  root.revoke(pair);
  const newer = root.crl("newer", { fromDays: -1 });
  for (const lists of [
    [copy, newer],
    [newer, copy],
  ]) {
    const bench = await startRevoking(t, [root], lists);
    assert.equal(await outcome(bench, as(pair)), "403 client_cert_revoked");
  }
});

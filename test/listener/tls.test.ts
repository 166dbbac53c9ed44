import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect as connectPlain, createServer } from "node:net";
import { test } from "node:test";
import { connect } from "node:tls";
import { closed, openFront, tlsConfig, visit } from "./tls-front.ts";
import { record } from "./tls-hello.ts";
import { hasGroup, hasOpenssl, sClient } from "./tls-openssl.ts";

const suites = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

for (const suite of suites) {
  test(`a client with only ${suite} gets TLS 1.3 with it`, async (t) => {
    if (!hasOpenssl(t)) return;
    const front = await openFront(t);
    const output = await sClient(front.port, "-tls1_3", "-ciphersuites", suite, "-servername", "LocalHost");
    assert.match(output, /hello/);
    assert.deepEqual(front.secured[0]?.facts, {
      protocol: "TLSv1.3",
      cipher: suite,
      alpn: "",
      serverName: "localhost",
      resumed: false,
      certificateId: 0,
      group: "X25519",
      clientPolicy: "",
      clientCertificate: undefined,
    });
  });
}

for (const version of ["-tls1", "-tls1_1", "-tls1_2"]) {
  test(`openssl ${version} is refused with protocol_version`, async (t) => {
    if (!hasOpenssl(t)) return;
    const front = await openFront(t);
    const output = await sClient(front.port, version, "-cipher", "ALL:@SECLEVEL=0");
    assert.match(output, /alert number 70/);
    assert.deepEqual(front.failures, ["tls_version"]);
    await front.emptied();
  });
}

test("TLS 1.2 is served when the configuration allows it, with an AEAD and forward secrecy only", async (t) => {
  const front = await openFront(t, { config: tlsConfig({ minVersion: "1.2" }) });
  await visit(front.port, { maxVersion: "TLSv1.2" });
  assert.equal(front.secured[0]?.facts.protocol, "TLSv1.2");
  assert.equal(front.secured[0]?.facts.cipher, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  for (const weak of ["ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256"]) {
    await assert.rejects(visit(front.port, { maxVersion: "TLSv1.2", ciphers: weak }));
  }
  await assert.rejects(
    visit(front.port, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" }),
  );
  assert.deepEqual(front.failures, [
    "no_shared_cipher",
    "no_shared_cipher",
    "no_shared_cipher",
    "tls_version",
  ]);
  assert.equal((await visit(front.port)).text, "hello");
  assert.equal(front.secured[1]?.facts.protocol, "TLSv1.3");
});

test("X25519MLKEM768 is chosen whenever the client has a share for it, whatever it prefers", async (t) => {
  const front = await openFront(t);
  for (const ecdhCurve of ["*X25519:*X25519MLKEM768", "X25519MLKEM768"]) {
    assert.equal(await groupOf(front.port, ecdhCurve), "X25519MLKEM768");
  }
  // Node's client shares its library with the server; OpenSSL 3.5 and later is a second opinion where it is installed.
  if (hasGroup("X25519MLKEM768")) {
    assert.match(await sClient(front.port, "-groups", "X25519MLKEM768"), /X25519MLKEM768/);
  }
});

test("clients with only X25519 or only P-256 are served, with P-521 refused", async (t) => {
  const front = await openFront(t);
  assert.equal(await groupOf(front.port, "X25519"), "X25519");
  assert.equal(await groupOf(front.port, "P-256"), "prime256v1");
  await assert.rejects(groupOf(front.port, "P-521"), /alert handshake failure/i);
  assert.deepEqual(front.failures, ["no_shared_cipher"]);
});

test("ALPN: ours when offered, nothing when none is offered, an alert when only others are", async (t) => {
  const front = await openFront(t, { server: { alpn: ["h2", "http/1.1"] } });
  assert.equal((await visit(front.port, { ALPNProtocols: ["http/1.1", "h2"] })).alpn, "h2");
  assert.equal((await visit(front.port, { ALPNProtocols: ["http/1.1"] })).alpn, "http/1.1");
  assert.equal((await visit(front.port)).alpn, false);
  await assert.rejects(visit(front.port, { ALPNProtocols: ["spdy/3"] }), {
    code: "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
  });
  assert.deepEqual(
    front.secured.map(({ facts }) => facts.alpn),
    ["h2", "http/1.1", ""],
  );
  assert.deepEqual(front.failures, ["alpn"]);
});

test("a client that does not trust the certificate counts as client_alert", async (t) => {
  if (!hasOpenssl(t)) return;
  const front = await openFront(t);
  const failure = front.nextFailure();
  await sClient(front.port, "-verify_return_error");
  assert.equal(await failure, "client_alert");
  await front.emptied();
});

test("hands the socket over before a byte is read, not flowing, so that the codec can take over its reads", async (t) => {
  const handedOver: boolean[] = [];
  const front = await openFront(t, {
    serve: (socket) => {
      handedOver.push(
        socket.readableFlowing === null,
        socket.readableLength === 0,
        socket.listenerCount("data") === 0,
      );
      socket.once("data", (chunk) => socket.end(chunk));
    },
  });
  const client = connect({ host: "127.0.0.1", port: front.port, rejectUnauthorized: false });
  client.on("secureConnect", () => client.write("early bird"));
  const [chunk] = await once(client, "data");
  assert.equal(String(chunk), "early bird");
  assert.deepEqual(handedOver, [true, true, true]);
  client.destroy();
  await front.emptied();
});

test("bytes that were peeked and put back belong to the handshake", async (t) => {
  const front = await openFront(t);
  const listening = createServer({ pauseOnConnect: true }, (raw) => {
    raw.once("data", (chunk) => {
      raw.pause();
      raw.unshift(chunk);
      front.tls.accept(raw, raw);
    });
    raw.resume();
  });
  await new Promise<void>((done) => listening.listen(0, "127.0.0.1", done));
  t.after(() => listening.close());
  assert.equal((await visit((listening.address() as AddressInfo).port)).text, "hello");
});

test("after the handshake a client may close its half, when that is allowed", async (t) => {
  for (const allowHalfOpen of [true, false]) {
    const front = await openFront(t, {
      server: { allowHalfOpen },
      serve: (socket) => {
        socket.resume();
        // A turn later, as an upstream's answer would be: without half-open Node has ended our half by then.
        socket.once("end", () => setImmediate(() => socket.writable && socket.end("late answer")));
      },
    });
    // Not in the types of `connect`, but in its documentation.
    const halfOpen = { host: "127.0.0.1", port: front.port, rejectUnauthorized: false, allowHalfOpen: true };
    const client = connect(halfOpen);
    let text = "";
    client.on("data", (chunk) => {
      text += String(chunk);
    });
    client.on("secureConnect", () => client.end("question"));
    await closed(client);
    assert.equal(text, allowHalfOpen ? "late answer" : "");
    await front.emptied();
  }
});

test("a broken record after the handshake closes the connection", async (t) => {
  const front = await openFront(t, { serve: (socket) => socket.resume() });
  const raw = connectPlain(front.port, "127.0.0.1");
  const client = connect({ socket: raw, rejectUnauthorized: false });
  client.on("error", () => {});
  const { socket } = await front.nextSecured();
  const errors: string[] = [];
  socket.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code ?? ""));
  raw.write(record(0x17, 0x0303, Buffer.alloc(64, 0xab)));
  await front.emptied();
  assert.deepEqual(errors, ["ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC"]);
});

test("handshakes over the cap are destroyed at once; finished ones and lost ones make room", async (t) => {
  const front = await openFront(t, { server: { handshakesMax: 2 }, serve: (socket) => socket.resume() });
  const waiting = [connectPlain(front.port, "127.0.0.1"), connectPlain(front.port, "127.0.0.1")];
  for (const socket of waiting) await once(socket, "connect");
  await assert.rejects(visit(front.port));
  assert.deepEqual(front.failures, ["handshake_cap"]);
  assert.equal(front.tls.countHandshakes(), 2);

  const failed = front.nextFailure();
  waiting[0]!.destroy();
  assert.equal(await failed, "reset");
  for (const _ of [1, 2, 3]) {
    const client = connect({ host: "127.0.0.1", port: front.port, rejectUnauthorized: false });
    client.on("error", () => {});
    await front.nextSecured();
  }
  assert.equal(front.tls.countHandshakes(), 1);
  assert.equal(front.open.size, 4);
});

test("refuses ticket keys that are not 48 bytes", async (t) => {
  const front = await openFront(t);
  assert.throws(() => front.tls.setTicketKeys(Buffer.alloc(47)), RangeError);
  assert.throws(() => front.build(tlsConfig(), { ticketKeys: Buffer.alloc(0) }), RangeError);
});

/** The key exchange group, which only the client side can tell. */
function groupOf(port: number, ecdhCurve: string): Promise<string> {
  return new Promise((done, failed) => {
    const client = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ecdhCurve });
    let name = "";
    client.on("secureConnect", () => {
      name = (client.getEphemeralKeyInfo() as { name?: string }).name ?? "";
    });
    client.on("error", failed);
    client.resume();
    client.on("close", () => done(name));
  });
}

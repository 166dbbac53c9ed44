import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { test } from "node:test";
import { badHellos } from "./tls-bad-hellos.ts";
import { closed, openFront, visit } from "./tls-front.ts";
import { clientHello } from "./tls-hello.ts";
import { hasOpenssl, sClient } from "./tls-openssl.ts";

/** Where each case of reliability.md §2.10 is tried: a title, or the name of a hello that tls-hostile.test.ts sends. */
const catalogue: Readonly<Record<string, readonly (readonly [file: string, title: string])[]>> = {
  TL1: [
    ["hello", "SSL 2.0 hello"],
    ["hello", "SSL 3.0 hello"],
    ["hello", "TLS 1.0 hello"],
    ["hello", "TLS 1.1 hello"],
    ["hello", "TLS 1.2 hello"],
    ["tls-crash.test.ts", "mixed bad hellos leave the process alive"],
  ],
  TL2: [
    ["hello", "plain HTTP"],
    ["hello", "random bytes"],
    ["hello", "0 bytes, then FIN"],
    ["hello", "0 bytes, then RST"],
  ],
  TL3: [
    ["tls-hostile.test.ts", "a hello in segments of one byte is served"],
    ["tls-hostile.test.ts", "a hello in records of one byte is served or refused, and never kept"],
    ["tls-hostile.test.ts", "bytes that trickle in do not move the handshake time-out"],
  ],
  TL4: [
    ["hello", "the same extension twice"],
    ["hello", "two SNI names"],
    ["tls-catalogue.test.ts", "TL4: "],
  ],
  TL5: [
    ["hello", "NUL in SNI"],
    ["hello", "256 characters of SNI"],
    ["tls-sni.test.ts", "host names of hostile bytes never throw in the SNI callback"],
    ["tls-sni.test.ts", "gets the certificate of"],
  ],
  TL6: [["tls-sni.test.ts", "unknown names are closed when they are to be refused"]],
  TL7: [
    ["hello", "ALPN of another world"],
    ["hello", "100 unknown protocols"],
    ["hello", "empty ALPN name"],
  ],
  TL8: [
    ["hello", "no shared cipher"],
    ["hello", "no shared group"],
    ["hello", "no shared signature algorithm"],
  ],
  TL9: [["tls-catalogue.test.ts", "TL9: "]],
  TL10: [["tls-catalogue.test.ts", "TL10: "]],
  TL11: [
    ["tls-tickets.test.ts", "a ticket of foreign keys or of garbage means a full handshake"],
    ["tls-catalogue.test.ts", "TL11: "],
  ],
  TL12: [
    ["../conformance/client-policy.test.ts", "for a host without certificates opens none that requires one"],
  ],
  TL13: [
    ["../conformance/client-certificate.test.ts", "a certificate is refused by its reason: "],
    ["../conformance/client-certificate.test.ts", "a wildcard in a certificate is no name"],
    ["../conformance/client-certificate.test.ts", "a chain of 11 of them costs a bounded handshake"],
    ["../conformance/client-certificate.test.ts", "a certificate of 100 kB ends its handshake"],
    ["../conformance/client-revocation.test.ts", "a revoked certificate is refused at its handshake"],
  ],
  TL15: [["tls-catalogue.test.ts", "TL15: "]],
  TL16: [
    ["../upstream/transport.test.ts", "a certificate for another name"],
    ["../upstream/transport.test.ts", "a certificate that no known authority signed"],
    ["../upstream/transport.test.ts", "a plain answer on a TLS upstream is a 502, never a fallback to plain"],
  ],
};

for (const [id, places] of Object.entries(catalogue)) {
  test(`${id} of the catalogue of bad input is tried`, () => {
    const hellos = badHellos().map(({ name }) => name);
    for (const [file, title] of places) {
      if (file === "hello") assert.ok(hellos.includes(title), title);
      else assert.ok(readFileSync(new URL(file, import.meta.url), "utf8").includes(title), title);
    }
  });
}

test("TL4: a hello of 64 KiB and one with 1,000 unknown extensions are answered, and nothing of them is kept", async (t) => {
  const front = await openFront(t);
  const many = Array.from({ length: 1000 }, (_, i): [number, Buffer] => [0x8000 + i, Buffer.alloc(2)]);
  for (const extra of [[[0x8000, Buffer.alloc(60_000)]], many] as const) {
    const client = connectPlain({ port: front.port, host: "127.0.0.1" });
    client.on("error", () => {});
    client.write(clientHello({ extra }));
    const [answer] = (await once(client, "data")) as [Buffer];
    // RFC 8446 §4.2: what is not known is passed over. The catalogue asks for an alert, which would be wrong here.
    assert.equal(answer[0], 0x16);
    client.destroy();
  }
  await front.emptied();
  assert.equal(front.tls.countHandshakes(), 0);
});

test("TL9: key updates as fast as a client can ask for them cost bounded CPU, and the connection goes on", async (t) => {
  if (!hasOpenssl(t)) return;
  const front = await openFront(t, { serve: (socket) => socket.pipe(socket) });
  const client = spawn("openssl", ["s_client", "-connect", `127.0.0.1:${front.port}`, "-tls1_3"]);
  t.after(() => client.kill());
  client.stdin.on("error", () => {});
  const { socket } = await front.nextSecured();
  let said = "";
  /** Resolves when the client has printed `text` for the `count`th time. */
  const printed = (text: string, count: number) =>
    new Promise<void>((done, failed) => {
      const look = () => {
        if (said.split(text).length <= count) return;
        client.stdout.off("data", look);
        done();
      };
      client.stdout.on("data", look);
      client.once("close", () => failed(new Error("the client ended")));
    });
  client.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  client.stderr.on("data", (chunk: Buffer) => client.stdout.emit("data", chunk));
  const cpu = process.cpuUsage();
  const updates = 200;
  // A line that begins with K asks for new keys of both sides; it is the client's first of a read that counts.
  for (let i = 1; i <= updates; i++) {
    const updated = printed("KEYUPDATE", i);
    client.stdin.write("K\n");
    await updated;
  }
  const { user, system } = process.cpuUsage(cpu);
  const echoed = printed("still here", 1);
  client.stdin.write("still here\n");
  await echoed;
  assert.equal(socket.destroyed, false);
  // Also the CPU of this test, and of everything it does meanwhile.
  assert.ok((user + system) / updates < 5000, `${(user + system) / updates} us for each`);
});

test("TL10: there is no early data: a client that has a ticket may send none, and is served once", async (t) => {
  if (!hasOpenssl(t)) return;
  const front = await openFront(t);
  const { session } = await visit(front.port);
  // max_early_data_size would be in the ticket; OpenSSL's text of the session says so.
  const text = await sClient(front.port, "-tls1_3");
  assert.match(text, /Max Early Data: 0/);
  assert.equal((await visit(front.port, { session: session! })).resumed, true);
  assert.equal(front.secured.length, 3);
});

test("TL11: a ticket that is damaged anywhere means a full handshake", async (t) => {
  const front = await openFront(t);
  const { session } = await visit(front.port);
  const ticket = ticketIn(session!);
  for (let at = ticket.start; at < ticket.end; at += 7) {
    const damaged = Buffer.from(session!);
    damaged[at]! ^= 0x55;
    const { resumed, text } = await visit(front.port, { session: damaged });
    assert.equal(resumed, false);
    assert.equal(text, "hello");
  }
  assert.deepEqual(front.failures, []);
});

test("TL15: 1,000 connections that say nothing are held to the cap, and closed by the time-out", async (t) => {
  const front = await openFront(t, { server: { handshakesMax: 100, handshakeTimeoutMs: 500 } });
  const clients = Array.from({ length: 1000 }, () => connectPlain(front.port, "127.0.0.1"));
  await Promise.all(
    clients.map((client) => {
      client.on("error", () => {});
      client.resume();
      return closed(client);
    }),
  );
  await front.emptied();
  const count = (failure: string) => front.failures.filter((one) => one === failure).length;
  assert.equal(front.failures.length, 1000);
  assert.equal(count("handshake_cap") + count("timeout"), 1000);
  assert.ok(count("handshake_cap") > 0);
  assert.equal((await visit(front.port)).text, "hello");
});

/** The ticket in OpenSSL's encoding of a session: [10], an OCTET STRING of 128 to 255 bytes. */
function ticketIn(session: Buffer): { readonly start: number; readonly end: number } {
  for (let at = 0; at < session.length - 6; at++) {
    const isTicket = session[at] === 0xaa && session[at + 1] === 0x81 && session[at + 3] === 0x04;
    if (isTicket && session[at + 4] === 0x81) return { start: at + 6, end: at + 6 + session[at + 5]! };
  }
  throw new Error("there is no ticket in the session");
}

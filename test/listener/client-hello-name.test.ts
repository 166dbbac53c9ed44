import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { after, before, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import fc from "fast-check";
import { readClientHello } from "../../src/listener/client-hello.ts";
import { certificateFor } from "./tls-front.ts";
import { clientHello } from "./tls-hello.ts";

// The name in a hello chooses who answers it: OpenSSL, which reads the same bytes afterwards, must not see another one.

let listening: Server;
let seen: string | undefined;
let isRefused = false;

before(async () => {
  const { certPem, keyPem } = certificateFor("localhost");
  const tls = createTlsServer({
    cert: certPem,
    key: keyPem,
    SNICallback: (name, done) => {
      seen = name;
      done(null);
    },
  });
  tls.on("tlsClientError", (error, socket) => {
    // Not by our leaving in the middle.
    if (/^ERR_SSL/.test(String((error as NodeJS.ErrnoException).code))) isRefused = true;
    socket.destroy();
  });
  listening = createServer((socket) => {
    socket.on("error", () => {});
    tls.emit("connection", socket);
  });
  await new Promise<void>((done) => listening.listen(0, "127.0.0.1", done));
});
after(() => listening.close());

/** What OpenSSL made of it: the name, "" without one, undefined when it refused it. */
async function openssl(bytes: Buffer): Promise<string | undefined> {
  seen = undefined;
  isRefused = false;
  const { port } = listening.address() as AddressInfo;
  await new Promise<void>((done) => {
    const socket = connect(port, "127.0.0.1", () => socket.end(bytes));
    socket.on("data", () => socket.destroy());
    socket.on("error", () => {});
    socket.on("close", () => done());
  });
  // Its word on the name comes before its answer; what it refuses afterwards it has still read.
  return seen ?? (isRefused ? undefined : "");
}

test("OpenSSL's word is heard", async () => {
  assert.equal(await openssl(clientHello({ serverNames: [name("a.test")] })), "a.test");
  assert.equal(await openssl(clientHello()), "");
  assert.equal(await openssl(name("GET / HTTP/1.1\r\n\r\n")), undefined);
});

const name = (text: string): Buffer => Buffer.from(text, "latin1");

for (const [what, bytes] of [
  ["one name", clientHello({ serverNames: [name("a.test")] })],
  ["no name", clientHello()],
  ["an upper-case name", clientHello({ serverNames: [name("A.Test")] })],
  ["two names in one list", clientHello({ serverNames: [name("a.test"), name("b.test")] })],
  [
    "the extension twice",
    clientHello({
      serverNames: [name("a.test")],
      extra: [[0, Buffer.concat([Buffer.from([0, 9, 0, 0, 6]), name("b.test")])]],
    }),
  ],
  [
    "another kind of name",
    clientHello({ extra: [[0, Buffer.concat([Buffer.from([0, 9, 1, 0, 6]), name("a.test")])]] }),
  ],
  [
    "a byte behind the list",
    clientHello({
      extra: [[0, Buffer.concat([Buffer.from([0, 9, 0, 0, 6]), name("a.test"), Buffer.from([0])])]],
    }),
  ],
  ["an empty name", clientHello({ serverNames: [Buffer.alloc(0)] })],
  ["a NUL", clientHello({ serverNames: [name("a\0.test")] })],
  ["255 bytes", clientHello({ serverNames: [Buffer.alloc(255, "a")] })],
  ["256 bytes", clientHello({ serverNames: [Buffer.alloc(256, "a")] })],
  ["an empty extension", clientHello({ extra: [[0, Buffer.alloc(0)]] })],
] as const) {
  test(`OpenSSL sees no other name than we do: ${what}`, async () => {
    await agree(bytes);
  });
}

test("OpenSSL sees no other name than we do, whatever is changed in a hello", async () => {
  const base = clientHello({
    serverNames: [name("a.test")],
    alpn: ["h2"],
    extra: [[0x7a7a, Buffer.from([0])]],
  });
  const start = base.indexOf("a.test") - 9;
  const near = fc.integer({ min: start, max: start + 20 });
  let compared = 0;
  const wound = fc.record({ at: fc.oneof(near, fc.nat(base.length - 1)), byte: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(fc.array(wound, { minLength: 1, maxLength: 2 }), async (wounds) => {
      const bytes = Buffer.from(base);
      for (const { at, byte } of wounds) bytes[at] = byte;
      if (await agree(bytes)) compared++;
    }),
    { numRuns: 300 },
  );
  assert.ok(compared > 30, `only ${compared} hellos were read by both`);
});

test("the bytes of a hello never make the reader throw, nor wait for more than a record", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(400), (noise, cut) => {
      const whole = Buffer.concat([clientHello({ serverNames: [name("a.test")] }).subarray(0, cut), noise]);
      readClientHello(whole);
    }),
    { numRuns: 2000 },
  );
  assert.notEqual(
    readClientHello(Buffer.concat([Buffer.from([22, 3, 1, 0xff, 0xff]), Buffer.alloc(70_000)])),
    undefined,
  );
});

/** Whether both read it. */
async function agree(bytes: Buffer): Promise<boolean> {
  const ours = readClientHello(bytes);
  const theirs = await openssl(bytes);
  // Refused by either: nothing is served by that name.
  if (theirs === undefined || ours === undefined || ours === "other") return false;
  assert.equal(ours.serverName, theirs, bytes.toString("hex"));
  return true;
}

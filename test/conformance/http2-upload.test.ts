import assert from "node:assert/strict";
import type net from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { DirectWrite } from "../../src/std/direct-write.ts";
import { Xorshift } from "../../src/std/xorshift.ts";
import {
  ACK,
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Fields,
  type FrameClient,
  frame,
  get,
  HEADERS,
  head,
  openFrames,
  PADDED,
  preface,
  RST_STREAM,
  request,
  SETTINGS,
  uint32,
} from "../support/h2-frames.ts";
import { Windows } from "../support/h2-windows.ts";
import { ok } from "../support/origin.ts";
import { watchWrites } from "../support/written-messages.ts";
import { type Bench, startBench } from "./bench.ts";

// Bodies over HTTP/2 on their way to an HTTP/1.1 upstream: what one turn of the event loop brings leaves in one write.

const secure = { tlsNames: [], tls: `alpn = ["h2"]` };

async function open(t: TestContext, { edge }: Bench, isSecure = true): Promise<FrameClient> {
  const client = await openFrames(isSecure ? edge.tlsPort : edge.port, {
    secure: isSecure,
    opening: Buffer.concat([preface, frame(SETTINGS, 0, 0)]),
  });
  t.after(() => client.end());
  client.send(frame(SETTINGS, ACK, 0));
  return client;
}

/** The head of an upload. Over plain TCP nobody may say "https". */
function post(path: string, isSecure: boolean, ...fields: Fields): Buffer {
  const scheme = [":scheme", isSecure ? "https" : "http"] as const;
  return block(head("POST", path, ...fields).map((one) => (one[0] === ":scheme" ? scheme : one)));
}

/** One stream's body, in frames of all sizes, some padded, some empty. */
async function upload(
  client: FrameClient,
  windows: Windows,
  id: number,
  content: Buffer,
  random: Xorshift,
): Promise<void> {
  let gathered: Buffer[] = [];
  for (let at = 0; at < content.length; ) {
    const kind = random.below(12);
    const size = kind === 0 ? 0 : kind < 4 ? 1 + random.below(40) : kind < 8 ? 16_384 : random.below(16_384);
    const padding = random.below(5) === 0 ? random.below(256) : -1;
    const length = Math.min(content.length - at, size, 16_383 - Math.max(0, padding));
    const flow = length + 1 + padding;
    if (windows.of(id) < flow || random.below(6) === 0) {
      client.send(...gathered);
      gathered = [];
      await client.wait(() => windows.of(id) >= flow);
    }
    const bytes = content.subarray(at, at + length);
    at += length;
    const flags = at === content.length ? END_STREAM : 0;
    windows.use(id, flow);
    gathered.push(
      padding < 0
        ? frame(DATA, flags, id, bytes)
        : frame(
            DATA,
            flags | PADDED,
            id,
            Buffer.concat([Buffer.from([padding]), bytes, Buffer.alloc(padding)]),
          ),
    );
  }
  client.send(...gathered);
}

function contentOf(random: Xorshift, bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) content[at] = 97 + random.below(26);
  return content;
}

for (const { how, isSecure, options } of [
  { how: "TLS", isSecure: true, options: {} },
  { how: "TLS, by events,", isSecure: true, options: { sharedReads: false } },
  { how: "plain TCP", isSecure: false, options: {} },
  { how: "TLS, inspected,", isSecure: true, options: { waf: true } },
])
  test(`over ${how} bodies in frames of all sizes arrive as they were sent`, async (t) => {
    const random = new Xorshift(11);
    const bench = await startBench(t, { ...secure, server: "h2c = true", ...options });
    const clients = await Promise.all([open(t, bench, isSecure), open(t, bench, isSecure)]);
    const sent = new Map<string, Buffer>();
    await Promise.all(
      clients.map(async (client, n) => {
        const windows = new Windows(client);
        for (let round = 0; round < 2; round++) {
          const ids = [1, 3, 5].map((id) => id + 6 * round);
          await Promise.all(
            ids.map(async (id) => {
              const content = contentOf(random, 1 + random.below(500_000));
              const path = `/${n}-${id}`;
              sent.set(path, content);
              const length = ["content-length", String(content.length)] as const;
              const type = ["content-type", "text/plain"] as const;
              const fields = id % 4 === 1 ? [type, length] : [type];
              client.send(frame(HEADERS, END_HEADERS, id, post(path, isSecure, ...fields)));
              await upload(client, windows, id, content, random);
              assert.equal(await client.outcome(id), "200");
            }),
          );
        }
      }),
    );
    assert.equal(bench.origin.requests.length, 12);
    for (const { target, body } of bench.origin.requests)
      assert.ok((await body).equals(sent.get(target)!), `the body of ${target}`);
  });

for (const isSecure of [false, true])
  test(`frames that come together ${isSecure ? "over TLS " : ""}leave in one write`, async (t) => {
    const bench = await startBench(t, { ...secure, server: "h2c = true" });
    const client = await open(t, bench, isSecure);
    client.send(
      frame(HEADERS, END_HEADERS, 1, post("/x", isSecure, ["content-length", "45000"])),
      frame(HEADERS, END_HEADERS, 3, post("/y", isSecure)),
    );
    await bench.origin.request(1);
    const messages = watchWrites(t);
    const letters = ["a", "b", "c"];
    client.send(...letters.map((letter) => frame(DATA, 0, 1, Buffer.alloc(15_000, letter))));
    client.send(
      ...letters.map((letter) => frame(DATA, 0, 3, Buffer.from(letter))),
      frame(DATA, END_STREAM, 3),
    );
    for (const id of [1, 3]) assert.equal(await client.outcome(id), "200");
    const body = letters.map((letter) => letter.repeat(15_000)).join("");
    assert.ok(messages.includes(body), `the body left in pieces: ${messages.map(({ length }) => length)}`);
    assert.ok(messages.includes("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"));
  });

test("a piece that is alone goes on although nothing follows it", async (t) => {
  const bench = await startBench(t, secure);
  const client = await open(t, bench);
  client.send(frame(HEADERS, END_HEADERS, 1, post("/x", true)));
  const seen = await bench.origin.request(0);
  for (let count = 1; count <= 20; count++) {
    client.send(frame(DATA, 0, 1, Buffer.from("x")));
    while (seen.bodyBytes() < count) await turn();
  }
  client.send(frame(DATA, END_STREAM, 1));
  assert.equal(await client.outcome(1), "200");
});

/** The gateway's socket whose other end is `peer`. */
function gatewaySocket(peer: net.Socket): net.Socket {
  const handles = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
  return handles.find((handle) => {
    const socket = handle as net.Socket;
    return socket !== peer && socket.localPort === peer.remotePort && socket.remotePort === peer.localPort;
  }) as net.Socket;
}

/** Bytes that wait in the gateway for the kernel to take them. */
function waiting(socket: net.Socket): number {
  const { _handle: handle } = socket as unknown as { readonly _handle: { readonly writeQueueSize: number } };
  return Math.max(socket.writableLength, handle.writeQueueSize);
}

test("an upstream that stalls stops the client, and gets every byte when it goes on", async (t) => {
  const bench = await startBench(t, {
    ...secure,
    route: "max_body_mb = 64",
    script: async (seen, { socket }) => {
      await seen.body;
      socket.write(ok("ok"));
    },
  });
  const client = await open(t, bench);
  const windows = new Windows(client);
  client.send(frame(HEADERS, END_HEADERS, 1, post("/x", true)));
  const seen = await bench.origin.request(0);
  const { socket } = seen.connection;
  const toOrigin = gatewaySocket(socket);
  const sent: Buffer[] = [];
  const fill = (): void => {
    const frames: Buffer[] = [];
    while (windows.of(1) >= 16_000) {
      const bytes = Buffer.alloc(16_000, `piece ${sent.length} `);
      windows.use(1, bytes.length);
      sent.push(bytes);
      frames.push(frame(DATA, 0, 1, bytes));
    }
    if (frames.length > 0) client.send(...frames);
  };
  for (let stall = 0; stall < 2; stall++) {
    socket.pause();
    const most = sent.length + 3_000;
    // The kernel takes some megabytes, then the windows stay shut.
    for (let turns = 0; turns < 50; turns++) {
      if (windows.of(1) >= 16_000 || waiting(toOrigin) === 0) turns = 0;
      fill();
      assert.ok(sent.length < most, "the client is stopped");
      assert.ok(waiting(toOrigin) < 262_144, `${waiting(toOrigin)} bytes wait`);
      await turn();
    }
    socket.resume();
    await client.wait(() => windows.of(1) >= 16_000);
  }
  client.send(frame(DATA, END_STREAM, 1));
  assert.equal(await client.outcome(1), "200");
  assert.ok((await seen.body).equals(Buffer.concat(sent)));
});

test("a body that its client takes back ends at the upstream unfinished, and nobody else's with it", async (t) => {
  const bench = await startBench(t, secure);
  const client = await open(t, bench);
  const piece = (letter: string): Buffer => Buffer.alloc(12_000, letter);
  for (const id of [1, 3]) client.send(frame(HEADERS, END_HEADERS, id, post(`/${id}`, true)));
  await bench.origin.request(1);
  const [gone, kept] = ["/1", "/3"].map((path) => bench.origin.requests.find((one) => one.target === path)!);
  // The last pieces and the reset come in one read.
  client.send(
    frame(DATA, 0, 1, piece("a")),
    frame(DATA, 0, 3, piece("b")),
    frame(DATA, 0, 1, piece("c")),
    frame(RST_STREAM, 0, 1, uint32(8)),
    frame(DATA, 0, 3, piece("d")),
  );
  await gone!.connection.over;
  assert.equal(gone!.complete(), false);
  client.send(frame(DATA, END_STREAM, 3, piece("e")), request(5, head("POST", "/5"), "next"));
  for (const id of [3, 5]) assert.equal(await client.outcome(id), "200");
  assert.ok((await kept!.body).equals(Buffer.concat(["b", "d", "e"].map(piece))));
  assert.equal(String(await bench.origin.requests[2]!.body), "next");
});

test("an answer that comes while a body is about to leave is its answer, and the upstream's connection stays in order", async (t) => {
  const bench = await startBench(t, { ...secure, script: () => {} });
  const client = await open(t, bench);
  for (let n = 0; n < 10; n++) {
    const id = 1 + 4 * n;
    client.send(frame(HEADERS, END_HEADERS, id, post("/x", true, ["content-length", "30000"])));
    const { connection } = await bench.origin.request(bench.origin.requests.length);
    // Both are there when the gateway looks next. The body ends, or goes on.
    const isWhole = n % 2 === 1;
    const half = Buffer.alloc(15_000, "x");
    client.send(frame(DATA, 0, id, half), ...(isWhole ? [frame(DATA, END_STREAM, id, half)] : []));
    connection.socket.write(ok("early"));
    assert.equal(await client.outcome(id), "200");
    await client.wait(({ type, stream }) => type === DATA && stream === id);
    assert.equal(client.body(id), "early");
    bench.origin.script = (_, { socket }) => void socket.write(ok("next"));
    client.send(request(id + 2, head("POST", "/y"), "z"));
    assert.equal(await client.outcome(id + 2), "200");
    await client.wait(({ type, stream }) => type === DATA && stream === id + 2);
    assert.equal(client.body(id + 2), "next");
    bench.origin.script = () => {};
  }
  assert.equal(bench.origin.requests.filter(({ target }) => target === "/x").length, 10);
});

test("an answer before the last of a body has gone ends the upstream's connection", async (t) => {
  const bench = await startBench(t, { ...secure, script: () => {} });
  const client = await open(t, bench);
  client.send(frame(HEADERS, END_HEADERS, 1, post("/x", true)));
  const { connection } = await bench.origin.request(0);
  const { write } = DirectWrite.prototype;
  t.mock.method(
    DirectWrite.prototype,
    "write",
    function (this: DirectWrite, ...told: Parameters<typeof write>) {
      const isFree = write.apply(this, told);
      // As if the kernel had not taken it.
      told[2].onQueued();
      return isFree;
    },
    { times: 1 },
  );
  client.send(frame(DATA, END_STREAM, 1, Buffer.from("last")));
  connection.socket.write(ok("early"));
  assert.equal(await client.outcome(1), "200");
  bench.origin.script = (_, { socket }) => void socket.write(ok("next"));
  client.send(request(3, head("POST", "/y"), "z"));
  assert.equal(await client.outcome(3), "200");
  assert.equal(bench.origin.connections.length, 2);
});

test("an upstream that speaks before a request has left is not taken for its answer", async (t) => {
  const bench = await startBench(t, secure);
  const client = await open(t, bench);
  for (let id = 1; id < 20; id += 4) {
    client.send(request(id, head("POST", "/x"), "x"));
    assert.equal(await client.outcome(id), "200");
    // The gateway reads both in one turn.
    client.send(request(id + 2, get("/y")));
    bench.origin.connections.at(-1)!.socket.write(ok("unasked"));
    assert.equal(await client.outcome(id + 2), "200");
    await client.wait(({ type, stream }) => type === DATA && stream === id + 2);
    assert.equal(client.body(id + 2), "ok");
  }
});

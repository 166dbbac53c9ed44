import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import tls from "node:tls";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { newDirectory } from "../support/directory.ts";
import { type OriginConnection, reset } from "../support/origin.ts";
import { ask, type RawClient } from "../support/raw-client.ts";
import {
  accepting,
  afterHead,
  closeCode,
  echoing,
  frame,
  handshake,
  masked,
  open,
  readFrame,
  switching,
} from "../support/websocket.ts";
import { type Bench, type BenchOptions, startBench } from "./bench.ts";

// What happens to bytes, and to both ends, after the handshake.

interface Pair extends Bench {
  readonly client: RawClient;
  /** The upstream's end. */
  readonly far: OriginConnection;
}

async function openPair(
  t: TestContext,
  options: BenchOptions & { readonly fields?: readonly string[] } = {},
): Promise<Pair> {
  const bench = await startBench(t, {
    script: accepting,
    ...options,
    route: `mode = "websocket"\n${options.route ?? ""}`,
  });
  const request = handshake(...(options.fields ?? []));
  const client =
    options.tlsNames === undefined
      ? await open(bench.edge.port, {}, request)
      : await open(bench.edge.tlsPort, { tls: { servername: "localhost" } }, request);
  t.after(() => client.destroy());
  return { ...bench, client, far: bench.origin.connections[0]! };
}

/** Resolves when the upstream has received this many bytes after the handshake. */
async function received(far: OriginConnection, bytes: number): Promise<Buffer> {
  while (afterHead(far).length < bytes) await new Promise((done) => far.socket.once("data", done));
  return afterHead(far);
}

/** Resolves with the tunnel's line once it is written. */
async function tunnelLine({ edge }: Pick<Bench, "edge">): Promise<Readonly<Record<string, unknown>>> {
  for (;;) {
    const line = (await edge.logLines()).find((one) => one["http.response.status_code"] === 101);
    if (line !== undefined) return line;
    await new Promise((done) => setImmediate(done));
  }
}

for (const transport of ["plain", "TLS"] as const) {
  test(`frames go both ways as they are, over ${transport}, however they are cut`, async (t) => {
    const { client, far } = await openPair(t, transport === "TLS" ? { tlsNames: ["b.test"] } : {});
    const up = Buffer.concat([
      masked(1, "hello"),
      masked(9, "ping"),
      masked(2, Buffer.alloc(70_000, 7)),
      masked(1, "a", true),
      masked(0, "b"),
    ]);
    const down = Buffer.concat([frame(1, "welcome"), frame(10, "ping"), frame(2, Buffer.alloc(70_000, 9))]);
    for (let at = 0; at < 40; at++) await client.sendPieces([up.subarray(at, at + 1)]);
    client.send(up.subarray(40));
    for (let at = 0; at < 12; at++) far.socket.write(down.subarray(at, at + 1));
    far.socket.write(down.subarray(12));
    assert.ok((await received(far, up.length)).equals(up));
    await client.until(() => client.rest.length >= down.length);
    assert.ok(client.rest.equals(down));
  });
}

test("frames that come with the upstream's 101 are not lost", async (t) => {
  const down = Buffer.concat([frame(1, "first"), frame(1, "second")]);
  const { client } = await openPair(t, {
    script: (request, connection) =>
      void connection.socket.write(Buffer.concat([Buffer.from(switching(request), "latin1"), down])),
  });
  await client.until(() => client.rest.length >= down.length);
  assert.ok(client.rest.equals(down));
});

test("megabytes go both ways at once, whole and in order, past readers that pause", async (t) => {
  const { client, far } = await openPair(t, { keepBodies: true });
  const size = 6 << 20;
  const payload = Buffer.alloc(size, "0123456789abcdef-");
  const up = masked(2, payload);
  const down = frame(2, payload);
  const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  client.socket.pause();
  far.socket.pause();
  client.send(up);
  far.socket.write(down);
  // Both stand still now, with what the kernel took.
  await new Promise((done) => setTimeout(done, 300));
  assert.equal(client.rest.length, 0);
  client.socket.resume();
  far.socket.resume();
  await client.until(() => client.rest.length >= down.length);
  assert.equal(digest(client.rest), digest(down));
  assert.equal(digest(await received(far, up.length)), digest(up));
});

test("a reader that stops holds its writer back, and memory does not grow", async (t) => {
  const { edge, client, far } = await openPair(t, { keepBodies: false });
  far.socket.pause();
  // More than the kernel's buffers on the way can take.
  const piece = masked(2, Buffer.alloc(1 << 20));
  let written = 0;
  let stopped = false;
  while (!stopped && written < 64 << 20) {
    const more = client.socket.write(piece);
    written += piece.length;
    if (more) continue;
    stopped = await new Promise<boolean>((done) => {
      const timer = setTimeout(() => done(true), 1000);
      client.socket.once("drain", () => {
        clearTimeout(timer);
        done(false);
      });
    });
  }
  assert.ok(stopped, `${written} bytes went into the tunnel and nobody read them`);
  const passed = edge.metric("zion_websocket_bytes_total", "upstream");
  far.socket.resume();
  const pieces = written;
  while (edge.metric("zion_websocket_bytes_total", "upstream") < pieces)
    await new Promise((done) => setTimeout(done, 20));
  assert.ok(passed < pieces);
});

test("a closing handshake of the client ends both connections, and the line says so", async (t) => {
  const pair = await openPair(t, { script: echoing });
  const { client, edge, origin } = pair;
  client.send(masked(1, "hello"));
  await client.until(() => client.rest.length >= 7);
  client.send(masked(8, Buffer.from([3, 232])));
  await client.untilOver();
  assert.equal(closeCode(client.rest.subarray(7)), 1000);
  client.destroy();
  const line = await tunnelLine(pair);
  assert.equal(line["http.response.status_code"], 101);
  assert.equal(line["http.request.body.size"], 11 + 8);
  assert.equal(line["http.response.body.size"], 7 + 4);
  assert.equal(line["zion.decision"], "allow");
  assert.equal(line["zion.reason"], undefined);
  assert.equal(line["http.request.method"], "GET");
  assert.equal(line["zion.upstream"], "app");
  assert.ok((line["zion.duration.total_us"] as number) >= (line["zion.duration.ttfb_us"] as number));
  assert.equal(edge.metric("zion_websocket_connections"), 0);
  assert.equal(edge.metric("zion_websocket_upgrades_total", "switched"), 1);
  assert.equal(edge.metric("zion_websocket_bytes_total", "upstream"), 19);
  assert.equal(edge.metric("zion_websocket_bytes_total", "client"), 11);
  assert.equal(origin.connections.length, 1);
});

test("a half-closed end still gets what the other has to say", async (t) => {
  const { client, far } = await openPair(t, {
    script: (request, connection) => {
      connection.socket.removeAllListeners("end");
      connection.socket.write(switching(request));
    },
  });
  client.send(masked(1, "last words"));
  client.end();
  await new Promise<void>((done) => far.socket.once("end", done));
  assert.equal(readFrame(afterHead(far))?.payload.toString(), "last words");
  const answer = frame(2, Buffer.alloc(200_000, 3));
  far.socket.end(answer);
  await client.untilOver();
  assert.ok(client.rest.equals(answer));
});

test("an upstream that half-closes still gets what the client has to say", async (t) => {
  const { client, far } = await openPair(t);
  client.socket.removeAllListeners("end");
  const farewell = frame(1, "bye");
  far.socket.end(farewell);
  await new Promise<void>((done) => client.socket.once("end", done));
  assert.ok(client.rest.equals(farewell));
  const answer = masked(2, Buffer.alloc(200_000, 5));
  client.socket.end(answer);
  assert.ok((await received(far, answer.length)).equals(answer));
});

for (const when of ["at once", "inside a frame", "with megabytes queued"] as const) {
  for (const who of ["client", "upstream"] as const) {
    test(`a reset by the ${who} ${when} ends the other end, and only that`, async (t) => {
      const pair = await openPair(t, { keepBodies: false });
      const { client, far, edge } = pair;
      if (when === "inside a frame") {
        client.send(masked(2, Buffer.alloc(100)).subarray(0, 50));
        far.socket.write(frame(2, Buffer.alloc(100)).subarray(0, 50));
        await client.until(() => client.rest.length >= 50);
      } else if (when === "with megabytes queued") {
        client.socket.pause();
        far.socket.pause();
        client.send(masked(2, Buffer.alloc(8 << 20)));
        far.socket.write(frame(2, Buffer.alloc(8 << 20)));
        await new Promise((done) => setTimeout(done, 100));
      }
      if (who === "client") client.reset();
      else reset(far.socket);
      client.socket.resume();
      far.socket.resume();
      if (who === "client") await far.over;
      else await client.untilOver();
      const line = await tunnelLine(pair);
      assert.equal(line["zion.reason"], who === "client" ? "client_gone" : "upstream_reset");
      assert.equal(edge.metric("zion_websocket_connections"), 0);
      assert.equal(edge.metric("zion_defects_total"), 0);
      const other = await open(edge.port);
      other.destroy();
    });
  }
}

test("random resets, ends and writes on both sides leave nothing behind", async (t) => {
  const { edge, origin } = await startBench(t, { route: 'mode = "websocket"', script: accepting });
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 16) % below;
  };
  for (let round = 0; round < 60; round++) {
    origin.forget();
    const client = await open(edge.port);
    const far = origin.connections.at(-1)!;
    const steps = 1 + random(5);
    for (let step = 0; step < steps; step++) {
      const size = [0, 10, 300, 200_000][random(4)]!;
      if (random(2) === 0 && !client.socket.writableEnded) client.send(masked(2, Buffer.alloc(size)));
      else if (!far.socket.writableEnded) far.socket.write(frame(2, Buffer.alloc(size)));
      if (random(4) === 0) await new Promise((done) => setImmediate(done));
    }
    const end = random(6);
    if (end === 0) client.reset();
    else if (end === 1) reset(far.socket);
    else if (end === 2) client.end();
    else if (end === 3) far.socket.end();
    else if (end === 4) {
      client.reset();
      reset(far.socket);
    } else {
      client.end();
      far.socket.end();
    }
    await Promise.all([client.untilOver(), far.over]);
    client.destroy();
    far.socket.destroy();
  }
  while (edge.metric("zion_websocket_connections") > 0) await new Promise((done) => setImmediate(done));
  assert.equal(edge.metric("zion_websocket_upgrades_total", "switched"), 60);
  assert.equal(edge.metric("zion_defects_total"), 0);
});

for (const [title, bytes, code] of [
  ["an unmasked frame", frame(1, "x"), 1002],
  ["reserved bits that nobody agreed on", frame(1, "x", { mask: true, bits: 0x40 }), 1002],
  ["a reserved opcode", masked(5, "x"), 1002],
  ["a fragmented ping", masked(9, "x", true), 1002],
  ["a ping of 126 bytes", masked(9, Buffer.alloc(126)), 1002],
  ["a length of 2^63", Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]), 1009],
  [
    "10,000 empty fragments",
    Buffer.concat(Array.from({ length: 10_000 }, (_, at) => masked(at === 0 ? 1 : 0, "", true))),
    1008,
  ],
  ["10,000 pings", Buffer.concat(Array.from({ length: 10_000 }, () => masked(9))), 1008],
  ["HTTP", Buffer.from("GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"), 1002],
] as const) {
  test(`${title} in a tunnel closes it on both sides`, async (t) => {
    const pair = await openPair(t);
    const { client, far } = pair;
    const good = masked(1, "good");
    client.send(good);
    await received(far, good.length);
    client.send(bytes);
    await client.untilOver();
    assert.equal(closeCode(client.rest), code);
    await far.over;
    const there = afterHead(far).subarray(good.length);
    // Good frames of a flood went over before.
    const close = there.subarray(there.length - 8);
    assert.equal(closeCode(close), code);
    assert.ok(!there.includes("smuggled"));
    const line = await tunnelLine(pair);
    assert.equal(line["zion.reason"], code === 1008 ? "websocket_flood" : "websocket_protocol");
  });
}

test("reserved bits pass where the upstream agreed on an extension", async (t) => {
  const { client, far } = await openPair(t, {
    script: (request, connection) =>
      void connection.socket.write(switching(request, "Sec-WebSocket-Extensions: permessage-deflate")),
    fields: ["Sec-WebSocket-Extensions: permessage-deflate"],
  });
  const compressed = frame(1, Buffer.from([0xf2, 0x48, 0xcd]), { mask: true, bits: 0x40 });
  client.send(compressed);
  assert.ok((await received(far, compressed.length)).equals(compressed));
});

test("a WebSocket without a byte is closed with 1001 on both sides, one that speaks is not", async (t) => {
  const quiet = await openPair(t, { route: "websocket_idle_secs = 1" });
  const busy = await open(quiet.edge.port);
  t.after(() => busy.destroy());
  const talk = setInterval(() => busy.send(masked(9)), 100);
  t.after(() => clearInterval(talk));
  await quiet.client.untilOver();
  assert.equal(closeCode(quiet.client.rest), 1001);
  await quiet.far.over;
  assert.equal(closeCode(afterHead(quiet.far)), 1001);
  assert.equal((await tunnelLine(quiet))["zion.reason"], "stream_idle");
  assert.ok(!busy.ended && !busy.closed);
});

test("a WebSocket that is old enough is closed with 1001, however much it speaks", async (t) => {
  const pair = await openPair(t, { server: "connection_max_age_secs = 1" });
  const { client } = pair;
  const talk = setInterval(() => client.send(masked(9)), 100);
  t.after(() => clearInterval(talk));
  await client.untilOver();
  clearInterval(talk);
  assert.equal(closeCode(client.rest), 1001);
  assert.equal((await tunnelLine(pair))["zion.reason"], "stream_age");
});

test("no Close frame of ours is written into the middle of another frame", async (t) => {
  const pair = await openPair(t, { route: "websocket_idle_secs = 1" });
  const { client, far } = pair;
  const half = frame(2, Buffer.alloc(1000, 1)).subarray(0, 500);
  far.socket.write(half);
  await client.untilOver();
  assert.ok(client.rest.equals(half));
  // The other direction stood between two frames.
  await far.over;
  assert.equal(closeCode(afterHead(far)), 1001);
});

test("a client that reads nothing while frames wait for it is cut off", async (t) => {
  const pair = await openPair(t, { server: "write_timeout_ms = 500" });
  const { client, far } = pair;
  client.socket.pause();
  far.socket.write(frame(2, Buffer.alloc(32 << 20)));
  await far.over;
  assert.equal((await tunnelLine(pair))["zion.reason"], "write_timeout");
});

test("an upstream that reads nothing while frames wait for it is cut off", async (t) => {
  const pair = await openPair(t, { upstream: "idle_timeout_ms = 500", keepBodies: false });
  const { client, far } = pair;
  far.socket.pause();
  client.send(masked(2, Buffer.alloc(32 << 20)));
  await client.untilOver();
  assert.equal((await tunnelLine(pair))["zion.reason"], "upstream_idle");
});

test("a reload leaves WebSockets alone, also when their route is gone", async (t) => {
  const { client, far, edge, origin } = await openPair(t);
  edge.reload(`
[server]
http_mode = "serve"
[upstream.other]
url = "http://127.0.0.1:${origin.port}"
[[route]]
path = "/other"
upstream = "other"
waf = false
`);
  const up = masked(1, "still here");
  client.send(up);
  assert.ok((await received(far, up.length)).equals(up));
  far.socket.write(frame(1, "me too"));
  await client.until(() => client.rest.length >= 8);
  assert.equal(edge.metric("zion_websocket_connections"), 1);
});

test("a drain closes every WebSocket with 1001, on both sides", async (t) => {
  const { edge, origin } = await startBench(t, { route: 'mode = "websocket"', script: accepting });
  const clients = await Promise.all(Array.from({ length: 20 }, () => open(edge.port)));
  const cut = await edge.drain(3000);
  await Promise.all(clients.map((client) => client.untilOver()));
  assert.deepEqual(
    clients.map((client) => closeCode(client.rest)),
    clients.map(() => 1001),
  );
  assert.deepEqual(
    origin.connections.map((far) => closeCode(afterHead(far))),
    clients.map(() => 1001),
  );
  assert.equal(cut, 0);
  for (const client of clients) client.destroy();
});

test("a WebSocket takes no place of the upstream's bulkhead", async (t) => {
  const { edge } = await openPair(t, { upstream: "max_in_flight = 1" });
  const second = await open(edge.port);
  second.destroy();
});

/** A gateway whose upstream speaks TLS, and answers a handshake with `serve`. */
async function openOverTls(
  t: TestContext,
  serve: (socket: tls.TLSSocket, answer: string) => void,
): Promise<Bench["edge"]> {
  const folder = newDirectory("wss");
  const { certPem, keyPem } = makeSelfSigned({ names: ["localhost", "127.0.0.1"], days: 2 });
  writeFileSync(path.join(folder, "ca.pem"), certPem);
  const server = tls.createServer({ cert: certPem, key: keyPem, allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (bytes: Buffer) => {
      const sent = /sec-websocket-key: (\S+)/i.exec(bytes.toString("latin1"))![1]!;
      serve(socket, switching({ fields: [["sec-websocket-key", sent]] }));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  const { edge } = await startBench(t, { route: 'mode = "websocket"' });
  edge.reload(`
[server]
http_mode = "serve"
[upstream.app]
url = "https://127.0.0.1:${(server.address() as net.AddressInfo).port}"
ca_path = ${JSON.stringify(path.join(folder, "ca.pem"))}
[[route]]
path = "/{*rest}"
upstream = "app"
mode = "websocket"
waf = false
`);
  return edge;
}

test("an upstream over TLS is switched like a plain one", async (t) => {
  const edge = await openOverTls(t, (socket, answer) => {
    socket.write(answer);
    socket.on("data", (frames: Buffer) => socket.write(frame(2, frames)));
    socket.on("end", () => socket.end(frame(8)));
  });
  const client = await open(edge.port);
  const up = masked(2, Buffer.alloc(50_000, 6));
  client.send(up);
  const echoed = (): number => {
    let size = 0;
    for (let rest = client.rest; ; ) {
      const read = readFrame(rest);
      if (read === undefined) return size;
      size += read.payload.length;
      rest = rest.subarray(read.size);
    }
  };
  await client.until(() => echoed() >= up.length);
  client.end();
  await client.untilOver();
  assert.equal(edge.metric("zion_websocket_connections"), 0);
});

test("an upstream that ends inside the TLS handshake makes a 502", async (t) => {
  const { edge } = await startBench(t, { route: 'mode = "websocket"' });
  const server = net.createServer((socket) => socket.resume().end());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  edge.reload(`
[server]
http_mode = "serve"
[upstream.app]
url = "https://127.0.0.1:${(server.address() as net.AddressInfo).port}"
[[route]]
path = "/{*rest}"
upstream = "app"
mode = "websocket"
waf = false
`);
  assert.equal((await ask(edge.port, handshake())).status, 502);
  assert.equal((await ask(edge.port, "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n")).status, 502);
});

test("an upstream that is spoken to in HTTP/2 gets its WebSockets over HTTP/1.1", async (t) => {
  const { client, far, origin } = await openPair(t, { upstream: 'protocol = "h2c"' });
  assert.equal(origin.requests[0]!.method, "GET");
  const up = masked(1, "hello");
  client.send(up);
  assert.ok((await received(far, up.length)).equals(up));
});

test("an upstream over TLS that switches and ends in one record after the other is heard before its end is", async (t) => {
  const edge = await openOverTls(t, (socket, answer) => void socket.end(answer));
  const client = await open(edge.port);
  await client.until(() => client.ended);
  client.end();
  await client.untilOver();
});

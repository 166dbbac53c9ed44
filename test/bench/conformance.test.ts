import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { type TestContext, test } from "node:test";
import tls from "node:tls";
import { judgeCache } from "../../bench/conformance/cache.ts";
import { ownProbes, passes } from "../../bench/conformance/http1.ts";
import { type Http2Case, http2Cases } from "../../bench/conformance/http2.cases.ts";
import { judgeAll, startHttp2Origin } from "../../bench/conformance/http2.ts";
import { conformanceSections } from "../../bench/conformance/page.ts";
import { readFindings } from "../../bench/conformance/tls.ts";
import { startTunnelOrigin } from "../../bench/conformance/tunnel.ts";
import { judgeWebSocket } from "../../bench/conformance/websocket.ts";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { suiteOrigin } from "../cache/suite-run.ts";
import { ACK, DATA, END_STREAM, frame, HEADERS, PING, preface, SETTINGS } from "../support/h2-frames.ts";
import { startOrigin } from "../support/origin.ts";

// The probes find servers that are wrong: those below are, on purpose. Where the gateway passes all of them it must not
// be because nothing is looked at.

async function listen(t: TestContext, server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

test("our own probes are at least the 173 of the catalogue", () => {
  assert.ok(ownProbes >= 173, `${ownProbes}`);
});

test("an HTTP/1.1 request is passed on when it is answered, in whatever form, and not when it is refused", async (t) => {
  for (const [answer, isPassed] of [
    ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true],
    ["HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", true],
    ["only a body, as HTTP/0.9 has it", true],
    ["HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", false],
    ["", false],
  ] as const) {
    const server = net.createServer((socket) => socket.once("data", () => socket.end(answer)));
    assert.equal(await passes(await listen(t, server), "GET / HTTP/1.1\r\n\r\n"), isPassed, answer);
  }
});

/** A server of HTTP/2 that hands each frame of a client to `take`. */
function frameServer(take: (type: number, stream: number, socket: net.Socket) => void): net.Server {
  const { certPem: cert, keyPem: key } = makeSelfSigned({ names: ["localhost"], days: 2 });
  return tls.createServer({ cert, key, ALPNProtocols: ["h2"] }, (socket) => {
    let rest: Buffer = Buffer.alloc(0);
    let skip = preface.length;
    socket.on("error", () => undefined);
    socket.write(frame(SETTINGS, 0, 0));
    socket.on("data", (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      if (rest.length < skip) return;
      rest = rest.subarray(skip);
      skip = 0;
      while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
        take(rest[3]!, rest.readUInt32BE(5) & 0x7fffffff, socket);
        rest = rest.subarray(9 + rest.readUIntBE(0, 3));
      }
    });
  });
}

/** Few of each group: what is overlooked takes a second. */
const someOf = (...groups: readonly Http2Case["group"][]): readonly Http2Case[] =>
  groups.flatMap((group) =>
    http2Cases.filter((one) => one.group === group && one.send.length === 1).slice(0, 3),
  );

test("a server of HTTP/2 that answers whatever comes is found wrong", async (t) => {
  const server = frameServer((type, stream, socket) => {
    if (type === HEADERS)
      socket.write(
        Buffer.concat([
          frame(HEADERS, 4, stream, Buffer.from([0x88])),
          frame(DATA, END_STREAM, stream, Buffer.from("ok")),
        ]),
      );
    if (type === PING) socket.write(frame(PING, ACK, 0, Buffer.alloc(8)));
  });
  const origin = await startHttp2Origin();
  t.after(() => origin.close());
  const found = await judgeAll(
    await listen(t, server),
    origin,
    someOf("frames", "messages", "ambiguous", "legal"),
  );
  for (const group of ["frames", "messages", "ambiguous"] as const)
    assert.deepEqual([found[group].sent, found[group].wrong.length], [3, 3], group);
  assert.deepEqual(found.legal.wrong, []);
});

test("a server of HTTP/2 that closes whatever comes refuses everything, also what it must serve", async (t) => {
  const server = frameServer((type, _stream, socket) => {
    if (type !== SETTINGS) socket.destroy();
  });
  const origin = await startHttp2Origin();
  t.after(() => origin.close());
  const found = await judgeAll(await listen(t, server), origin, someOf("frames", "messages", "legal"));
  assert.deepEqual([found.frames.wrong, found.messages.wrong], [[], []]);
  assert.equal(found.legal.wrong.length, 3);
});

/** Connections go on to `originPort` as they are, but for what `change` makes of bytes on their way there. */
function pipe(originPort: number, change: (bytes: Buffer) => Buffer): net.Server {
  return net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const up = net.connect({ port: originPort, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    for (const [from, to] of [
      [socket, up],
      [up, socket],
    ] as const) {
      from.on("error", () => to.destroy());
      from.on("close", (failed) => failed && to.destroy());
      from.on("end", () => to.end());
      from.on("data", (bytes: Buffer) => {
        if (!to.write(from === socket ? change(bytes) : bytes)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
      });
    }
  });
}

test("a tunnel that leaves everything as it is passes; one that changes a byte, or loses one, does not", async (t) => {
  const origin = await startTunnelOrigin();
  t.after(() => origin.close());
  const through = async (change: (bytes: Buffer) => Buffer, only?: readonly string[]) =>
    await judgeWebSocket(await listen(t, pipe(origin.port, change)), undefined, origin, only);

  assert.deepEqual(new Set(Object.values(await through((bytes) => bytes))), new Set(["ok"]));

  // Masked payloads are any bytes; the head is left alone.
  const isHead = (bytes: Buffer) => bytes.includes("HTTP/1.1");
  const flipped = await through(
    (bytes) => {
      if (isHead(bytes) || bytes.length < 1000) return bytes;
      const other = Buffer.from(bytes);
      other[500]! ^= 1;
      return other;
    },
    ["4 MB each way"],
  );
  assert.match(flipped["4 MB each way"]!, /^to the origin: other bytes; to the client: ok$/);

  const cut = await through((bytes) => (isHead(bytes) ? bytes : bytes.subarray(1)), ["closing handshake"]);
  assert.deepEqual(cut, { "closing handshake": "to the origin: 7 of 8 bytes" });
});

test("who stores nothing is told from who gives out what it must not", async (t) => {
  const started = async () => {
    const origin = suiteOrigin();
    const server = await startOrigin({
      script: async (request, { socket }) => {
        await request.body.catch(() => undefined);
        if (!socket.destroyed) socket.write(Buffer.from(origin.answer(request), "latin1"));
      },
    });
    t.after(() => server.close());
    return { origin, port: server.port };
  };
  // No cache at all.
  const plain = await started();
  const forgetful = await judgeCache("nothing", plain.port, plain.origin);
  assert.deepEqual(forgetful.reused, []);
  assert.ok(forgetful.refetched.length > 50, `${forgetful.refetched.length}`);

  // The first answer to a path is the answer for ever.
  const kept = new Map<string, string>();
  const origin = suiteOrigin();
  const greedy = await startOrigin({
    script: (request, { socket }) => {
      const first = kept.get(request.target) ?? origin.answer(request);
      // Without a body it would be no whole answer to the next.
      if (request.method !== "HEAD") kept.set(request.target, first);
      socket.write(Buffer.from(first, "latin1"));
    },
  });
  t.after(() => greedy.close());
  const found = await judgeCache("greedy", greedy.port, origin);
  assert.deepEqual(found.refetched, []);
  assert.ok(found.reused.length > 80, `${found.reused.length}`);
});

test("findings of testssl.sh are counted by severity, and a scan that looked at nothing is an error", () => {
  const ok = ["TLS1_3", "SSLv3", "heartbleed"].map((id) => ({ id, severity: "OK", finding: "fine" }));
  const bad = { id: "BEAST", severity: "LOW", finding: "CBC" };
  assert.deepEqual(readFindings([...ok, bad]), { counts: { OK: 3, LOW: 1 }, findings: ["LOW BEAST: CBC"] });
  assert.throws(() => readFindings([bad]), /says nothing of TLS1_3/);
});

test("what somebody's server said stands in a cell of the table without breaking it", () => {
  const cases = { "4 MB each way": "a|b\n<i>" };
  const part = { date: "2026-01-01", commit: "abc", leftOut: [], lines: [{ candidate: "zion", cases }] };
  const [section] = conformanceSections({ machine: {}, websocket: part } as never);
  assert.match(section!, /^\| 4 MB each way \| a\\\|b\?\\<i\\> \|$/m);
});

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import tls from "node:tls";
import { promisify } from "node:util";
import { newDirectory } from "../support/directory.ts";
import type { Edge } from "../support/edge.ts";
import {
  ACK,
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  type FrameClient,
  frame,
  GOAWAY,
  HEADERS,
  head,
  openFrames,
  RST_STREAM,
  SETTINGS,
  uint32,
} from "../support/h2-frames.ts";
import { Windows } from "../support/h2-windows.ts";
import { type Bench, startBench } from "./bench.ts";

// Answers that come before the client has sent its body: whoever reads them only then gets them, too.

const CANCEL = 8;
/** More than the buffers of two sockets take. */
const LARGE_BYTES = 32 << 20;

/** A body that the upstream answers may be as large as it likes: a megabyte of it can pass before the answer comes. */
function start(t: TestContext, maxBodyMb = 64): Promise<Bench> {
  return startBench(t, {
    tlsNames: ["localhost"],
    route: `max_body_mb = ${maxBodyMb}`,
    script: ({ target }, { socket }) => {
      // The body is not read.
      if (target === "/early")
        socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    },
  });
}

async function connectTo(edge: Edge, isSecure: boolean): Promise<net.Socket> {
  const options = { port: isSecure ? edge.tlsPort : edge.port, host: "127.0.0.1" };
  const socket = isSecure ? tls.connect({ ...options, rejectUnauthorized: false }) : net.connect(options);
  await once(socket, isSecure ? "secureConnect" : "connect");
  return socket;
}

const piece = Buffer.alloc(1 << 20, "x");

for (const isSecure of [false, true])
  for (const { what, path, framing, status, maxBodyMb } of [
    { what: "too large", path: "/", framing: `Content-Length: ${LARGE_BYTES}`, status: 413, maxBodyMb: 1 },
    {
      what: "answered early",
      path: "/early",
      framing: "Transfer-Encoding: chunked",
      status: 403,
      maxBodyMb: 64,
    },
  ])
    test(`over HTTP/1.1${isSecure ? " and TLS" : ""} a body that is ${what} may be sent before the answer is read`, async (t) => {
      const bench = await start(t, maxBodyMb);
      const socket = await connectTo(bench.edge, isSecure);
      socket.pause();
      socket.write(`POST ${path} HTTP/1.1\r\nHost: a.test\r\n${framing}\r\n\r\n`);
      const isChunked = path === "/early";
      for (let sent = 0; sent < LARGE_BYTES; sent += piece.length) {
        if (isChunked) socket.write(`${piece.length.toString(16)}\r\n`);
        socket.write(piece);
        if (!socket.write(isChunked ? "\r\n" : "")) await once(socket, "drain");
      }
      let text = "";
      socket.on("data", (bytes) => {
        text += bytes.toString("latin1");
      });
      socket.resume();
      await once(socket, "end");
      socket.destroy();
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.match(text, /\r\nconnection: close\r\n/i);
    });

async function openUploads(t: TestContext): Promise<FrameClient> {
  const { edge } = await start(t);
  const client = await openFrames(edge.tlsPort);
  t.after(() => client.end());
  client.send(frame(SETTINGS, ACK, 0));
  return client;
}

function answerEnds(client: FrameClient, id: number): Promise<unknown> {
  return client.wait(
    ({ stream, type, flags }) =>
      stream === id && (type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0,
  );
}

test("over HTTP/2 the windows of a body that is answered stay open, and its end is the stream's", async (t) => {
  const client = await openUploads(t);
  const windows = new Windows(client);
  client.send(frame(HEADERS, END_HEADERS, 1, block(head("POST", "/early"))));
  for (let sent = 0; sent < 4 << 20; sent += 16_000) {
    if (windows.of(1) < 16_000) await client.wait(() => windows.of(1) >= 16_000);
    windows.use(1, 16_000);
    client.send(frame(DATA, 0, 1, piece.subarray(0, 16_000)));
  }
  await answerEnds(client, 1);
  client.send(frame(DATA, END_STREAM, 1));
  client.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, block(head("GET", "/early"))));
  await answerEnds(client, 3);
  assert.equal(await client.outcome(1), "403");
  assert.deepEqual(
    client.frames.filter(({ type }) => type === RST_STREAM || type === GOAWAY),
    [],
  );
});

test("a client that resets what is answered is not taken for one that floods", async (t) => {
  const client = await openUploads(t);
  for (let id = 1; id < 600; id += 2) {
    client.send(frame(HEADERS, END_HEADERS, id, block(head("POST", "/early"))));
    await answerEnds(client, id);
    client.send(frame(RST_STREAM, 0, id, uint32(CANCEL)));
  }
  assert.ok(!client.frames.some(({ type }) => type === GOAWAY));
});

test("a client that leaves bodies behind has places for other requests", async (t) => {
  const client = await openUploads(t);
  for (let id = 1; id < 600; id += 2) {
    client.send(
      frame(HEADERS, END_HEADERS, id, block(head("POST", "/early"))),
      frame(DATA, 0, id, piece.subarray(0, 16_000)),
    );
    assert.equal(await client.outcome(id), "403");
  }
});

test("a client that sends nothing more of what is answered is told to stop after five seconds", async (t) => {
  const client = await openUploads(t);
  client.send(frame(HEADERS, END_HEADERS, 1, block(head("POST", "/early"))));
  const startMs = performance.now();
  await answerEnds(client, 1);
  const reset = await client.wait(({ type, stream }) => type === RST_STREAM && stream === 1, 20_000);
  assert.equal(reset.payload.readUInt32BE(0), 0, "NO_ERROR");
  assert.ok(performance.now() - startMs > 4000);
});

test("curl sees why its upload was refused, over HTTP/2 and HTTP/1.1", async (t) => {
  const { edge } = await start(t, 1);
  const file = join(newDirectory("early-answer"), "upload");
  writeFileSync(file, Buffer.alloc(4 << 20));
  const how = ["-sSk", "--data-binary", `@${file}`, "-o", "/dev/null", "-w", "%{http_version} %{http_code}"];
  const url = `https://localhost:${edge.tlsPort}/`;
  for (const [version, answer] of [
    ["--http2", "2 413"],
    ["--http1.1", "1.1 413"],
  ] as const) {
    const { stdout } = await promisify(execFile)("curl", [...how, version, url]);
    assert.equal(stdout, answer);
  }
});

for (const isSecure of [false, true])
  test(`an upstream that answers and is gone before it has read${isSecure ? ", of a client over TLS," : ""} is heard`, async (t) => {
    const { edge } = await startBench(t, {
      tlsNames: ["localhost"],
      script: (_, { socket }) => {
        socket.pause();
        // What is still on its way to it is answered with a reset.
        socket.write("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\n\r\nbig", () =>
          socket.destroy(),
        );
      },
    });
    const body = Buffer.alloc(1 << 20);
    const upload = async (): Promise<string> => {
      const socket = await connectTo(edge, isSecure);
      socket.on("error", () => {});
      let text = "";
      const over = new Promise<void>((resolve) => {
        socket.on("close", () => resolve());
        socket.on("data", (bytes) => {
          text += bytes.toString("latin1");
          // The connection may be kept: all of the body may have come before the answer.
          if (text.endsWith("\r\n\r\nbig")) resolve();
        });
      });
      socket.write(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n\r\n`);
      socket.write(body);
      await over;
      socket.destroy();
      return `${text.split(" ", 2)[1]} ${text.slice(-3)}`;
    };
    for (let round = 0; round < 10; round++)
      assert.deepEqual(await Promise.all(Array.from({ length: 4 }, upload)), Array(4).fill("413 big"));
  });

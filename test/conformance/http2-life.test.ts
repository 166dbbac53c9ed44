import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { test } from "node:test";
import {
  ACK,
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  type FrameClient,
  frame,
  GOAWAY,
  get,
  HEADERS,
  head,
  openFrames,
  PADDED,
  PING,
  preface,
  RST_STREAM,
  readStatus,
  request,
  SETTINGS,
  settings,
  uint32,
  WINDOW_UPDATE,
} from "../support/h2-frames.ts";
import { ok, rawAnswer } from "../support/origin.ts";
import { type Bench, type BenchOptions, startBench } from "./bench.ts";

// How an HTTP/2 connection and its streams live and end.

const secure: BenchOptions = { tlsNames: [], tls: `alpn = ["h2"]` };
const ackSettings = frame(SETTINGS, ACK, 0);

type Context = Parameters<typeof startBench>[0];

async function open(t: Context, bench: Bench, opening?: Uint8Array): Promise<FrameClient> {
  const client = await openFrames(bench.edge.tlsPort, opening === undefined ? {} : { opening });
  t.after(() => client.end());
  client.send(ackSettings);
  return client;
}

/** The stream's last frame: how it ended. */
async function ending(client: FrameClient, stream: number): Promise<string> {
  const last = await client.wait(
    ({ type, flags, stream: id }) =>
      id === stream &&
      (type === RST_STREAM || ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0)),
  );
  return last.type === RST_STREAM ? `reset ${last.payload.readUInt32BE(0)}` : "end";
}

async function until(holds: () => boolean): Promise<void> {
  const lastMs = Date.now() + 5000;
  while (!holds()) {
    if (Date.now() > lastMs) throw new Error("it did not come about within 5 s");
    await new Promise((resume) => setTimeout(resume, 10));
  }
}

test("streams are answered beside each other, each with its own body", async (t) => {
  const bench = await startBench(t, {
    ...secure,
    script: async (seen, connection) => {
      await seen.body;
      connection.socket.write(ok(`answer to ${seen.target}`));
    },
  });
  const client = await open(t, bench);
  for (let id = 1; id < 100; id += 2) client.send(request(id, get(`/${id}`)));
  for (let id = 1; id < 100; id += 2) {
    assert.equal(await ending(client, id), "end");
    assert.equal(client.body(id), `answer to /${id}`);
  }
});

test("answers without a body end with their head", async (t) => {
  const bench = await startBench(t, secure);
  const { origin } = bench;
  const answers: readonly (readonly [method: string, answer: string, status: string])[] = [
    ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200"],
    ["GET", "HTTP/1.1 204 No Content\r\n\r\n", "204"],
    ["GET", 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', "304"],
    ["GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200"],
    ["HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200"],
  ];
  for (const [method, answer, status] of answers) {
    origin.script = rawAnswer(answer);
    const client = await open(t, bench);
    client.send(request(1, head(method, "/x")));
    const seen = await client.wait(({ type }) => type === HEADERS);
    assert.equal(readStatus(seen.payload), status);
    assert.equal(await ending(client, 1), "end");
    assert.equal(client.body(1), "");
  }
});

test("an answer that the upstream cuts is reset, never ended", async (t) => {
  const bench = await startBench(t, secure);
  for (const start of [
    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
  ]) {
    bench.origin.script = rawAnswer(start, "end");
    const client = await open(t, bench);
    client.send(request(1, get("/x")));
    assert.equal(await ending(client, 1), "reset 2");
    assert.equal(await client.outcome(1), "200");
  }
});

test("an upload goes on as the upstream takes it, and its window bounds what waits", async (t) => {
  const bench = await startBench(t, {
    ...secure,
    route: "max_body_mb = 20",
    keepBodies: false,
    script: async (seen, connection) => {
      await seen.body;
      connection.socket.write(ok(String(seen.bodyBytes())));
    },
  });
  const client = await open(t, bench);
  client.send(frame(HEADERS, END_HEADERS, 1, block(head("POST", "/x"))));
  const piece = Buffer.alloc(16_000, "x");
  let sent = 0;
  let seenUpdates = 0;
  let window = 65_535;
  while (sent < 4_000_000) {
    while (window >= piece.length) {
      client.send(frame(DATA, 0, 1, piece));
      sent += piece.length;
      window -= piece.length;
    }
    await until(() => updates() > seenUpdates);
    const now = updates();
    window += now - seenUpdates;
    seenUpdates = now;
  }
  client.send(frame(DATA, END_STREAM, 1));
  assert.equal(await ending(client, 1), "end");
  assert.equal(client.body(1), String(sent));

  function updates(): number {
    return client.frames
      .filter((one) => one.type === WINDOW_UPDATE && one.stream === 1)
      .reduce((sum, one) => sum + one.payload.readUInt32BE(0), 0);
  }
});

test("a body that stops is answered 408, one that is too large 413, and the stream is stopped", async (t) => {
  const bench = await startBench(t, {
    ...secure,
    server: "body_idle_timeout_ms = 300",
    route: "max_body_mb = 1",
  });
  const client = await open(t, bench);
  client.send(
    frame(HEADERS, END_HEADERS, 1, block(head("POST", "/x"))),
    frame(DATA, 0, 1, Buffer.from("abc")),
  );
  assert.equal(await client.outcome(1), "408");
  const another = await open(t, bench);
  another.send(frame(HEADERS, END_HEADERS, 1, block(head("POST", "/x", ["content-length", "2000000"]))));
  assert.equal(await another.outcome(1), "413");
  assert.match(await ending(another, 1), /^(end|reset 0)$/);
  another.send(request(3, get("/x")));
  assert.equal(await ending(another, 3), "end");
});

test("a body that stops is its client's fault where no call can be, whatever it calls itself", async (t) => {
  const bench = await startBench(t, {
    ...secure,
    server: "body_idle_timeout_ms = 500",
    upstream: "idle_timeout_ms = 3000\nrequest_timeout_ms = 3000",
    script: () => {},
  });
  const client = await open(t, bench);
  const call = head("POST", "/x", ["content-type", "application/grpc"], ["te", "trailers"]);
  client.send(frame(HEADERS, END_HEADERS, 1, block(call)), frame(DATA, 0, 1, Buffer.alloc(9)));
  assert.equal(await client.outcome(1), "200");
  // Else the upstream would be blamed, its breaker open, and others answered 503.
  const [line] = await bench.edge.logLines();
  assert.equal(line!["zion.reason"], "body_timeout");
});

test("Expect: 100-continue is answered before the body is asked for", async (t) => {
  const bench = await startBench(t, secure);
  const client = await open(t, bench);
  client.send(
    frame(
      HEADERS,
      END_HEADERS,
      1,
      block(head("POST", "/x", ["expect", "100-continue"], ["content-length", "3"])),
    ),
  );
  assert.equal(await client.outcome(1), "100");
  client.send(frame(DATA, END_STREAM, 1, Buffer.from("abc")));
  assert.equal(await ending(client, 1), "end");
  assert.equal((await bench.origin.requests[0]!.body).latin1Slice(), "abc");
});

test("trailers pass both ways where the route lets them", async (t) => {
  const bench = await startBench(t, {
    ...secure,
    route: "trailers = true",
    script: rawAnswer(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\nSet-Cookie: a=b\r\n\r\n",
    ),
  });
  const client = await open(t, bench);
  client.send(
    frame(HEADERS, END_HEADERS, 1, block(head("POST", "/x", ["te", "trailers"]))),
    frame(DATA, 0, 1, Buffer.from("abc")),
    frame(
      HEADERS,
      END_HEADERS | END_STREAM,
      1,
      block([
        ["x-check", "9"],
        ["authorization", "x"],
      ]),
    ),
  );
  assert.equal(await ending(client, 1), "end");
  assert.equal(client.body(1), "ok");
  const last = client.frames.filter((one) => one.stream === 1).at(-1)!;
  assert.equal(last.type, HEADERS, "the answer ends with its trailers");
  await until(() => bench.origin.connections[0]!.received().includes("x-check: 9\r\n\r\n"));
  assert.doesNotMatch(bench.origin.connections[0]!.received().latin1Slice(), /authorization/i);
});

test("a client that opens no window loses its streams after write_timeout_ms", async (t) => {
  const bench = await startBench(t, {
    ...secure,
    server: "write_timeout_ms = 500",
    script: rawAnswer(ok("x".repeat(500_000))),
  });
  const opening = Buffer.concat([preface, frame(SETTINGS, 0, 0, settings([4, 0]))]);
  const client = await open(t, bench, opening);
  for (let id = 1; id < 40; id += 2) client.send(request(id, get("/x")));
  for (let id = 1; id < 40; id += 2) assert.match(await ending(client, id), /^reset/);
  await until(() => bench.edge.metric("zion_reject_total", "write_timeout") === 20);
  // The connection serves on.
  bench.origin.script = rawAnswer("HTTP/1.1 204 No Content\r\n\r\n");
  client.send(request(41, get("/x")));
  assert.equal(await ending(client, 41), "end");
});

test("a hundred large answers that wait for their windows all arrive, and new requests beside them", async (t) => {
  const size = 200_000;
  const bench = await startBench(t, { ...secure, script: rawAnswer(ok("x".repeat(size))) });
  const opening = Buffer.concat([
    preface,
    frame(SETTINGS, 0, 0, settings([4, 0])),
    frame(WINDOW_UPDATE, 0, 0, uint32(1 << 30)),
  ]);
  const client = await open(t, bench, opening);
  const ids = Array.from({ length: 99 }, (_, at) => 1 + 2 * at);
  for (const id of ids) client.send(request(id, get("/x")));
  for (const id of ids) assert.equal(await client.outcome(id), "200");
  for (let at = 0; at < 30; at++) {
    client.send(frame(WINDOW_UPDATE, 0, ids[at]!, uint32(size)));
    assert.equal(await ending(client, ids[at]!), "end");
    const next = ids.at(-1)! + 2;
    client.send(request(next, get("/x")));
    assert.equal(await client.outcome(next), "200");
    ids.push(next);
  }
  for (const id of ids.slice(30)) client.send(frame(WINDOW_UPDATE, 0, id, uint32(size)));
  for (const id of ids) assert.equal(await ending(client, id), "end");
  for (const id of ids) assert.equal(client.body(id).length, size);
});

test("one byte at a time is no progress for ever", async (t) => {
  const bench = await startBench(t, {
    ...secure,
    server: "write_timeout_ms = 300",
    script: rawAnswer(ok("x".repeat(500_000))),
  });
  const client = await open(t, bench, Buffer.concat([preface, frame(SETTINGS, 0, 0, settings([4, 0]))]));
  client.send(request(1, get("/x")));
  await client.wait(({ type }) => type === HEADERS);
  const timer = setInterval(() => client.send(frame(WINDOW_UPDATE, 0, 1, uint32(1))), 50);
  t.after(() => clearInterval(timer));
  assert.match(await ending(client, 1), /^reset/);
});

test("the request cap ends a connection in two steps, and no request before the second is lost", async (t) => {
  const bench = await startBench(t, { ...secure, server: "keepalive_requests = 20" });
  const client = await open(t, bench);
  for (let id = 1; id < 80; id += 2) client.send(request(id, get("/x")));
  const notice = await client.wait(({ type }) => type === GOAWAY);
  assert.equal(notice.payload.readUInt32BE(0), 0x7fffffff, "the notice names no last stream");
  assert.equal(notice.payload.readUInt32BE(4), 0);
  const probe = await client.wait(({ type }) => type === PING);
  // On its way when the notice was read.
  client.send(request(81, get("/x")), frame(PING, ACK, 0, probe.payload));
  await until(() => client.frames.filter(({ type }) => type === GOAWAY).length === 2);
  const last = client.frames.findLast(({ type }) => type === GOAWAY)!;
  assert.equal(last.payload.readUInt32BE(0), 81);
  client.send(request(83, get("/late")));
  for (let id = 1; id <= 81; id += 2) assert.equal(await ending(client, id), "end");
  await client.closed;
  assert.equal(bench.origin.requests.length, 41, "and the origin saw these only");
});

test("a drain sends GOAWAY, finishes what has begun and ends the connection", async (t) => {
  let answer: (() => void) | undefined;
  const bench = await startBench(t, {
    ...secure,
    script: (_seen, connection) => {
      answer = () => connection.socket.write(ok("late"));
    },
  });
  const client = await open(t, bench);
  const idle = await open(t, bench);
  idle.send(frame(PING, 0, 0, Buffer.alloc(8)));
  await idle.wait(({ type }) => type === PING);
  client.send(request(1, get("/x")));
  await bench.origin.request(0);
  const drained = bench.edge.drain(8000);
  await client.wait(({ type }) => type === GOAWAY);
  answer!();
  assert.equal(await ending(client, 1), "end");
  await Promise.all([client.closed, idle.closed]);
  assert.equal(await drained, 0, "nothing was cut");
});

test("a drain whose time is over cuts what is left", async (t) => {
  const bench = await startBench(t, { ...secure, script: () => {} });
  const client = await open(t, bench);
  client.send(request(1, get("/x")));
  await bench.origin.request(0);
  assert.equal(await bench.edge.drain(300), 1);
  await client.closed;
  assert.equal(bench.edge.metric("zion_reject_total", "drain_deadline"), 1);
});

test("connections end when they are idle, too old, silent, or never acknowledge the limits", async (t) => {
  const bench = await startBench(t, {
    ...secure,
    server: "keepalive_timeout_ms = 300\nheader_timeout_ms = 400",
  });
  const idle = await open(t, bench);
  idle.send(request(1, get("/x")));
  assert.equal(await ending(idle, 1), "end");
  await idle.wait(({ type }) => type === GOAWAY);
  await idle.closed;

  const silent = await open(t, bench);
  await silent.closed;
  assert.equal(bench.edge.metric("zion_reject_total", "head_timeout"), 1);

  const unbound = await openFrames(bench.edge.tlsPort);
  t.after(() => unbound.end());
  unbound.send(request(1, get("/x")));
  const told = await unbound.wait(({ type }) => type === GOAWAY);
  assert.equal(told.payload.readUInt32BE(4), 4, "SETTINGS_TIMEOUT");
  await unbound.closed;
});

test("a connection grows no older than connection_max_age_secs, even with a stream open", async (t) => {
  const bench = await startBench(t, {
    ...secure,
    server: "connection_max_age_secs = 1\nkeepalive_timeout_ms = 200\nheader_timeout_ms = 200",
    script: () => {},
  });
  const client = await open(t, bench);
  client.send(request(1, get("/x")));
  await client.wait(({ type }) => type === GOAWAY);
  assert.equal(client.isClosed(), false);
});

test("h2_control_frames_per_sec lowers what the built-in guard lets pass", async (t) => {
  const pings = (count: number): Uint8Array =>
    Buffer.concat(Array.from({ length: count }, () => frame(PING, 0, 0, Buffer.alloc(8))));
  const lenient = await startBench(t, secure);
  const patient = await open(t, lenient);
  patient.send(pings(40));
  await until(() => patient.frames.filter(({ type }) => type === PING).length === 40);
  const strict = await startBench(t, { ...secure, server: "h2_control_frames_per_sec = 20" });
  const client = await open(t, strict);
  client.send(pings(40));
  const told = await client.wait(({ type }) => type === GOAWAY);
  assert.equal(told.payload.readUInt32BE(4), 11, "ENHANCE_YOUR_CALM");
  await client.closed;
  assert.equal(strict.edge.metric("zion_h2_control_flood_closed_total", "rate"), 1);
  assert.equal(patient.isClosed(), false);
});

test("a reload cuts no HTTP/2 connection", async (t) => {
  const bench = await startBench(t, secure);
  const client = await open(t, bench);
  client.send(request(1, get("/x")));
  assert.equal(await ending(client, 1), "end");
  const { benchConfig } = await import("./bench.ts");
  for (let turn = 0; turn < 5; turn++) {
    bench.edge.reload(benchConfig(bench.origin.port, secure));
    client.send(request(3 + 2 * turn, get("/x")));
    assert.equal(await ending(client, 3 + 2 * turn), "end");
  }
  assert.equal(client.frames.filter(({ type }) => type === GOAWAY).length, 0);
});

test("streams that wait for the connection's window take turns", async (t) => {
  const size = 200_000;
  const bench = await startBench(t, { ...secure, script: rawAnswer(ok("x".repeat(size))) });
  const opening = Buffer.concat([preface, frame(SETTINGS, 0, 0, settings([4, 1 << 20]))]);
  const client = await open(t, bench, opening);
  for (const id of [1, 3, 5]) client.send(request(id, get("/x")));
  for (const id of [1, 3, 5]) assert.equal(await client.outcome(id), "200");
  const received = (id: number): number => client.body(id).length;
  const all = (): number => received(1) + received(3) + received(5);
  await until(() => all() === 65_535);
  await until(() => bench.origin.requests.length === 3);
  const before = [1, 3, 5].map(received);
  client.send(frame(WINDOW_UPDATE, 0, 0, uint32(6 * 16_384)));
  await until(() => all() === 65_535 + 6 * 16_384);
  // Not evenly: what the upstream is to send next may not be here yet.
  const gained = [1, 3, 5].map((id, at) => received(id) - before[at]!);
  for (const bytes of gained) assert.ok(bytes >= 16_384, String(gained));
  client.send(frame(WINDOW_UPDATE, 0, 0, uint32(1 << 20)));
  for (const id of [1, 3, 5]) {
    assert.equal(await ending(client, id), "end");
    assert.equal(received(id), size);
  }
});

test("a client may send no more than the upstream takes and the window holds", async (t) => {
  let socket: { resume(): void } | undefined;
  const bench = await startBench(t, {
    ...secure,
    route: "max_body_mb = 100",
    keepBodies: false,
    script: async (seen, connection) => {
      socket ??= connection.socket.pause();
      await seen.body;
      connection.socket.write(ok(String(seen.bodyBytes())));
    },
  });
  const client = await open(t, bench);
  client.send(frame(HEADERS, END_HEADERS, 1, block(head("POST", "/x"))));
  const piece = Buffer.alloc(16_000, "x");
  const granted = (stream: number): number =>
    client.frames
      .filter((one) => one.type === WINDOW_UPDATE && one.stream === stream)
      .reduce((sum, one) => sum + one.payload.readUInt32BE(0), 0);
  let sent = 0;
  const fill = (): void => {
    while (sent + piece.length <= 65_535 + granted(1)) {
      client.send(frame(DATA, 0, 1, piece));
      sent += piece.length;
    }
  };
  // As long as windows open; the kernel's buffers on the way take some.
  for (let still = 0; still < 20; ) {
    const before = sent;
    fill();
    still = sent === before ? still + 1 : 0;
    await new Promise((resume) => setTimeout(resume, 10));
    assert.ok(sent < 50_000_000, "it takes all there is");
  }
  assert.ok(65_535 + granted(1) - sent < piece.length, "the window is used up");
  socket!.resume();
  const goal = sent + 1_000_000;
  while (sent < goal) {
    fill();
    await new Promise((resume) => setTimeout(resume, 1));
  }
  client.send(frame(DATA, END_STREAM, 1));
  assert.equal(await ending(client, 1), "end");
  assert.equal(client.body(1), String(sent));
  assert.ok(granted(0) >= sent - (1 << 20), "the connection's window opens with it");
});

test("padding is given back, and bytes for a stream that was reset are too", async (t) => {
  const bench = await startBench(t, { ...secure, route: "max_body_mb = 1" });
  const client = await open(t, bench);
  const padded = Buffer.concat([Buffer.from([255]), Buffer.alloc(1), Buffer.alloc(255)]);
  client.send(frame(HEADERS, END_HEADERS, 1, block(head("POST", "/x"))));
  for (let n = 0; n < 200; n++) client.send(frame(DATA, PADDED, 1, padded));
  await client.wait(({ type, stream }) => type === WINDOW_UPDATE && stream === 1);
  client.send(frame(DATA, END_STREAM, 1));
  assert.equal(await ending(client, 1), "end");
  // Refused by its length; then its body comes all the same, as much as a window holds, of 20 streams.
  for (let id = 3; id < 43; id += 2) {
    client.send(
      frame(HEADERS, END_HEADERS, id, block(head("POST", "/x", ["content-length", "2000000"]))),
      ...Array.from({ length: 4 }, () => frame(DATA, 0, id, Buffer.alloc(16_000))),
    );
    assert.match(await ending(client, id), /^(end|reset 0)$/);
  }
  client.send(request(43, get("/x")));
  assert.equal(await ending(client, 43), "end");
  assert.equal(client.isClosed(), false);
});

test("a request that is reset in the same read goes nowhere", async (t) => {
  const bench = await startBench(t, secure);
  const client = await open(t, bench);
  client.send(request(1, get("/reset")), frame(RST_STREAM, 0, 1, uint32(8)), request(3, get("/kept")));
  assert.equal(await ending(client, 3), "end");
  assert.deepEqual(
    bench.origin.requests.map(({ target }) => target),
    ["/kept"],
  );
});

test("streams beyond those that are open at a time are told to come again", async (t) => {
  const bench = await startBench(t, { ...secure, script: () => {} });
  const client = await open(t, bench);
  for (let id = 1; id < 202; id += 2) client.send(request(id, get("/x")));
  assert.equal(await client.outcome(201), "reset 7");
  assert.equal(client.isClosed(), false);
});

test("an answer with a large head goes out in several frames", async (t) => {
  const large = Array.from({ length: 20 }, (_, at) => `X-${at}: ${"v".repeat(1500)}\r\n`).join("");
  const bench = await startBench(t, {
    ...secure,
    script: rawAnswer(`HTTP/1.1 200 OK\r\n${large}Content-Length: 2\r\n\r\nok`),
  });
  const client = await open(t, bench);
  client.send(request(1, get("/x")));
  assert.equal(await ending(client, 1), "end");
  assert.equal(client.body(1), "ok");
  const pieces = client.frames.filter(({ type }) => type === HEADERS || type === CONTINUATION);
  assert.deepEqual(
    pieces.map(({ type, flags }) => [type, flags & END_HEADERS]),
    [
      [HEADERS, 0],
      [CONTINUATION, END_HEADERS],
    ],
  );
});

test("a client without a compression table reads our heads", async (t) => {
  const bench = await startBench(t, secure);
  const session = http2.connect(`https://localhost:${bench.edge.tlsPort}`, {
    rejectUnauthorized: false,
    settings: { headerTableSize: 0 },
  });
  session.on("error", () => {});
  t.after(() => session.destroy());
  for (let turn = 0; turn < 3; turn++) {
    if (turn === 2) session.settings({ headerTableSize: 100 });
    const stream = session.request({ ":path": "/x" });
    const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
    assert.equal(headers[":status"], 200);
    stream.close();
  }
});

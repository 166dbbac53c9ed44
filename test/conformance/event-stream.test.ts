import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { test } from "node:test";
import type { OriginConnection } from "../support/origin.ts";
import { ask, connect, field, fieldAll } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { get, head } from "./case.ts";

// Server-sent events and long polling: answers that begin late, are silent for long, and have no end.

const stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n";

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

test("the head and each event leave as soon as the upstream sent them", async (t) => {
  let far: OriginConnection | undefined;
  const { edge } = await startBench(t, {
    script: (_request, connection) => {
      far = connection;
      connection.socket.write(`${stream}\r\n`);
    },
  });
  const client = await connect(edge.port);
  client.send(get("/events"));
  // Nothing follows until this has arrived: a buffer anywhere would stand still here.
  await client.until(() => client.received.includes("\r\n\r\n"));
  for (let n = 0; n < 20; n++) {
    const event = `id: ${n}\ndata: x\n\n`;
    far!.socket.write(chunk(event));
    await client.until(() => client.received.includes(event));
  }
  far!.socket.write("0\r\n\r\n");
  const answer = await client.answer();
  assert.equal(answer?.end, "framed");
  assert.equal(edge.metric("zion_event_streams_total"), 1);
  assert.equal(edge.metric("zion_event_streams"), 0);
  client.destroy();
});

test("an event stream may be silent for longer than any body, on every route", async (t) => {
  for (const type of ["text/event-stream", "text/event-stream; charset=utf-8", "Text/Event-Stream"]) {
    let far: OriginConnection | undefined;
    const { edge } = await startBench(t, {
      upstream: "idle_timeout_ms = 200\ntotal_timeout_ms = 400",
      script: (_request, connection) => {
        far = connection;
        connection.socket.write(`${stream.replace("text/event-stream", type)}\r\n${chunk("data: 1\n\n")}`);
      },
    });
    const client = await connect(edge.port);
    client.send(get("/events"));
    await client.until(() => client.received.includes("data: 1"));
    await new Promise((done) => setTimeout(done, 1200));
    far!.socket.write(`${chunk("data: 2\n\n")}0\r\n\r\n`);
    assert.equal((await client.answer())?.body.toString(), "data: 1\n\ndata: 2\n\n");
    client.destroy();
  }
});

test("other answers are cut when they fall silent, whatever their type begins with", async (t) => {
  for (const type of ["text/plain", "text/event-streamer", "text/event"]) {
    const { edge } = await startBench(t, {
      upstream: "idle_timeout_ms = 200",
      script: (_request, connection) =>
        void connection.socket.write(`${stream.replace("text/event-stream", type)}\r\n${chunk("x")}`),
    });
    const answer = await ask(edge.port, get("/events"));
    assert.equal(answer.end, "cut", type);
    assert.equal(edge.metric("zion_event_streams_total"), 0);
  }
});

test("on a route for streams the upstream may take its time to answer", async (t) => {
  const { edge } = await startBench(t, {
    route: 'mode = "sse_stream"',
    upstream: "request_timeout_ms = 200\ntotal_timeout_ms = 300",
    script: (_request, connection) =>
      void setTimeout(
        () => connection.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate"),
        1200,
      ),
  });
  const answer = await ask(edge.port, get("/poll"));
  assert.deepEqual([answer.status, answer.body.toString()], [200, "late"]);
});

test("on a route for streams nobody on the way may store or hold back the answer", async (t) => {
  const { edge, origin } = await startBench(t, { route: 'mode = "sse_stream"' });
  for (const [fields, wanted] of [
    ["", ["no-cache"]],
    ["Cache-Control: public, max-age=60\r\nX-Accel-Buffering: yes\r\n", ["no-cache"]],
    ["Cache-Control: no-store\r\n", ["no-store", "no-cache"]],
  ] as const) {
    origin.script = (_request, connection) =>
      void connection.socket.write(`${stream}${fields}\r\n${chunk("data: 1\n\n")}0\r\n\r\n`);
    const answer = await ask(edge.port, get("/events"));
    assert.deepEqual(fieldAll(answer, "cache-control"), wanted);
    assert.deepEqual(fieldAll(answer, "x-accel-buffering"), ["no"]);
  }
});

test("on other routes the upstream's word on caches stands", async (t) => {
  const { edge } = await startBench(t, {
    script: (_request, connection) =>
      void connection.socket.write(`${stream}Cache-Control: private\r\n\r\n0\r\n\r\n`),
  });
  const answer = await ask(edge.port, get("/events"));
  assert.deepEqual(fieldAll(answer, "cache-control"), ["private"]);
  assert.deepEqual(fieldAll(answer, "x-accel-buffering"), []);
});

test("a reload cuts no event stream, also when its route is gone", async (t) => {
  let far: OriginConnection | undefined;
  const { edge, origin } = await startBench(t, {
    script: (_request, connection) => {
      far = connection;
      connection.socket.write(`${stream}\r\n${chunk("data: 1\n\n")}`);
    },
  });
  const client = await connect(edge.port);
  client.send(get("/events"));
  await client.until(() => client.received.includes("data: 1"));
  edge.reload(
    `[server]\nhttp_mode = "serve"\n[upstream.b]\nurl = "http://127.0.0.1:${origin.port}"\n[[route]]\npath = "/b"\nupstream = "b"\nwaf = false\n`,
  );
  far!.socket.write(`${chunk("data: 2\n\n")}0\r\n\r\n`);
  assert.equal((await client.answer())?.body.toString(), "data: 1\n\ndata: 2\n\n");
  client.destroy();
});

test("an event stream that is old enough is cut, and does not look complete", async (t) => {
  const { edge } = await startBench(t, {
    server: "connection_max_age_secs = 1",
    script: (_request, connection) => void connection.socket.write(`${stream}\r\n${chunk("data: 1\n\n")}`),
  });
  const answer = await ask(edge.port, get("/events"));
  assert.deepEqual([answer.body.toString(), answer.end], ["data: 1\n\n", "cut"]);
  assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "stream_age");
  assert.equal(edge.metric("zion_event_streams"), 0);
});

test("a stream's request that nobody answers ends with 504 when it is old enough", async (t) => {
  const { edge, origin } = await startBench(t, {
    server: "connection_max_age_secs = 1",
    route: 'mode = "sse_stream"',
    script: () => undefined,
  });
  const answer = await ask(edge.port, get("/events"));
  assert.equal(answer.status, 504);
  await origin.connections[0]!.over;
});

test("a client that leaves a silent event stream takes the upstream's connection along", async (t) => {
  for (const leave of ["end", "reset"] as const) {
    const { edge, origin } = await startBench(t, {
      script: (_request, connection) => void connection.socket.write(`${stream}\r\n`),
    });
    const client = await connect(edge.port);
    client.send(get("/events"));
    await client.until(() => client.received.includes("\r\n\r\n"));
    client[leave]();
    await origin.connections[0]!.over;
    assert.equal(edge.metric("zion_event_streams"), 0);
    assert.equal(edge.metric("zion_reject_total", "client_gone"), 1);
  }
});

test("a client that never reads an event stream holds its upstream back, then is cut off", async (t) => {
  const { edge, origin } = await startBench(t, {
    server: "write_timeout_ms = 500",
    keepBodies: false,
    script: (_request, connection) => {
      connection.socket.write(`${stream}\r\n`);
      const event = chunk(`data: ${"x".repeat(60_000)}\n\n`);
      const more = (): void => {
        while (!connection.socket.destroyed && connection.socket.write(event));
      };
      connection.socket.on("drain", more);
      more();
    },
  });
  const client = await connect(edge.port);
  client.socket.pause();
  client.send(get("/events"));
  await origin.request(0);
  await origin.connections[0]!.over;
  assert.equal(edge.metric("zion_reject_total", "write_timeout"), 1);
  client.destroy();
});

test("a drain ends event streams early, and waiting requests with 503", async (t) => {
  const { edge, origin } = await startBench(t, {
    route: 'mode = "sse_stream"',
    script: (request, connection) => {
      if (request.target === "/events") connection.socket.write(`${stream}\r\n${chunk("data: 1\n\n")}`);
    },
  });
  const streaming = await connect(edge.port);
  streaming.send(get("/events"));
  await streaming.until(() => streaming.received.includes("data: 1"));
  const waiting = await connect(edge.port);
  waiting.send(get("/wait"));
  await origin.request(1);
  assert.equal(await edge.drain(4000), 0);
  assert.equal((await streaming.answer())?.end, "cut");
  assert.equal((await waiting.answer())?.status, 503);
  const found = (await edge.logLines()).map((line) => line["zion.reason"]).sort();
  assert.deepEqual(found, ["draining", "stream_drain"]);
});

test("a route holds no more event streams than it may", async (t) => {
  const { edge } = await startBench(t, {
    route: "max_streams = 1",
    script: (_request, connection) => void connection.socket.write(`${stream}\r\n${chunk("data: 1\n\n")}`),
  });
  const client = await connect(edge.port);
  client.send(get("/events"));
  await client.until(() => client.received.includes("data: 1"));
  const refused = await ask(edge.port, get("/events"));
  assert.equal(refused.status, 503);
  client.reset();
  while (edge.metric("zion_event_streams") > 0) await new Promise((done) => setImmediate(done));
  const again = await connect(edge.port);
  again.send(get("/events"));
  await again.until(() => again.received.includes("data: 1"));
  again.destroy();
});

test("HEAD and 304 answers with the type of an event stream end at once", async (t) => {
  const { edge } = await startBench(t, {
    script: (request, connection) =>
      void connection.socket.write(
        request.method === "HEAD"
          ? "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
          : "HTTP/1.1 304 Not Modified\r\nContent-Type: text/event-stream\r\n\r\n",
      ),
  });
  const client = await connect(edge.port);
  client.send(head("HEAD /x HTTP/1.1", "Host: a.test"));
  assert.equal((await client.answer("HEAD"))?.status, 200);
  client.send(get("/x"));
  assert.equal((await client.answer())?.status, 304);
  assert.equal(edge.metric("zion_event_streams"), 0);
  client.destroy();
});

test("over HTTP/2 events leave at once too, silence is no fault, and a drain ends the stream alone", async (t) => {
  let far: OriginConnection | undefined;
  const { edge } = await startBench(t, {
    server: "h2c = true",
    route: 'mode = "sse_stream"',
    upstream: "idle_timeout_ms = 200\ntotal_timeout_ms = 300",
    script: (_request, connection) => {
      far = connection;
      connection.socket.write(`${stream}\r\n`);
    },
  });
  const session = http2.connect(`http://127.0.0.1:${edge.port}`);
  session.on("error", () => undefined);
  t.after(() => session.destroy());
  const request = session.request({ ":path": "/events", ":authority": "a.test" });
  request.on("error", () => undefined);
  const [fields] = (await once(request, "response")) as [http2.IncomingHttpHeaders];
  assert.deepEqual([fields["cache-control"], fields["x-accel-buffering"]], ["no-cache", "no"]);
  for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
    far!.socket.write(chunk(event));
    assert.equal(String((await once(request, "data"))[0]), event);
    await new Promise((done) => setTimeout(done, 600));
  }
  assert.equal(edge.metric("zion_event_streams"), 1);
  const closed = new Promise<void>((done) => request.once("close", done));
  assert.equal(await edge.drain(4000), 0);
  await closed;
  // Reset, so that it does not look complete.
  assert.notEqual(request.rstCode, 0);
  assert.equal(edge.metric("zion_reject_total", "stream_drain"), 1);
});

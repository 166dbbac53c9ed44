import assert from "node:assert/strict";
import { test } from "node:test";
import { type Origin, ok, rawAnswer } from "../support/origin.ts";
import { ask, connect, field, fieldAll } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { get, head, post } from "./case.ts";

// RFC 9112 §6.3: how the end of an answer is known, on both sides.

const headRequest = head("HEAD /x HTTP/1.1", "Host: a.test");

test("an answer to HEAD keeps its Content-Length and has no body", async (t) => {
  const { edge } = await startBench(t, {
    script: rawAnswer("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"),
  });
  const client = await connect(edge.port);
  for (let n = 0; n < 2; n++) {
    client.send(headRequest);
    const answer = await client.answer("HEAD");
    assert.deepEqual([answer?.status, fieldAll(answer!, "content-length")], [200, ["1234"]]);
  }
  assert.equal(client.rest.length, 0);
  client.destroy();
});

test("an answer to HEAD may be framed as chunked, or not at all", async (t) => {
  for (const framing of ["Transfer-Encoding: chunked\r\n", ""]) {
    const { edge } = await startBench(t, { script: rawAnswer(`HTTP/1.1 200 OK\r\n${framing}\r\n`) });
    const client = await connect(edge.port);
    client.send(headRequest);
    assert.equal((await client.answer("HEAD"))?.status, 200);
    client.send(headRequest);
    const second = await client.answer("HEAD");
    assert.equal(second?.status, 200);
    assert.deepEqual(fieldAll(second!, "content-length"), []);
    client.destroy();
  }
});

test("a body that an upstream sends to HEAD reaches nobody", async (t) => {
  // FR24
  const { edge, origin } = await startBench(t, {
    script: (request, connection) => {
      if (request.method === "HEAD")
        connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray`);
      else connection.socket.write(ok("clean"));
    },
  });
  const client = await connect(edge.port);
  client.send(headRequest);
  assert.equal((await client.answer("HEAD"))?.status, 200);
  await origin.requests[0]!.connection.over;
  client.send(get("/y"));
  assert.equal((await client.answer())?.body.toString(), "clean");
  assert.equal(client.rest.length, 0);
  client.destroy();
});

for (const [title, answerHead] of [
  ["204", "HTTP/1.1 204 No Content\r\n\r\n"],
  ["204 with Content-Length: 0", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"],
  ["204 framed as chunked", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["304", 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'],
  [
    "304 with the length of the other answer",
    'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 1234\r\n\r\n',
  ],
  ["304 framed as chunked", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"],
] as const) {
  test(`${title} has no body, and the connection goes on`, async (t) => {
    const { edge, origin } = await startBench(t, { script: rawAnswer(answerHead) });
    const client = await connect(edge.port);
    for (let n = 0; n < 2; n++) {
      client.send(get("/x"));
      const answer = await client.answer();
      assert.equal(answer?.status, Number(title.slice(0, 3)));
      assert.deepEqual(fieldAll(answer!, "transfer-encoding"), []);
      // RFC 9110 §8.6: never on 204.
      if (answer.status === 204) assert.deepEqual(fieldAll(answer, "content-length"), []);
    }
    assert.equal(client.rest.length, 0);
    assert.equal(origin.connections.length, 1, "upstream connections");
    client.destroy();
  });
}

test("a chunked answer is re-framed: no extensions, no trailers", async (t) => {
  const { edge, origin } = await startBench(t, {
    script: rawAnswer(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5;a="b"\r\nhello\r\n06\r\n world\r\n0\r\nX-T: secret\r\n\r\n',
    ),
  });
  const client = await connect(edge.port);
  for (let n = 0; n < 2; n++) {
    client.send(get("/x"));
    const answer = await client.answer();
    assert.deepEqual([answer?.body.toString(), answer?.end], ["hello world", "framed"]);
    assert.deepEqual(fieldAll(answer!, "content-length"), []);
    assert.equal(field(answer!, "trailer"), undefined);
  }
  assert.ok(!client.received.includes("secret"));
  assert.equal(origin.connections.length, 1, "upstream connections");
  client.destroy();
});

test("many small chunks from an upstream are passed on", async (t) => {
  // Event streams and token streams send a few bytes a chunk for hours: no budget on this side.
  const chunks = "1\r\nx\r\n".repeat(5000);
  const { edge } = await startBench(t, {
    script: rawAnswer(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`),
  });
  const answer = await ask(edge.port, get("/x"));
  assert.deepEqual([answer.body.length, answer.end], [5000, "framed"]);
});

test("an answer that ends with its connection is passed on with a framing of our own", async (t) => {
  const { edge } = await startBench(t, { script: rawAnswer("HTTP/1.1 200 OK\r\n\r\nuntil the end", "end") });
  const client = await connect(edge.port);
  for (let n = 0; n < 2; n++) {
    client.send(get("/x"));
    const answer = await client.answer();
    assert.deepEqual([answer?.body.toString(), answer?.end], ["until the end", "framed"]);
  }
  client.destroy();
});

test("an HTTP/1.0 upstream is served from, one connection a request", async (t) => {
  const { edge, origin } = await startBench(t, {
    script: rawAnswer("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "end"),
  });
  const client = await connect(edge.port);
  for (let n = 0; n < 2; n++) {
    client.send(get("/x"));
    const answer = await client.answer();
    assert.deepEqual([answer?.statusLine, answer?.body.toString()], ["HTTP/1.1 200 OK", "ok"]);
  }
  assert.equal(origin.connections.length, 2);
  client.destroy();
});

test("an HTTP/1.0 client gets no chunks: its answer ends with the connection", async (t) => {
  const { edge } = await startBench(t, {
    script: rawAnswer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
  });
  const client = await connect(edge.port);
  client.send(head("GET /x HTTP/1.0", "Host: a.test", "Connection: keep-alive"));
  const answer = await client.answer();
  assert.deepEqual([answer?.body.toString(), answer?.end], ["hello", "close"]);
  assert.deepEqual(fieldAll(answer!, "transfer-encoding"), []);
  assert.equal(field(answer!, "connection"), "close");
});

test("an HTTP/1.0 client keeps its connection only when it asks", async (t) => {
  const { edge } = await startBench(t);
  const kept = await connect(edge.port);
  for (let n = 0; n < 2; n++) {
    kept.send(head("GET /x HTTP/1.0", "Host: a.test", "Connection: keep-alive"));
    const answer = await kept.answer();
    assert.deepEqual([answer?.body.toString(), field(answer!, "connection")], ["ok", "keep-alive"]);
  }
  kept.destroy();
  const closed = await connect(edge.port);
  closed.send(head("GET /x HTTP/1.0", "Host: a.test"));
  assert.equal((await closed.answer())?.body.toString(), "ok");
  await closed.untilOver();
});

test("hop-by-hop fields of an answer stay on their hop, ours replace the upstream's", async (t) => {
  const { edge } = await startBench(t, {
    script: rawAnswer(
      "HTTP/1.1 200 OK\r\nServer: secret/1.0\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n" +
        "X-Request-ID: from-upstream\r\ntraceparent: nonsense\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-Kept:  padded \t\r\nContent-Length: 0\r\n\r\n",
    ),
  });
  const answer = await ask(edge.port, get("/x"));
  const names = answer.fields.map(([name]) => name);
  for (const name of ["server", "x-hop", "keep-alive", "proxy-authenticate", "connection"]) {
    assert.ok(!names.includes(name), name);
  }
  assert.deepEqual(fieldAll(answer, "set-cookie"), ["a=1", "b=2"]);
  assert.deepEqual(fieldAll(answer, "x-kept"), ["padded"]);
  assert.deepEqual(fieldAll(answer, "content-length"), ["0"]);
  assert.equal(fieldAll(answer, "x-request-id").length, 1);
  assert.notEqual(field(answer, "x-request-id"), "from-upstream");
  assert.equal(fieldAll(answer, "traceparent").length, 1);
  assert.equal(fieldAll(answer, "date").length, 1);
});

test("whatever a Connection field of an answer names stays on its hop, long or short", async (t) => {
  for (const name of ["X-Hop", "X-Ten-Long", "X-Of-Another-Length"]) {
    const { edge } = await startBench(t, {
      script: rawAnswer(`HTTP/1.1 200 OK\r\nConnection: ${name}\r\n${name}: 1\r\nContent-Length: 0\r\n\r\n`),
    });
    const answer = await ask(edge.port, get("/x"));
    assert.equal(field(answer, name.toLowerCase()), undefined, name);
  }
});

test("an upstream connection is closed whenever its answer says close", async (t) => {
  for (const value of ["close", "close, foo", "Close", "x, close"]) {
    const { edge, origin } = await startBench(t, {
      script: rawAnswer(`HTTP/1.1 200 OK\r\nConnection: ${value}\r\nContent-Length: 0\r\n\r\n`),
    });
    assert.equal((await ask(edge.port, get("/x"))).status, 200);
    await origin.connections[0]!.over;
    assert.equal((await ask(edge.port, get("/x"))).status, 200);
    assert.equal(origin.connections.length, 2, value);
  }
});

test("an answer that comes before the request's body ends the exchange, and its connections", async (t) => {
  // FR19, C20: the rest of the body must not become the next request on either side.
  const { edge, origin } = await startBench(t, {
    script: (request, connection) => {
      if (request.method === "POST")
        connection.socket.write("HTTP/1.1 413 Too Much\r\nContent-Length: 4\r\n\r\nbig!");
      else connection.socket.write(ok("next"));
    },
  });
  const client = await connect(edge.port);
  client.send(post("", "Content-Length: 100000"));
  client.send("x".repeat(1000));
  const answer = await client.answer();
  assert.deepEqual([answer?.status, answer?.body.toString()], [413, "big!"]);
  client.send(get("/smuggled") + "x".repeat(1000));
  await client.untilOver();
  assert.equal(client.rest.length, 0);
  await origin.requests[0]!.connection.over;
  assert.equal((await ask(edge.port, get("/after"))).body.toString(), "next");
  assert.deepEqual(
    origin.requests.map(({ target }) => target),
    ["/x", "/after"],
  );
});

test("an early answer reaches a client that is still sending", async (t) => {
  const { edge } = await startBench(t, {
    script: (_request, connection) =>
      void connection.socket.write("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno"),
  });
  for (let n = 0; n < 20; n++) {
    const client = await connect(edge.port);
    client.send(post("y".repeat(30_000), "Content-Length: 60000"));
    const answer = await client.answer();
    // Closing with unread input would reset the connection and could take the answer with it.
    assert.deepEqual([answer?.status, answer?.body.toString()], [401, "no"]);
    client.destroy();
  }
});

test("an upstream connection that says more than its answer is not used again", async (t) => {
  // C20: a poisoned response queue.
  const { edge, origin } = await startBench(t, {
    script: rawAnswer(`${ok("mine")}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`),
  });
  for (let n = 0; n < 50; n++) assert.equal((await ask(edge.port, get(`/${n}`))).body.toString(), "mine");
  assert.equal(origin.connections.length, 50);
});

test("an upstream that speaks without being asked is not listened to", async (t) => {
  const { edge, origin } = await startBench(t);
  assert.equal((await ask(edge.port, get("/x"))).body.toString(), "ok");
  const idle: Origin["connections"][number] = origin.connections[0]!;
  idle.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
  await idle.over;
  assert.equal((await ask(edge.port, get("/x"))).body.toString(), "ok");
});

test("an upstream's kept connection serves request after request", async (t) => {
  const { edge, origin } = await startBench(t);
  for (let n = 0; n < 20; n++)
    assert.equal((await ask(edge.port, post("hello", "Content-Length: 5"))).status, 200);
  assert.equal(origin.connections.length, 1);
});

test("a large answer arrives whole", async (t) => {
  const body = Buffer.alloc(8 << 20, "0123456789abcdef");
  const { edge } = await startBench(t, {
    script: (_request, connection) => {
      connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
      connection.socket.write(body);
    },
  });
  const answer = await ask(edge.port, get("/x"));
  assert.ok(answer.body.equals(body));
});

test("405 on a route names that route's methods in Allow", async (t) => {
  const { edge } = await startBench(t, { route: 'methods = ["GET", "DELETE"]' });
  const answer = await ask(edge.port, "POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n");
  assert.equal(answer.status, 405);
  assert.equal(field(answer, "allow"), "GET, HEAD, DELETE");
});

test("what an upstream says before a request has left is no answer to it, and the request is sent again", async (t) => {
  // Both come in one turn of the gateway's loop: the request is read first, and its connection speaks before it is written.
  const { edge, origin } = await startBench(t, {
    script: (request, { socket }) => void request.body.then(() => socket.write(ok(`real ${request.target}`))),
  });
  const emptyPost = post("", "Content-Length: 0");
  for (const [request, expected] of [
    [get("/x"), "200 real /x"],
    [emptyPost, "200 real /x"],
    // Its body has been taken from the client and is not there a second time.
    [post("body", "Content-Length: 4"), "502 bad gateway\n"],
  ] as const) {
    const before = origin.requests.length;
    const client = await connect(edge.port);
    client.send(get("/first"));
    await client.answer();
    const { connection } = await origin.request(before);
    client.send(request);
    connection.socket.write(ok("stray"));
    const answer = await client.answer();
    assert.equal(`${answer?.status} ${answer?.body}`, expected);
    client.destroy();
  }
});

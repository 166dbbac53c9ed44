import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import tls from "node:tls";
import { startLoad } from "../support/load.ts";
import { ok, rawAnswer, reset } from "../support/origin.ts";
import { ask, connect, field } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { get, head, post } from "./case.ts";

// How an exchange ends when one side goes away. A cut answer never looks complete.

test("an answer shorter than its Content-Length is cut, not ended", async (t) => {
  for (const how of ["end", "reset"] as const) {
    const { edge } = await startBench(t, {
      script: rawAnswer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", how),
    });
    const client = await connect(edge.port);
    client.send(get("/x"));
    const answer = await client.answer();
    if (answer !== undefined && answer.status === 200) assert.equal(answer.end, "cut", how);
    else assert.equal(answer?.status, 502, how);
    assert.equal(client.timedOut, false, how);
  }
});

test("a chunked answer without its last chunk gets none from us", async (t) => {
  for (const how of ["end", "reset"] as const) {
    const { edge } = await startBench(t, {
      script: rawAnswer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", how),
    });
    const client = await connect(edge.port);
    client.send(get("/x"));
    await client.untilOver();
    assert.ok(!client.received.includes("\r\n0\r\n\r\n"), how);
    const answer = await client.answer();
    if (answer?.status === 200) assert.equal(answer.end, "cut", how);
  }
});

test("an answer that would end with its connection is cut when that is reset", async (t) => {
  const { edge } = await startBench(t, {
    script: rawAnswer(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(100_000)}`, "reset"),
  });
  const client = await connect(edge.port);
  client.send(get("/x"));
  await client.untilOver();
  const answer = await client.answer();
  if (answer?.status === 200) assert.equal(answer.end, "cut");
  else assert.ok(answer === undefined || answer.status === 502);
});

test("an HTTP/1.0 client sees a reset, not an end, when an unframed answer is cut", async (t) => {
  // Its answer ends with the connection, so only RST tells it that something is missing.
  const { edge, origin } = await startBench(t, {
    script: (_request, connection) =>
      void connection.socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
  });
  const client = await connect(edge.port);
  client.send(head("GET /x HTTP/1.0", "Host: a.test"));
  await client.until(() => client.received.includes("hello"));
  reset(origin.connections[0]!.socket);
  await client.until(() => client.closed || client.ended);
  await new Promise<void>((done) => (client.closed ? done() : client.socket.once("close", () => done())));
  assert.equal(client.error?.code, "ECONNRESET");
});

test("an upstream that closes before its answer begins makes a 502", async (t) => {
  for (const script of [
    rawAnswer("", "end"),
    rawAnswer("", "reset"),
    rawAnswer("HTTP/1.1 200 OK\r\nConte", "end"),
  ]) {
    const { edge, origin } = await startBench(t, { script });
    const answer = await ask(edge.port, post("hello", "Content-Length: 5"));
    assert.equal(answer.status, 502);
    assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "upstream_reset");
    assert.equal(origin.requests.length, 1, "a POST is sent once");
  }
});

test("a GET whose kept upstream connection died meanwhile is sent again, a POST is not", async (t) => {
  // F14: the upstream closes an idle connection just as we send.
  const { edge, origin } = await startBench(t, {
    script: async (request, connection) => {
      await request.body.catch(() => undefined);
      if (connection.requests.length > 1) reset(connection.socket);
      else connection.socket.write(ok("ok"));
    },
  });
  assert.equal((await ask(edge.port, get("/first"))).status, 200);
  assert.equal((await ask(edge.port, get("/second"))).status, 200);
  assert.deepEqual(
    origin.requests.map(({ target }) => target),
    ["/first", "/second", "/second"],
  );
  const posted = await ask(edge.port, post("hello", "Content-Length: 5"));
  assert.equal(posted.status, 502);
  assert.equal(origin.requests.length, 4);
});

for (const how of ["FIN", "RST"] as const) {
  test(`a POST without a body that was not written when its upstream connection ended goes to another: ${how}`, async (t) => {
    const { edge, origin } = await startBench(t);
    const client = await connect(edge.port);
    t.after(() => client.destroy());
    client.send(get("/first"));
    assert.equal((await client.answer())?.status, 200);
    const { socket } = origin.connections[0]!;
    await turn();
    await turn();
    // Both are there to be read in one turn, the request first.
    client.send(post("", "Content-Length: 0"));
    if (how === "FIN") socket.destroy();
    else reset(socket);
    assert.equal((await client.answer())?.status, 200);
    assert.equal(origin.connections.length, 2);
    assert.equal(origin.requests.filter(({ method }) => method === "POST").length, 1);
  });
}

test("a client that resets takes its upstream request with it", async (t) => {
  // RL32
  const { edge, origin } = await startBench(t, { script: () => undefined });
  const client = await connect(edge.port);
  client.send(get("/x"));
  const request = await origin.request(0);
  client.reset();
  await request.connection.over;
  origin.script = rawAnswer(ok("alive"));
  assert.equal((await ask(edge.port, get("/y"))).body.toString(), "alive");
  assert.equal(origin.connections.length, 2, "the abandoned connection is not used again");
  const lines = await edge.logLines();
  assert.ok(lines.some((line) => line["zion.reason"] === "client_gone"));
});

test("a client that resets inside its body takes its upstream request with it", async (t) => {
  const { edge, origin } = await startBench(t);
  const client = await connect(edge.port);
  client.send(post("part", "Content-Length: 1000"));
  const request = await origin.request(0);
  client.reset();
  await request.connection.over;
  assert.equal(request.complete(), false);
});

test("a client that resets while a large answer comes stops the upstream", async (t) => {
  const { edge, origin } = await startBench(t, {
    script: (_request, connection) => {
      connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${1 << 30}\r\n\r\n`);
      const more = (): void => {
        if (!connection.socket.destroyed && connection.socket.write(Buffer.alloc(65536))) setImmediate(more);
      };
      connection.socket.on("drain", more);
      more();
    },
  });
  const client = await connect(edge.port);
  client.send(get("/x"));
  await client.until(() => client.receivedBytes > 100_000);
  client.reset();
  await (await origin.request(0)).connection.over;
});

test("a request whose client has only closed its sending side is still answered", async (t) => {
  // Half-close: `printf … | nc` and some health checkers do this.
  const { edge } = await startBench(t, {
    script: async (_request, connection) => {
      await new Promise((done) => setTimeout(done, 50));
      connection.socket.write(ok("late"));
    },
  });
  const client = await connect(edge.port);
  client.send(get("/x"));
  client.end();
  assert.equal((await client.answer())?.body.toString(), "late");
  await client.untilOver();
});

test("a body cut by the client's FIN is never completed upstream", async (t) => {
  // FR20, CH19
  for (const bytes of [
    post("part", "Content-Length: 1000"),
    post("5\r\nhello\r\n", "Transfer-Encoding: chunked"),
    post("5\r\nhello\r\n0\r\n", "Transfer-Encoding: chunked"),
    post("5\r\nhel", "Transfer-Encoding: chunked"),
  ]) {
    const { edge, origin } = await startBench(t);
    const client = await connect(edge.port);
    client.send(bytes);
    client.end();
    const answer = await client.answer();
    assert.ok(answer === undefined || answer.status === 400, `${answer?.status}`);
    await client.untilOver();
    for (const request of origin.requests) {
      await request.connection.over;
      assert.equal(request.complete(), false);
    }
    const lines = await edge.logLines();
    assert.equal(lines.length, 1);
    assert.ok(
      ["body_cut", "client_gone"].includes(String(lines[0]!["zion.reason"])),
      String(lines[0]!["zion.reason"]),
    );
  }
});

test("a client that closes inside its head is not logged as a request that was refused", async (t) => {
  const { edge, origin } = await startBench(t);
  const client = await connect(edge.port);
  client.send("GET /x HTTP/1.1\r\nHost: a.te");
  client.end();
  await client.untilOver();
  assert.equal(origin.requests.length, 0);
  assert.equal((await ask(edge.port, get("/y"))).status, 200);
});

test("an upstream that is not there makes a 502, and is used again when it is back", async (t) => {
  const { edge, origin } = await startBench(t);
  const port = origin.port;
  await origin.close();
  const answer = await ask(edge.port, get("/x"));
  assert.equal(answer.status, 502);
  assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "upstream_connect");
  const back = net.createServer((socket) => socket.resume().end(ok("back", "Connection: close")));
  await new Promise<void>((done) => back.listen(port, "127.0.0.1", done));
  t.after(() => new Promise((done) => back.close(done)));
  assert.equal((await ask(edge.port, get("/x"))).body.toString(), "back");
});

test("an upstream that closes its idle connections at any moment costs no GET", async (t) => {
  // F14: our request crosses its FIN.
  const { edge } = await startBench(t, {
    script: (request, connection) => {
      connection.socket.write(ok(request.target));
      const turn = connection.requests.length % 4;
      if (turn === 0) connection.socket.end();
      else if (turn === 1) setTimeout(() => connection.socket.end(), 1);
      else if (turn === 2) setTimeout(() => reset(connection.socket), 3);
    },
  });
  const load = startLoad(edge.port, { connections: 8 });
  t.after(() => load.stop());
  await load.more(4000);
  await load.stop();
  assert.deepEqual(load.failures, []);
});

for (const isSecure of [false, true])
  test(`a client that closes while the upstream is silent is noticed within seconds${isSecure ? ", over TLS" : ""}`, async (t) => {
    const { edge, origin } = await startBench(t, {
      tlsNames: ["localhost"],
      script: (_, { socket }) => {
        // A watch: its head, one event, and nothing for a minute.
        socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n");
      },
    });
    const options = {
      host: "127.0.0.1",
      port: isSecure ? edge.tlsPort : edge.port,
      rejectUnauthorized: false,
    };
    const client = isSecure ? tls.connect(options) : net.connect(options);
    await once(client, isSecure ? "secureConnect" : "connect");
    client.write("GET /watch HTTP/1.1\r\nHost: a.test\r\nX-Request-ID: watch-1\r\n\r\n");
    await once(client, "data");
    const { socket } = origin.connections[0]!;
    const startMs = performance.now();
    client.destroy();
    await once(socket, "close");
    assert.ok(performance.now() - startMs < 15_000);
  });

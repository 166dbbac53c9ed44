import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import type { EvalCase } from "./case.ts";
import { Lane, readAnswer } from "./lane.ts";

const read = (text: string, over = false, method = "GET") =>
  readAnswer(Buffer.from(text, "latin1"), method, over);

test("an answer counts when it is whole, and interim ones never", () => {
  const head = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-Upstream: 1\r\nContent-Length: 2\r\n\r\n";
  assert.equal(read("HTTP/1.1 100 Continue\r\n\r\n"), undefined);
  assert.equal(read(`${head}o`), undefined);
  assert.deepEqual(read(`${head}ok`)?.answer, {
    status: 200,
    forwarded: true,
    hazard: undefined,
    text: "ok",
    requestId: "",
    timedOut: false,
  });
});

test("a connection is kept only behind an answer that ends and says nothing else", () => {
  const ok = (field: string, body: string): boolean | undefined =>
    read(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n${body}`, true)?.keep;
  assert.equal(ok("Content-Length: 2", "ok"), true);
  assert.equal(ok("Content-Length: 2", "ok-and-more"), false);
  assert.equal(ok("Content-Length: 2\r\nConnection: close", "ok"), false);
  assert.equal(ok("Server: x", "until the end"), false);
});

test("an answer to HEAD has no body, whatever its length says", () => {
  assert.equal(read("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", false, "HEAD")?.answer.status, 200);
});

test("hazard and request id are read, marks of others are not", () => {
  const found = read("HTTP/1.1 400 Bad\r\nX-Request-Id: r7\r\nX-Hazard: \r\nContent-Length: 0\r\n\r\n");
  assert.equal(found?.answer.requestId, "r7");
  assert.equal(found?.answer.hazard, "");
  assert.equal(found?.answer.forwarded, false);
});

test("a lane opens a new connection for hand-made bytes, and asks again when an idle one was closed", async (t) => {
  let connections = 0;
  let requests = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", () => {
      requests++;
      // The third request finds its connection closing.
      if (requests === 3) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\nX-Upstream: 1\r\nContent-Length: 0\r\n\r\n");
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const lane = new Lane((server.address() as net.AddressInfo).port, 5000);
  t.after(() => {
    lane.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const one: EvalCase = {
    id: "a",
    category: "c",
    expect: "pass",
    method: "GET",
    target: "/",
    headers: [],
    body: Buffer.alloc(0),
  };
  await lane.send(one);
  await lane.send(one);
  assert.equal(connections, 1);
  assert.equal((await lane.send(one)).status, 200);
  assert.equal(connections, 2);
  assert.equal((await lane.send({ ...one, raw: Buffer.from("GET / HTTP/1.1\r\n\r\n") })).status, 200);
  assert.equal(connections, 3);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { rawAnswer } from "../support/origin.ts";
import { connect } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";

const open = { route: "trailers = true" };
const withTrailers =
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1 \r\nSet-Cookie: a=b\r\nContent-Type: text/html\r\n\r\n";

function get(...fields: string[]): string {
  return `GET /x HTTP/1.1\r\nHost: a.test\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n`;
}

test("an answer's trailers reach a client that asks for them, but none that belong in a head", async (t) => {
  const { edge, origin } = await startBench(t, { ...open, script: rawAnswer(withTrailers) });
  const client = await connect(edge.port);
  for (let n = 0; n < 2; n++) {
    client.send(get("TE: trailers", "Connection: TE"));
    const answer = await client.answer();
    assert.deepEqual([answer?.body.toString(), answer?.end], ["ok", "framed"]);
  }
  const received = client.received.toString("latin1");
  assert.equal(received.split("0\r\nx-sum: 1\r\n\r\n").length, 3, received);
  assert.ok(!/a=b|text\/html/.test(received), received);
  const { head } = origin.requests[0]!;
  assert.match(head, /\r\nTE: trailers\r\nConnection: TE\r\n/);
  client.destroy();
});

test("trailers stay away from a client that did not ask, and from routes that have none", async (t) => {
  for (const [route, ...fields] of [["trailers = true"], ["", "TE: trailers"]] as const) {
    const { edge, origin } = await startBench(t, { route, script: rawAnswer(withTrailers) });
    const client = await connect(edge.port);
    client.send(get(...fields));
    assert.equal((await client.answer())?.end, "framed");
    assert.ok(!client.received.includes("x-sum"));
    assert.ok(!/\r\n(te|connection):/i.test(origin.requests[0]!.head), origin.requests[0]!.head);
    client.destroy();
  }
});

test("a request's trailers reach the upstream where the route lets them through", async (t) => {
  const upload =
    "POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\nX_Odd: 2\r\nAuthorization: me\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n";
  for (const [route, waf, last] of [
    ["trailers = true", false, "\r\n0\r\nx-sum: 1\r\n\r\n"],
    ["trailers = true", true, "\r\n0\r\nx-sum: 1\r\n\r\n"],
    ["", false, "\r\n0\r\n\r\n"],
  ] as const) {
    const { edge, origin } = await startBench(t, { route, waf });
    const client = await connect(edge.port);
    client.send(upload);
    assert.equal((await client.answer())?.status, 200);
    const received = origin.connections[0]!.received().toString("latin1");
    assert.ok(received.endsWith(last), received);
    client.destroy();
  }
});

test("an attack in a trailer is refused like one in a header", async (t) => {
  const { edge, origin } = await startBench(t, { ...open, waf: true });
  const client = await connect(edge.port);
  client.send(
    "POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Name: <script>alert(document.cookie)</script>\r\n\r\n",
  );
  assert.equal((await client.answer())?.status, 400);
  assert.equal(origin.requests.length, 0);
  client.destroy();
});

test("more trailer fields than the limit are refused", async (t) => {
  const { edge } = await startBench(t, { ...open, waf: true });
  const client = await connect(edge.port);
  client.send(
    `POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n${"X-T: 1\r\n".repeat(65)}\r\n`,
  );
  assert.equal((await client.answer())?.status, 431);
  client.destroy();
});

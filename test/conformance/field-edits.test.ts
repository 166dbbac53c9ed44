import assert from "node:assert/strict";
import { test } from "node:test";
import { rawAnswer } from "../support/origin.ts";
import { connect } from "../support/raw-client.ts";
import { askRaw, startBench } from "./bench.ts";

test("facts speak of fields that go upstream: not of those that were taken away", async (t) => {
  const route = `[route.request_headers]
set = { X-User = "{header:x-auth-subject}", X-Odd = "{header:x_odd}", X-Hop = "{header:x-hop}", X-Host = "{header:host}" }
[[route.split]]
upstream = "nowhere"
header = "X-Auth-Subject: root"`;
  const tables = '[upstream.nowhere]\nurl = "http://127.0.0.1:1"';
  const { edge, origin } = await startBench(t, { route, tables });
  const answer = await askRaw(
    edge.port,
    "GET / HTTP/1.1\r\nHost: a.test:81\r\nX-Auth-Subject: root\r\nX_Odd: 1\r\nX-Hop: 1\r\nConnection: close, x-hop\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 200 /);
  const { head } = origin.requests[0]!;
  assert.doesNotMatch(head, /^x-(user|odd|hop):/im);
  assert.match(head, /^X-Host: a\.test:81\r$/m);
});

test("what is set or removed in a head does not come back in its trailers", async (t) => {
  const route = `trailers = true
[route.request_headers]
set = { X-User = "edge" }
remove = ["x-debug-*"]
[route.response_headers]
remove = ["x-inner"]`;
  const script = rawAnswer(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Inner: 1\r\nX-Sum: 2\r\n\r\n",
  );
  const { edge, origin } = await startBench(t, { route, script });
  const client = await connect(edge.port);
  client.send(
    "POST / HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nConnection: TE\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-User: root\r\nX-Debug-A: 1\r\nX-Sum: 1\r\n\r\n",
  );
  assert.equal((await client.answer())?.status, 200);
  const received = origin.connections[0]!.received().toString("latin1");
  assert.ok(received.endsWith("\r\n0\r\nx-sum: 1\r\n\r\n"), received);
  const answered = client.received.toString("latin1");
  assert.ok(answered.endsWith("\r\n0\r\nx-sum: 2\r\n\r\n"), answered);
  client.destroy();
});

test("a route that answers itself never reads a body as the next request", async (t) => {
  const tables = '[[route]]\npath = "/away"\nwaf = false\n[route.redirect]\nto = "/b"\nstatus = 307';
  const { edge, origin } = await startBench(t, { tables });
  const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n";
  for (const [fields, body] of [
    [`Content-Length: ${smuggled.length}`, smuggled],
    ["Content-Length: 5\r\nExpect: 100-continue", ""],
    ["Transfer-Encoding: chunked", `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`],
    ["Content-Length: 5", smuggled],
  ]) {
    const answer = await askRaw(
      edge.port,
      `POST /away HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\n${fields}\r\n\r\n${body}`,
    );
    assert.match(answer, /^HTTP\/1\.1 307 [\s\S]*\r\nConnection: close\r\n/);
    assert.equal(answer.split("HTTP/1.1 ").length, 2, answer);
  }
  assert.equal(origin.requests.length, 0);
  const kept = await askRaw(
    edge.port,
    "GET /away HTTP/1.1\r\nHost: a.test\r\n\r\nPOST /away HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\nGET /x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
  );
  assert.deepEqual(
    [...kept.matchAll(/HTTP\/1\.1 (\d+)/g)].map((found) => found[1]),
    ["307", "307", "200"],
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Http2Desk } from "../../src/listener/http2-desk.ts";
import { get, head, openFrames, request } from "../support/h2-frames.ts";
import { startBench } from "./bench.ts";

// HTTP/2 requests walk the same gates, and what a bug of ours breaks is one stream.

const secure = { tlsNames: [], tls: `alpn = ["h2"]` } as const;

test("the WAF looks at heads and bodies of HTTP/2 requests, and answers as over HTTP/1.1", async (t) => {
  const { edge, origin } = await startBench(t, { ...secure, waf: true });
  const client = await openFrames(edge.tlsPort);
  t.after(() => client.end());
  const json = ["content-type", "application/json"] as const;
  client.send(
    request(1, get("/x?q=1%27%20OR%20%271%27=%271%27%20UNION%20SELECT%20password%20FROM%20users--")),
    request(3, head("POST", "/x", json), `{"q":"' UNION SELECT password FROM users-- "}`),
    request(5, get("/x", ["cookie", "a=1"], ["cookie", "b=<script>alert(1)</script>"])),
    request(7, head("POST", "/x", json), `{"q":"an apple"}`),
  );
  for (const id of [1, 3, 5]) assert.equal(await client.outcome(id), "400");
  assert.equal(await client.outcome(7), "200");
  await client.wait(({ type, stream, payload }) => type === 0 && stream === 7 && payload.length > 0);
  for (const id of [1, 3, 5]) assert.equal(client.body(id), "request rejected");
  assert.equal(origin.requests.length, 1);
  assert.equal((await origin.requests[0]!.body).latin1Slice(), `{"q":"an apple"}`);
});

test("a bug of ours ends its stream; the connection and its other streams go on", async (t) => {
  const { edge } = await startBench(t, secure);
  const client = await openFrames(edge.tlsPort);
  t.after(() => client.end());
  client.send(request(1, get("/x")));
  assert.equal(await client.outcome(1), "200");
  const whole = Http2Desk.prototype.dateText;
  t.after(() => {
    Http2Desk.prototype.dateText = whole;
  });
  Http2Desk.prototype.dateText = () => {
    throw new Error("a bug of ours");
  };
  client.send(request(3, get("/x")));
  assert.match(await client.outcome(3), /^(reset 2|500)$/);
  Http2Desk.prototype.dateText = whole;
  client.send(request(5, get("/x")));
  assert.equal(await client.outcome(5), "200");
  assert.ok(edge.metric("zion_defects_total") >= 1);
});

test("a connection that was opened for one certificate's name is not used for another's", async (t) => {
  const { edge } = await startBench(t, { tls: `alpn = ["h2"]`, tlsNames: ["b.test"] });
  const client = await openFrames(edge.tlsPort, { serverName: "b.test" });
  t.after(() => client.end());
  client.send(
    request(1, [
      [":method", "GET"],
      [":scheme", "https"],
      [":authority", "b.test"],
      [":path", "/x"],
    ]),
  );
  assert.equal(await client.outcome(1), "200");
  client.send(request(3, get("/x")));
  assert.equal(await client.outcome(3), "421");
});

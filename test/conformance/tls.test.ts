import assert from "node:assert/strict";
import { test } from "node:test";
import { rawAnswer } from "../support/origin.ts";
import { ask, connect, field } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { bare, get } from "./case.ts";

// What TLS changes for a request: scheme, port, and which Host a connection may ask for.

const names = { tlsNames: ["shop.test", "other.test", "*.wild.test"] };

test("a Host under another certificate than the connection's is refused with 421", async (t) => {
  // HD11
  const { edge, origin } = await startBench(t, names);
  for (const [sni, host, status] of [
    ["shop.test", "shop.test", 200],
    ["shop.test", "SHOP.test.:443", 200],
    ["shop.test", "other.test", 421],
    ["shop.test", "a.wild.test", 421],
    ["shop.test", "localhost", 421],
    ["a.wild.test", "b.wild.test", 200],
    ["a.wild.test", "shop.test", 421],
    ["localhost", "localhost", 200],
    ["localhost", "shop.test", 421],
    // Neither has a certificate of its own: both are served under the default one.
    ["unknown.test", "another.test", 200],
  ] as const) {
    origin.forget();
    const answer = await ask(edge.tlsPort, bare(`Host: ${host}`), { tls: { servername: sni } });
    assert.equal(answer.status, status, `${sni} asked for ${host}`);
    assert.equal(origin.requests.length, status === 200 ? 1 : 0);
    const reason = (await edge.logLine(field(answer, "x-request-id")!))["zion.reason"];
    assert.equal(reason, status === 200 ? undefined : "misdirected");
  }
});

test("a misdirected request leaves its connection usable for the right Host", async (t) => {
  const { edge } = await startBench(t, names);
  const client = await connect(edge.tlsPort, { tls: { servername: "shop.test" } });
  client.send(bare("Host: other.test") + bare("Host: shop.test"));
  assert.equal((await client.answer())?.status, 421);
  assert.equal((await client.answer())?.status, 200);
  client.destroy();
});

test("the upstream is told of https and its port", async (t) => {
  const { edge, origin } = await startBench(t, names);
  await ask(edge.tlsPort, bare("Host: shop.test"), { tls: { servername: "shop.test" } });
  const { head: text } = origin.requests[0]!;
  for (const line of ["X-Forwarded-Proto: https", "X-Forwarded-Port: 443", "X-Forwarded-Host: shop.test"]) {
    assert.ok(text.includes(`\r\n${line}\r\n`), `${line} is not in ${text}`);
  }
  assert.match(text, /\r\nForwarded: for=127\.0\.0\.1;proto=https;host="shop\.test"\r\n/);
});

test("an absolute-form target must name https", async (t) => {
  const { edge, origin } = await startBench(t, names);
  const options = { tls: { servername: "localhost" } };
  const right = await ask(edge.tlsPort, get("https://a.test/x"), options);
  assert.equal(right.status, 200);
  assert.equal(origin.requests[0]!.target, "/x");
  const wrong = await ask(edge.tlsPort, get("http://a.test/x"), options);
  assert.equal(wrong.status, 400);
  assert.equal((await edge.logLine(field(wrong, "x-request-id")!))["zion.reason"], "scheme");
});

test("pipelined requests and large answers pass over TLS", async (t) => {
  const body = "x".repeat(300_000);
  const { edge } = await startBench(t, {
    ...names,
    script: rawAnswer(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  });
  const client = await connect(edge.tlsPort, { tls: { servername: "localhost" } });
  client.send(get("/x").repeat(10));
  for (let n = 0; n < 10; n++) assert.equal((await client.answer())?.body.length, body.length);
  client.destroy();
});

test("plain HTTP on the TLS port is closed without an answer, and serving goes on", async (t) => {
  const { edge } = await startBench(t, names);
  const plain = await connect(edge.tlsPort);
  plain.send(get("/x"));
  await plain.untilOver();
  assert.ok(!plain.received.includes("HTTP/1.1 200"));
  assert.equal((await ask(edge.tlsPort, get("/x"), { tls: { servername: "localhost" } })).status, 200);
});

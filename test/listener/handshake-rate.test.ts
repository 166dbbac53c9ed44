import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "../../src/identity/address.ts";
import { HandshakeRate } from "../../src/listener/handshake-rate.ts";
import { startBench } from "../conformance/bench.ts";
import { ask, connect } from "../support/raw-client.ts";

const get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

test("an address opens twice its rate at once, then its rate; an IPv6 /64 is one address", () => {
  const rate = new HandshakeRate(Buffer.alloc(8));
  const opened = (address: string, nowMs: number, tries: number) =>
    Array.from({ length: tries }, () => rate.allows(parseAddress(address)!, nowMs)).filter(Boolean).length;
  assert.equal(opened("192.0.2.1", 0, 100), 100);
  rate.perSec = 5;
  assert.equal(opened("192.0.2.1", 0, 100), 10);
  assert.equal(opened("192.0.2.1", 1000, 100), 5);
  assert.equal(opened("192.0.2.2", 1000, 100), 10);
  assert.equal(opened("2001:db8::1", 1000, 6) + opened("2001:db8::2", 1000, 6), 10);
  assert.equal(rate.refused, 90 + 95 + 90 + 2);
});

test("TLS connections above handshake_rate_per_ip are closed and counted, plain ones are served", async (t) => {
  const { edge } = await startBench(t, { server: "handshake_rate_per_ip = 1", tlsNames: [] });
  // Two at once, one more a second: a slow machine gives room for some more, but not for all.
  const outcomes: string[] = [];
  for (let i = 0; i < 20; i++) {
    const client = await connect(edge.tlsPort, { tls: {} }).catch(() => undefined);
    outcomes.push(client === undefined ? "closed" : "open");
    client?.destroy();
  }
  assert.deepEqual(outcomes.slice(0, 2), ["open", "open"]);
  assert.ok(outcomes.includes("closed"));
  const closed = outcomes.filter((outcome) => outcome === "closed").length;
  assert.equal(edge.metric("zion_connections_rejected_total", "handshake_rate"), closed);
  assert.equal(edge.metric("zion_reject_total", "handshake_rate"), closed);
  for (let i = 0; i < 5; i++) assert.equal((await ask(edge.port, get)).status, 200);
});

test("a trusted proxy has as many connections and handshakes as its clients need", async (t) => {
  const { edge } = await startBench(t, {
    server: 'trusted_proxies = ["127.0.0.1"]\nmax_connections_per_ip = 2\nhandshake_rate_per_ip = 1',
    tlsNames: [],
  });
  const clients = [];
  for (let i = 0; i < 8; i++) clients.push(await connect(edge.tlsPort, { tls: {} }));
  for (const client of clients) {
    client.send(get);
    assert.equal((await client.answer())?.status, 200);
  }
  for (const client of clients) client.destroy();
});

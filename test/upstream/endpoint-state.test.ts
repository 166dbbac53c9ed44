import assert from "node:assert/strict";
import { test } from "node:test";
import { EndpointState } from "../../src/upstream/endpoint-state.ts";

test("latency rises at once and halves every five seconds", () => {
  const endpoint = new EndpointState("http://10.0.0.1:80", 1);
  endpoint.observeLatency(10, 1_000);
  endpoint.observeLatency(800, 1_000);
  assert.equal(endpoint.latencyMs(1_000), 800);
  assert.equal(endpoint.latencyMs(6_000), 400);
  assert.equal(endpoint.latencyMs(16_000), 100);
});

test("faster answers let an old peak fade but not below themselves", () => {
  const endpoint = new EndpointState("http://10.0.0.1:80", 1);
  endpoint.observeLatency(800, 0);
  endpoint.observeLatency(300, 5_000);
  assert.equal(endpoint.latencyMs(5_000), 400);
  endpoint.observeLatency(300, 10_000);
  assert.equal(endpoint.latencyMs(10_000), 300);
});

test("latency stays between a millisecond and a minute, so even the slowest is tried again", () => {
  const endpoint = new EndpointState("http://10.0.0.1:80", 1);
  assert.equal(endpoint.latencyMs(0), 1);
  endpoint.observeLatency(3_600_000, 0);
  assert.equal(endpoint.latencyMs(0), 60_000);
  assert.equal(endpoint.latencyMs(80_000), 1);
});

test("is usable when it is up and its ejection is over", () => {
  const endpoint = new EndpointState("http://10.0.0.1:80", 1);
  assert.equal(endpoint.isUsable(0), true);
  endpoint.ejectedUntilMs = 5_000;
  assert.equal(endpoint.isUsable(4_999), false);
  assert.equal(endpoint.isUsable(5_000), true);
  endpoint.up = false;
  assert.equal(endpoint.isUsable(5_000), false);
});

test("its identity depends on its address alone", () => {
  assert.equal(new EndpointState("http://a:80", 1).identity, new EndpointState("http://a:80", 9).identity);
  assert.notEqual(new EndpointState("http://a:80", 1).identity, new EndpointState("http://a:81", 1).identity);
});

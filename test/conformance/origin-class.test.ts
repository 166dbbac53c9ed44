import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, field } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { get } from "./case.ts";

// [sovereign]: from what kind of network a client comes, and what follows from it.

const proxied = 'trusted_proxies = ["127.0.0.1"]';
const by = (address: string, ...fields: string[]): string =>
  get("/x", `X-Forwarded-For: ${address}`, ...fields);

const classes = `[list.clouds]
cidrs = ["192.0.2.0/24", "2001:db8:c::/48"]
[list.isps]
cidrs = ["192.0.2.128/25", "198.51.100.0/24"]
[list.state]
cidrs = ["203.0.113.0/24"]
[sovereign]
enabled = true
classes = { government = ["state"], datacenter = ["clouds"], residential = ["isps"] }
overrides = { "192.0.2.0/28" = "residential", "192.0.2.1" = "government", "203.0.113.0/25" = "unknown" }`;

test("the upstream learns the class of each client, and nothing that a client says of it", async (t) => {
  const { edge, origin } = await startBench(t, { server: proxied, tables: classes });
  const forged = ["X-Zion-Origin-Class: government", "x-zion-origin-class: other"];
  const classOf = async (address: string) => {
    const answer = await ask(edge.port, by(address, ...forged));
    assert.equal(answer.status, 200);
    const line = await edge.logLine(field(answer, "x-request-id")!);
    const sent = origin.requests.at(-1)!.fields.filter(([name]) => name === "x-zion-origin-class");
    assert.deepEqual(sent, [["x-zion-origin-class", line["zion.origin_class"]]]);
    return line["zion.origin_class"];
  };
  const expected: readonly (readonly [string, string])[] = [
    ["192.0.2.1", "government"],
    ["192.0.2.2", "residential"],
    ["192.0.2.16", "datacenter"],
    ["192.0.2.200", "datacenter"],
    ["2001:db8:c::1", "datacenter"],
    ["198.51.100.7", "residential"],
    ["203.0.113.1", "unknown"],
    ["203.0.113.200", "government"],
    ["8.8.8.8", "unknown"],
    ["not an address", "unknown"],
  ];
  for (const [address, name] of expected) assert.equal(await classOf(address), name, address);
  assert.equal(edge.metric("zion_origin_class_requests_total", "datacenter"), 3);
  assert.equal(edge.metric("zion_origin_class_requests_total", "unknown"), 3);
});

test("without [sovereign] a client's word about its class goes nowhere", async (t) => {
  const { edge, origin } = await startBench(t);
  assert.equal((await ask(edge.port, get("/x", "X-Zion-Origin-Class: government"))).status, 200);
  assert.ok(!origin.requests[0]!.fields.some(([name]) => name === "x-zion-origin-class"));
});

test("denied classes are refused before they learn of routes; an exempt list stands above that", async (t) => {
  const { edge, origin } = await startBench(t, {
    server: `${proxied}\nlists = ["partner"]`,
    route: 'hosts = ["b.test"]',
    tables: `${classes}
log_classification = false
[sovereign.enforce]
enabled = true
deny = ["datacenter", "unknown"]
[list.partner]
action = "exempt"
cidrs = ["192.0.2.99"]`,
  });
  const asked = async (address: string) => {
    const answer = await ask(edge.port, by(address));
    const line = await edge.logLine(field(answer, "x-request-id")!);
    return [answer.status, line["zion.reason"], line["zion.detail"], line["zion.origin_class"]];
  };
  assert.deepEqual(await asked("192.0.2.200"), [403, "origin_class", "datacenter", undefined]);
  assert.deepEqual(await asked("8.8.8.8"), [403, "origin_class", "unknown", undefined]);
  assert.deepEqual(await asked("198.51.100.7"), [404, "route_not_found", undefined, undefined]);
  assert.deepEqual(await asked("192.0.2.99"), [404, "route_not_found", undefined, undefined]);
  assert.equal(origin.connections.length, 0);
});

test("a denied class can be held in the tarpit", async (t) => {
  const { edge } = await startBench(t, {
    server: proxied,
    tables: `${classes}
[sovereign.enforce]
enabled = true
deny = ["datacenter"]
[sovereign.enforce.tarpit]
enabled = true
hold_secs = 1`,
  });
  assert.equal((await ask(edge.port, by("192.0.2.200"))).status, 403);
  assert.equal(edge.metric("zion_tarpit_total"), 1);
});

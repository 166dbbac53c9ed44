import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createDecisionRing,
  type DecisionQuery,
  decisionsShownMax,
  readDecisionQuery,
} from "../../src/control/decision-ring.ts";
import type { Decision } from "../../src/record/decision-log.ts";
import { startOrigin } from "../support/origin.ts";
import { config, request, startGateway } from "./gateway.ts";

const decision = (timeMs: number, change: Partial<Decision> = {}): Decision => ({
  timeMs,
  requestId: `id-${timeMs}`,
  traceId: "",
  client: "192.0.2.1",
  peer: "192.0.2.1",
  method: "GET",
  host: "a.test",
  path: "/",
  route: "app",
  status: 200,
  decision: "allow",
  gate: "",
  reason: "",
  detail: "",
  score: 0,
  findings: [],
  generation: 1,
  totalMs: 1,
  upstream: "",
  ...change,
});

function query(text: string): DecisionQuery {
  const read = readDecisionQuery(new URLSearchParams(text));
  assert.ok(typeof read === "object", String(read));
  return read;
}

test("decisions are found by what they are, newest first", () => {
  const ring = createDecisionRing();
  ring.add([
    decision(1),
    decision(2, { decision: "deny", gate: "patterns", client: "192.0.2.9" }),
    decision(3),
  ]);
  const times = (text: string): number[] => ring.find(query(text)).map(({ timeMs }) => timeMs);
  assert.deepEqual(times(""), [3, 2, 1]);
  assert.deepEqual(times("decision=deny"), [2]);
  assert.deepEqual(times("gate=patterns&route=app"), [2]);
  assert.deepEqual(times("client=192.0.2.9"), [2]);
  assert.deepEqual(times("request_id=id-3"), [3]);
  assert.deepEqual(times("since=1970-01-01T00:00:00.002Z&limit=1"), [3]);
  assert.deepEqual(times("route=other"), []);
});

test("a flood of refusals does not push out what was let through, and both are bounded", () => {
  const ring = createDecisionRing();
  ring.add([decision(1)]);
  for (let i = 0; i < 30; i++)
    ring.add(Array.from({ length: 1000 }, (_, j) => decision(2 + i * 1000 + j, { decision: "deny" })));
  assert.deepEqual(
    ring.find(query("decision=allow")).map(({ timeMs }) => timeMs),
    [1],
  );
  assert.equal(ring.find({ ...query(""), limit: Infinity }).length, 10_001);
});

test("a query that cannot be answered is told why", () => {
  for (const [text, problem] of [
    ["gates=x", /no parameter "gates"/],
    ["limit=0", /limit/],
    [`limit=${decisionsShownMax + 1}`, /limit/],
    ["limit=ten", /limit/],
    ["since=yesterday", /since/],
  ] as const)
    assert.match(String(readDecisionQuery(new URLSearchParams(text))), problem);
});

test("a refusal is shown on the admin listener, with the rule and without what was matched", {
  skip: process.platform === "linux" ? false : "needs /proc",
}, async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const gateway = await startGateway(t, { toml: config(origin.port) });
  let shown = "";
  // At once, although workers report once a second; more than once, because one of them may just do.
  for (let time = 0; time < 3; time++) {
    const refused = await gateway.get("/x?q=%27%20or%201%3D1--%20-");
    assert.equal(refused.status, 400);
    const id = String(refused.headers["x-request-id"]);
    shown = (await request(gateway.adminPort, `/v1/decisions?request_id=${id}`)).body;
    assert.ok(shown.includes(id), shown);
  }
  const [one] = (JSON.parse(shown) as { decisions: Decision[] }).decisions;
  assert.deepEqual(
    [one!.status, one!.decision, one!.gate, one!.path, one!.findings[0]!.place],
    [400, "deny", "patterns", "/x", "query:q"],
  );
  assert.doesNotMatch(shown, /1=1|or 1|%27/);
  assert.equal((await request(gateway.adminPort, "/v1/decisions?nothing=1")).status, 400);
});

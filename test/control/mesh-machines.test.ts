import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { clusterId } from "../../src/mesh/envelope.ts";
import { adminLines, explainAt, said } from "../explain/ask-gateway.ts";
import { type Gateway, request, until } from "./gateway.ts";
import { idOf, seedOf, startMesh, untilReadiness } from "./mesh-gateways.ts";

// Three gateways as on three machines, and a real store between them that nobody trusts.

const attacker = "203.0.113.66";

test("an attacker that one gateway blocked is scored at the others, and a header of its own says nothing", async (t) => {
  const mesh = await startMesh(t, 3, { tables: adminLines });
  if (mesh === undefined) return;
  const { all, scoreAt, attackAt, redis } = mesh;
  const [first, second, third] = all;
  assert.equal(await scoreAt(second!, attacker, { "X-Zion-Mesh-Score": "0.000" }), "");
  const startMs = performance.now();
  await attackAt(first!, attacker, 3);
  for (const gateway of [second, third])
    await until("scored", async () => (await scoreAt(gateway!, attacker)) === "0.973");
  t.diagnostic(`scored at both others after ${Math.round(performance.now() - startMs)} ms`);
  assert.equal(await scoreAt(second!, "203.0.113.67"), "");
  const scored = async (client: string): Promise<string> =>
    said(await explainAt(second!, { "X-Forwarded-For": client }), "mesh_score");
  assert.equal(await scored(attacker), "ok: other edges give the client 0.973");
  assert.equal(await scored("203.0.113.67"), "ok: no other edge reports the client");
  // The store saw neither the address nor the score.
  const everything =
    "local t = '' for _, k in ipairs(redis.call('KEYS', '*')) do t = t .. k .. table.concat(redis.call('HVALS', k)) end return t";
  await until("kept for late joiners", async () =>
    (await redis.ask("EVAL", everything, "0")).includes(idOf(0)),
  );
  assert.ok(!(await redis.ask("EVAL", everything, "0")).includes(attacker));
  // What was learned is for this user only.
  await until(
    "saved",
    async () =>
      statSync(join(first!.directory, "state/mesh.json"), { throwIfNoEntry: false })?.mode === 0o100600,
  );
  await untilMetric(second!, /^zion_mesh_claims_received_total [1-9]/m);
  await untilMetric(second!, /^zion_mesh_peers\{state="seen"\} 2$/m);
  await untilMetric(second!, /^zion_mesh_score_lookups_total [1-9]/m);
});

test("a quorum refuses, bans and is on record; one less does nothing; proxies and internal networks never", async (t) => {
  const mesh = await startMesh(t, 3, {
    mesh: "score_deny_above = 0.95\nban = true\nban_secs = 3600",
    tables: '[audit]\nenabled = true\npath = "DIRECTORY/audit"\nkey_file = "DIRECTORY/audit.key"\n',
    files: { "audit.key": "k".repeat(64) },
  });
  if (mesh === undefined) return;
  const { all, scoreAt, attackAt } = mesh;
  const [first, second, third] = all;
  await attackAt(first!, attacker, 3);
  await attackAt(second!, attacker, 3);
  await until("two say so", async () => (await scoreAt(third!, attacker)) === "0.973");
  // Not at the third, although two of three say so.
  assert.equal(await scoreAt(third!, attacker), "0.973");
  await attackAt(third!, attacker, 3);
  for (const gateway of all) {
    await until("refused", async () => (await scoreAt(gateway, attacker)) === "403");
    await gateway.logged((line) => line["event.name"] === "zion.mesh.ban");
    assert.equal(await scoreAt(gateway, "203.0.113.67"), "");
  }
  await untilMetric(first!, /^zion_bans\{cause="mesh"\} 1$/m);
  await untilMetric(first!, /^zion_mesh_decisions_total\{decision="deny"\} 1$/m);
  const audit = join(first!.directory, "audit");
  const log = readdirSync(audit)
    .filter((name) => name.endsWith(".ndjson"))
    .map((name) => readFileSync(join(audit, name), "utf8"))
    .join("");
  for (const kind of ["mesh_publish", "mesh_receive"])
    assert.match(log, new RegExp(`"sig":"[\\w-]{86}"[^\n]*"kind":"${kind}"`));
  assert.match(log, /"decision":"ban"[^\n]*"kind":"mesh_decision"/);
});

test("a store that is killed, frozen, flushed or full of garbage costs no request; edges meet again when it is back", async (t) => {
  const mesh = await startMesh(t, 2);
  if (mesh === undefined) return;
  const { all, redis, scoreAt, attackAt } = mesh;
  const [first, second] = all;
  await redis.kill();
  for (const gateway of all) await untilReadiness(gateway, "degraded");
  await attackAt(first!, attacker, 3);
  assert.equal(await scoreAt(second!, attacker), "");
  await redis.restart();
  for (const gateway of all) await untilReadiness(gateway, "ready");
  await until("told late", async () => (await scoreAt(second!, attacker)) === "0.973");

  redis.pause();
  for (const gateway of all) await untilReadiness(gateway, "degraded");
  await attackAt(second!, "203.0.113.98", 3);
  redis.resume();
  await until("told after a pause", async () => (await scoreAt(first!, "203.0.113.98")) === "0.973");

  await redis.ask("FLUSHALL");
  const channel = `zion:mesh:${clusterId("zion")}`;
  for (const garbage of ["", "garbage", "A".repeat(2800), Buffer.alloc(2000, 1).toString("base64url")])
    await redis.ask("PUBLISH", channel, garbage);
  await attackAt(first!, "203.0.113.99", 3);
  await until("goes on", async () => (await scoreAt(second!, "203.0.113.99")) === "0.973");
  assert.equal(await scoreAt(second!, attacker), "0.973");
  await untilMetric(second!, /^zion_mesh_claims_rejected_total\{reason="decode"\} [1-9]/m);
});

test("a key that the one before it introduces is heard, and one that comes by itself where that is asked for", async (t) => {
  // The second has the key 7, which nobody was told of; the third was told of nobody.
  const successor = 'previous_identity_path = "DIRECTORY/old.key"';
  const mesh = await startMesh(t, 3, {
    own: [
      {},
      { mesh: successor, files: { "identity.key": seedOf(7), "old.key": seedOf(1) } },
      { mesh: "trust_on_first_use = true", files: { "edges.keys": idOf(2) } },
    ],
  });
  if (mesh === undefined) return;
  const { all, scoreAt, attackAt } = mesh;
  const [first, second, third] = all;
  await attackAt(second!, attacker, 3);
  await until("the successor is heard", async () => (await scoreAt(first!, attacker)) === "0.973");
  await attackAt(first!, "203.0.113.67", 3);
  await until("the stranger, too", async () => (await scoreAt(third!, "203.0.113.67")) === "0.973");
  await third!.logged((line) => line["event.name"] === "zion.mesh.first_use" && line["key"] === idOf(0));
  const file = join(third!.directory, "state/mesh.json");
  await until("kept", () => readFileSync(file, "utf8").includes(idOf(0)));
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

/** Figures of the mesh are a second old at most. */
function untilMetric(gateway: Gateway, line: RegExp): Promise<void> {
  return until(String(line), async () => line.test((await request(gateway.telemetryPort, "/metrics")).body));
}

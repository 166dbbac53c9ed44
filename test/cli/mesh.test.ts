import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readIdentity } from "../../src/mesh/identity.ts";
import { type Gateway, launcher, request, until } from "../control/gateway.ts";
import { attack, idOf, seedOf, startMesh } from "../control/mesh-gateways.ts";
import { newDirectory } from "../support/directory.ts";

function zion(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, "mesh", ...words], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

function directory(): string {
  const path = newDirectory("mesh");
  return path;
}

test("keys are made for their owner alone, and never over others", () => {
  const file = join(directory(), "edge.key");
  const made = zion("keygen", file);
  assert.equal(made.status, 0, made.stderr);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(made.stdout.trim(), readIdentity(readFileSync(file, "utf8")).id);
  assert.equal(zion("keygen", file).status, 1);
  assert.equal(zion("cluster-key", file).status, 1);
  assert.equal(made.stdout.trim(), readIdentity(readFileSync(file, "utf8")).id);
});

const scoreOf = async (gateway: Gateway, client: string): Promise<string> =>
  (await request(gateway.port, "/", { headers: { "X-Forwarded-For": client } })).body;

test("an edge that is revoked is heard no more, and late joiners know; a policy raises the quorum", async (t) => {
  const mesh = await startMesh(t, 2, { mesh: `revocation_pubkeys = ["${idOf(99)}"]` });
  if (mesh === undefined) return;
  const [first, second] = mesh.all;
  const config = join(first!.directory, "zion.toml");
  const key = join(directory(), "revocation.key");
  writeFileSync(key, seedOf(99));
  const wrong = join(directory(), "wrong.key");
  writeFileSync(wrong, seedOf(98));

  const shown = () => zion("status", "-c", config, "--admin", `127.0.0.1:${first!.adminPort}`);
  await until("seen", () => /\bseen\b.*ago/.test(shown().stdout));
  assert.match(shown().stdout, new RegExp(`^mesh up .*quorum 3\nkey {2}${idOf(0)}\n`));
  await mesh.attackAt(second!, "203.0.113.66", 3);
  await until("scored", async () => (await scoreOf(first!, "203.0.113.66")) === "0.973");

  assert.equal(zion("revoke", idOf(1), "--key", wrong, "-c", config).status, 1);
  assert.equal(zion("revoke", "x", "--key", key, "-c", config).status, 2);
  const policy = zion("policy", "--quorum", "5", "--key", key, "-c", config);
  assert.equal(policy.status, 0, policy.stderr);
  const revoked = zion("revoke", idOf(1), "--key", key, "-c", config);
  assert.equal(revoked.status, 0, revoked.stderr);
  await until("what it said is gone", async () => (await scoreOf(first!, "203.0.113.66")) === "");
  await until("a quorum of five", () => /quorum 5/.test(shown().stdout));
  await until("one edge less", () => !shown().stdout.includes("operator1"));
  const saved = () => readFileSync(join(first!.directory, "state/mesh.json"), "utf8");
  await until("remembered", () => saved().includes(`"revoked":["${idOf(1)}"]`));
  assert.equal((await request(second!.port, attack)).status, 400);
});

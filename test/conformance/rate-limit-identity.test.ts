import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { digestApiKey, makeApiKey } from "../../src/identity/api-key.ts";
import { newDirectory } from "../support/directory.ts";
import { ask, field } from "../support/raw-client.ts";
import { jwks, makeKeys, makeToken } from "../support/tokens.ts";
import { startBench } from "./bench.ts";

// Limits by who somebody is. One request of each key passes in the hour.

const { ec } = makeKeys();
const exp = Math.floor(Date.now() / 1000) + 600;

function start(t: TestContext, key: string, waf = false) {
  const folder = newDirectory("limit");
  const file = path.join(folder, "keys.json");
  writeFileSync(file, jwks([ec.publicKey, {}]));
  return startBench(t, {
    waf,
    route: 'auth_profile = "users"\nlimits = ["one"]',
    tables: `[auth_profile.users]\nalgorithm = "ES256"\nkeys_file = ${JSON.stringify(file)}
[limit.one]\nrate = 1\nwindow_secs = 3600\nkey = ${key}`,
  });
}

function get(claims: object, target = "/", signer = ec): string {
  const token = makeToken({ alg: "ES256" }, { exp, ...claims }, signer.privateKey);
  return `GET ${target} HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer ${token}\r\n\r\n`;
}

async function statuses(port: number, requests: readonly string[]): Promise<number[]> {
  const found: number[] = [];
  for (const request of requests) found.push((await ask(port, request)).status);
  return found;
}

test("counts by a claim, whatever token it is in; without the claim by the address", async (t) => {
  const { edge, origin } = await start(t, '["claim:sub"]');
  const requests = [
    get({ sub: "ann" }),
    get({ sub: "ann", jti: "2" }),
    get({ sub: "bob" }),
    get({}),
    get({ sub: ["ann"] }),
    get({ sub: "" }),
  ];
  assert.deepEqual(await statuses(edge.port, requests), [200, 429, 200, 200, 429, 429]);
  assert.equal(origin.requests.length, 3);
  const refused = await ask(edge.port, get({ sub: "bob" }));
  assert.equal((await edge.logLine(field(refused, "x-request-id")!))["zion.detail"], "one");
});

test("counts by several claims together, numbers among them", async (t) => {
  const { edge } = await start(t, '["claim:tenant", "claim:sub"]');
  const requests = [
    get({ tenant: 1, sub: "ann" }),
    get({ tenant: 2, sub: "ann" }),
    get({ tenant: 1, sub: "ann" }),
    get({ tenant: "1a", sub: "nn" }),
  ];
  assert.deepEqual(await statuses(edge.port, requests), [200, 200, 429, 200]);
});

test("strict, by a claim: as many as may at once, and those without credentials are not asked about", async (t) => {
  const { edge } = await start(t, '["claim:sub"]\nstrict = true');
  const forged = get({ sub: "ann" }, "/", makeKeys().ec);
  assert.equal((await ask(edge.port, forged)).status, 403);
  const answers = await Promise.all(Array.from({ length: 6 }, () => ask(edge.port, get({ sub: "ann" }))));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(answers.filter(({ status }) => status === 429).length, 5);
  assert.equal((await ask(edge.port, get({ sub: "bob" }))).status, 200);
});

test("who is not let in uses up nobody's budget, and who is over it is not inspected", async (t) => {
  const { edge } = await start(t, '["claim:sub"]', true);
  const forged = get({ sub: "ann" }, "/", makeKeys().ec);
  assert.deepEqual(await statuses(edge.port, [forged, get({ sub: "ann" })]), [403, 200]);
  const attack = `/?q=${encodeURIComponent("' UNION SELECT password FROM users-- -")}`;
  assert.deepEqual(
    await statuses(edge.port, [get({ sub: "ann" }, attack), get({ sub: "bob" }, attack)]),
    [429, 400],
  );
  assert.equal(edge.metric("zion_gate_decisions_total", "patterns"), 1);
});

test("counts by the API key that was sent, and one that is not known uses up nothing", async (t) => {
  const [first, second] = [makeApiKey(), makeApiKey()];
  const folder = newDirectory("limit");
  const file = path.join(folder, "keys.txt");
  writeFileSync(file, `ci ${digestApiKey(first)}\nbot ${digestApiKey(second)}\n`);
  const { edge } = await startBench(t, {
    route: 'auth_profile = "machines"\nlimits = ["one"]',
    tables: `[auth_profile.machines]\nkind = "api_key"\napi_keys_file = ${JSON.stringify(file)}
[limit.one]\nrate = 1\nwindow_secs = 3600\nkey = ["api_key"]`,
  });
  const by = (key: string) => `GET / HTTP/1.1\r\nHost: a.test\r\nX-API-Key: ${key}\r\n\r\n`;
  const requests = [by(`${first}x`), by(first), by(first), by(second), by(second)];
  assert.deepEqual(await statuses(edge.port, requests), [403, 200, 429, 200, 429]);
});

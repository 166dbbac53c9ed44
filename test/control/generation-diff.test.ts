import assert from "node:assert/strict";
import { test } from "node:test";
import { cutConfig } from "../../src/config/parts.ts";
import type { AdminRequest } from "../../src/control/admin.ts";
import { generationDiffEndpoint } from "../../src/control/generation-diff.ts";
import { goodConfig, minimal } from "../support/config-case.ts";

const admin = (digest: string): string =>
  `\n[admin]\nlisten = "127.0.0.1:1"\n[admin.token.ops]\nsha256 = "${digest}"\nrole = "read"\nexpires = 2099-01-01\n`;
const cuts = [
  cutConfig(goodConfig(minimal + admin("a".repeat(64)))),
  cutConfig(goodConfig(minimal.replace("[server]", "[server]\nmax_headers = 99") + admin("b".repeat(64)))),
];
const { answer, role } = generationDiffEndpoint({
  find: (generation) => cuts[generation - 1],
  generation: () => 2,
});

async function ask(generation: string, query = "") {
  const request = { query: new URLSearchParams(query) } as unknown as AdminRequest;
  const { status, body } = await answer(request, generation);
  return { status, text: String(body), ...(JSON.parse(String(body)) as { differences?: unknown }) };
}

test("what differs between two generations is told to whoever may read, without secrets", async () => {
  assert.equal(role, "read");
  const { status, differences, text } = await ask("1");
  assert.equal(status, 200);
  assert.deepEqual(differences, [{ path: "server.max_headers", before: 64, after: 99 }]);
  assert.doesNotMatch(text, /aaaa|bbbb/);
  const back = await ask("2", "to=1");
  assert.deepEqual(back.differences, [{ path: "server.max_headers", before: 99, after: 64 }]);
  assert.deepEqual((await ask("2")).differences, []);
});

test("a generation that is not kept is named", async () => {
  for (const [generation, query] of [
    ["9", ""],
    ["1", "to=9"],
    ["x", ""],
  ] as const) {
    const { status, text } = await ask(generation, query);
    assert.equal(status, 404);
    assert.match(text, /generation (?:9|x) is not among those that are kept/);
  }
});

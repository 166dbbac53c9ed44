import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { newDirectory } from "../support/directory.ts";
import { startEdge } from "../support/edge.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes that live: what a snapshot holds outside the heap (tables of the automaton) counts, too. */
async function liveBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test("old generations are let go of: rules, routes and pools that changed do not pile up", async (t) => {
  const directory = newDirectory("old");
  const rules = join(directory, "own.toml");
  const next = (n: number) => {
    writeFileSync(
      rules,
      `class = "own"

[[rule]]
id = "own-rule"
severity = "critical"
where = ["query"]
why = "A word that no client of ours ever sends, number ${n} of its kind."
literals = ["zzmark${n}"]
block = [{ in = "query", value = "zzmark${n}" }, { in = "query", value = "a zzmark${n}" }]
allow = [{ in = "query", value = "other" }, { in = "query", value = "mark" }]
`,
    );
    return `[server]
http_mode = "serve"

[waf]
rules = [${JSON.stringify(rules)}]

[upstream.app]
url = "http://127.0.0.1:9"
keepalive = ${10 + (n % 100)}

[[route]]
path = "/{*rest}"
upstream = "app"
max_body_mb = ${1 + (n % 9)}
`;
  };
  const edge = await startEdge(next(0));
  t.after(() => edge.stop());
  let n = 0;
  const reloads = (count: number) => {
    for (let i = 0; i < count; i++) edge.reload(next(++n));
  };
  reloads(10);
  const before = await liveBytes();
  reloads(30);
  const perReload = ((await liveBytes()) - before) / 30;
  t.diagnostic(`${Math.round(perReload)} bytes stay of each reload`);
  // The rules of one generation, compiled, take 800 kB.
  assert.ok(perReload < 100_000, `${Math.round(perReload)} bytes stay of each`);
});

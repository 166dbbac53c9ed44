import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { stricter } from "../eval/figures.ts";
import { newDirectory } from "../support/directory.ts";
import { startEdge } from "../support/edge.ts";
import { freePort } from "../support/free-port.ts";
import { connect } from "../support/raw-client.ts";
import { needsShared } from "../support/shared.ts";
import { benchConfig } from "./bench.ts";

interface Miss {
  readonly id: string;
  readonly expect: "block" | "pass";
  readonly got: string;
  readonly status: number;
  readonly note: string;
}

test("every desync case of the corpus is refused or forwarded in an unambiguous form", async (t) => {
  const shared = needsShared(t);
  if (shared === undefined) return;
  const folder = newDirectory("desync");

  const originPort = await freePort();
  const origin = spawn(process.execPath, [path.join(shared, "tools/raw_upstream.mjs"), String(originPort)]);
  t.after(() => origin.kill("SIGKILL"));
  await new Promise((done) => origin.stdout.once("data", done));
  const edge = await startEdge(
    benchConfig(originPort, { waf: true, server: "header_timeout_ms = 1000\nbody_idle_timeout_ms = 1000" }),
  );
  t.after(() => edge.stop());

  const corpus = path.join(shared, "corpora/desync.jsonl");
  const summaryPath = path.join(folder, "summary.json");
  const missesPath = path.join(folder, "misses.jsonl");
  const tool = path.join(shared, "tools/run_cases.mjs");
  const options = ["--port", String(edge.port), "--json", summaryPath, "--misses", missesPath, "--quiet"];
  const runner = spawn(process.execPath, [tool, corpus, ...options], { stdio: "ignore" });
  const code = await new Promise((done) => runner.once("exit", done));
  assert.equal(code, 0);

  const summary = JSON.parse(readFileSync(summaryPath, "utf8")) as {
    readonly n: number;
    readonly total: Record<"block" | "pass", { readonly n: number }>;
  };
  assert.deepEqual([summary.n, summary.total.block.n, summary.total.pass.n], [267, 244, 23]);
  const misses = readFileSync(missesPath, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Miss);
  const wrong = misses.filter(
    (miss) => !(miss.expect === "pass" && miss.got === "block" && stricter.has(miss.id)),
  );
  assert.deepEqual(wrong, []);
  t.diagnostic(`${summary.n} cases; ${misses.length} passing ones refused, as allowed`);

  // And the gateway still serves.
  const client = await connect(edge.port);
  client.send("GET /after HTTP/1.1\r\nHost: a.test\r\n\r\n");
  assert.equal((await client.answer())?.status, 200);
  client.destroy();
});

import assert from "node:assert/strict";
import { appendFileSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createExposition } from "../../src/control/exposition.ts";
import { lastGaspLine } from "../../src/control/last-gasp.ts";
import { lastGaspPath, openLastGaspFile } from "../../src/control/last-gasp-file.ts";
import { openObituaries } from "../../src/control/obituaries.ts";
import { goodConfig, minimal } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";
import { keptLog } from "./fakes.ts";

function directory(): string {
  const path = newDirectory("gasp");
  return path;
}

const gasp = lastGaspLine("worker 1", "uncaughtException", new TypeError(), 0);

function start(path: string | undefined, predecessorKilled = false, oomKilled = false) {
  const exposition = createExposition();
  const log = keptLog();
  const clock = { nowMs: () => 0, wallMs: () => 0 };
  const oom = { wasKilled: () => oomKilled };
  const obituaries = openObituaries({ path, oom, predecessorKilled, exposition, clock, log });
  const count = async () =>
    Number(/^zion_panics_total (\d+)$/m.exec(await exposition.print("text"))?.[1] ?? Number.NaN);
  return { obituaries, log, count };
}

test("a start tells of the last words that it finds, counts them, and no start does so again", async () => {
  const path = join(directory(), "last_panic.jsonl");
  writeFileSync(path, gasp);
  const first = start(path);
  const found = first.log.lines.find((line) => line["event.name"] === "zion.panic.found");
  assert.deepEqual([found?.["process"], found?.["error"]], ["worker 1", "TypeError"]);
  assert.equal(first.obituaries.found.length, 1);
  assert.equal(await first.count(), 1);

  const second = start(path);
  assert.deepEqual([second.log.lines, await second.count()], [[], 0]);
});

test("last words that the primary of their time has heard are not told again", async () => {
  const path = join(directory(), "last_panic.jsonl");
  const { obituaries, count } = start(path);
  assert.equal(await count(), 0);
  appendFileSync(path, gasp);
  const death = { process: "worker 1", pid: process.pid, code: 70, signal: null, uptimeMs: 5 };
  assert.equal(obituaries.died(death), "fault");
  assert.equal(await count(), 1);
  assert.equal(await start(path).count(), 0);
});

test("whoever died without a word is on record by its parent", () => {
  const path = join(directory(), "last_panic.jsonl");
  const death = { process: "audit writer", pid: 7, code: null, signal: "SIGKILL", uptimeMs: 5 };
  start(path, false, true).obituaries.died(death);
  const record = JSON.parse(readFileSync(path, "utf8"));
  assert.deepEqual(record, {
    time: "1970-01-01T00:00:00.000Z",
    level: "error",
    "event.name": "zion.process.died",
    process: "audit writer",
    pid: 7,
    code: null,
    signal: "SIGKILL",
    cause: "oom",
    uptime_ms: 5,
  });
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("a primary that was killed is counted by the next one, unless it has said why", async () => {
  const path = join(directory(), "last_panic.jsonl");
  assert.equal(await start(path, true).count(), 1);
  writeFileSync(path, lastGaspLine("primary", "uncaughtException", new TypeError(), 0));
  assert.equal(await start(path, true).count(), 1);
});

test("the file stays small however many die, and the newest stay in it", () => {
  const path = join(directory(), "last_panic.jsonl");
  const file = openLastGaspFile(path, 0);
  const text = "x".repeat(3900);
  for (let i = 0; i < 400; i++) file.append({ i, text });
  assert.ok(statSync(path).size < 600_000);
  const lines = readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(lines.at(-1).i, 399);
  assert.ok(lines.length > 64);
});

test("torn lines and foreign ones are passed over", async () => {
  const path = join(directory(), "last_panic.jsonl");
  writeFileSync(
    path,
    `${gasp.slice(9)}\n[1]\nnull\n{"event.name":"zion.panic"}\n${gasp}${gasp.slice(0, 40)}`,
  );
  assert.equal(await start(path).count(), 1);
});

test("where it cannot be written, the gateway starts, and says so", async () => {
  const target = directory();
  symlinkSync("/etc/passwd", join(target, "link"));
  for (const path of [target, join(target, "link"), "/dev/null/x"]) {
    const { log, obituaries } = start(path);
    assert.equal(log.lines[0]?.["event.name"], "zion.panic.no_file", path);
    assert.equal(obituaries.lastGaspFile, undefined);
  }
});

test("ZION_LAST_GASP_PATH is before state_dir; amnesia writes nothing", () => {
  const config = goodConfig(minimal);
  const withState = { ...config, server: { ...config.server, stateDir: "/var/lib/zion" } };
  assert.equal(lastGaspPath(config, {}), undefined);
  assert.equal(lastGaspPath(withState, {}), "/var/lib/zion/last_panic.jsonl");
  assert.equal(lastGaspPath(withState, { ZION_LAST_GASP_PATH: "/a/b" }), "/a/b");
  assert.equal(lastGaspPath({ ...config, amnesia: true }, { ZION_LAST_GASP_PATH: "/a/b" }), undefined);
});

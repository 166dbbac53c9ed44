import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Config } from "../../src/config/config.ts";
import { openStickyRoot } from "../../src/control/sticky-root.ts";
import { goodConfig, minimal } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";
import { keptLog, silentLog } from "./fakes.ts";

const plain: Config = goodConfig(minimal);
const sticky: Config = goodConfig(`${minimal}\n[upstream.app.sticky]\n`);

function folder(): string {
  const path = newDirectory("sticky");
  return path;
}

const rootOf = (one: ReturnType<typeof openStickyRoot>): string => {
  const news = one.news();
  return news.type === "sticky_root" ? Buffer.from(news.root).toString("hex") : "";
};

test("the root outlives a restart, for its owner alone, once an upstream needs it", () => {
  const stateDir = folder();
  const file = join(stateDir, "sticky.key");
  const first = openStickyRoot(stateDir, silentLog);
  first.adopt(plain);
  assert.equal(existsSync(file), false);
  const root = rootOf(first);
  first.adopt(sticky);
  assert.equal(rootOf(first), root);
  assert.deepEqual([readFileSync(file).toString("hex"), statSync(file).mode & 0o777], [root, 0o600]);
  assert.equal(rootOf(openStickyRoot(stateDir, silentLog)), root);
});

test("without a state directory each start has its own", () => {
  const one = openStickyRoot(undefined, silentLog);
  one.adopt(sticky);
  assert.match(rootOf(one), /^[0-9a-f]{64}$/);
  assert.notEqual(rootOf(one), rootOf(openStickyRoot(undefined, silentLog)));
});

test("a file that is no key is told of, and left alone", () => {
  const stateDir = folder();
  writeFileSync(join(stateDir, "sticky.key"), "short");
  const log = keptLog();
  const one = openStickyRoot(stateDir, log);
  one.adopt(sticky);
  assert.deepEqual(
    log.lines.map(({ level, msg }) => [level, msg]),
    [["error", "sticky sessions will not outlive a restart"]],
  );
  assert.equal(readFileSync(join(stateDir, "sticky.key"), "utf8"), "short");
  assert.match(rootOf(one), /^[0-9a-f]{64}$/);
});

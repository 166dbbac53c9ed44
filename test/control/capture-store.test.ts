import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { CaptureConfig } from "../../src/config/config.ts";
import { createCaptureStore } from "../../src/control/capture-store.ts";
import { createLog } from "../../src/control/log.ts";
import type { ToWorker } from "../../src/control/messages.ts";
import { newDirectory } from "../support/directory.ts";

function openStore(t: TestContext, settings: Partial<CaptureConfig> = {}) {
  const folder = newDirectory("capture-store");
  const keyFile = path.join(folder, "key");
  writeFileSync(keyFile, "k".repeat(32));
  const config: CaptureConfig = {
    path: path.join(folder, "kept"),
    keyFile,
    refusedOnly: true,
    bodyBytesMax: 1024,
    bytesMax: 8000,
    requestsMax: 80,
    ageMs: 80_000,
    redactsInStorage: false,
    ...settings,
  };
  const told: ToWorker[] = [];
  const time = { wallMs: 1_763_800_000_000, lost: 0 };
  const store = createCaptureStore({
    broadcast: (message) => told.push(message),
    clock: { nowMs: () => time.wallMs, wallMs: () => time.wallMs },
    log: createLog("silent"),
    onLost: (count) => {
      time.lost += count;
    },
  });
  t.after(() => store.stop());
  store.adopt({ capture: config });
  const files = (): string[] => readdirSync(config.path).sort();
  return { store, config, told, time, files };
}

/** The store writes and removes behind the caller. */
async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise((resolve) => setImmediate(resolve));
}

test("lines go to a file for nobody else, in a directory for nobody else", async (t) => {
  const { store, config, files } = openStore(t);
  store.write(["one\n", "two\n"]);
  await until(() => files().length === 1);
  const [name] = files();
  const file = path.join(config.path, name!);
  await until(() => readFileSync(file, "utf8") === "one\ntwo\n");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(config.path).mode & 0o777, 0o700);
});

test("all files together never hold more lines or bytes than they may, and the oldest go first", async (t) => {
  const { store, config, time, files } = openStore(t);
  for (let round = 0; round < 60; round++) {
    time.wallMs += 100;
    store.write([`${String(round).padStart(4, "0")}${"x".repeat(295)}\n`]);
  }
  const read = (): string =>
    files()
      .map((file) => readFileSync(path.join(config.path, file), "utf8"))
      .join("");
  await until(() => files().length <= 8 && read().includes("0059x"));
  const text = read();
  assert.ok(text.length <= config.bytesMax, `${text.length} bytes`);
  assert.equal(time.lost, 0);
});

test("files that are too old go, though nothing new comes", async (t) => {
  const { store, time, files } = openStore(t);
  store.write(["old\n"]);
  await until(() => files().length === 1);
  const [old] = files();
  time.wallMs += 200_000;
  store.write(["new\n"]);
  await until(() => files().length === 1 && files()[0] !== old);
});

test("a key that is none keeps nothing, and workers are told so", (t) => {
  const { store, config, told } = openStore(t);
  assert.notEqual((told.at(-1) as { key: unknown }).key, undefined);
  writeFileSync(config.keyFile, "short");
  store.adopt({ capture: { ...config, bodyBytesMax: 1 } });
  assert.deepEqual(told.at(-1), { type: "capture_key", key: undefined });
  store.adopt({ capture: undefined });
  assert.deepEqual(store.news(), [{ type: "capture_key", key: undefined }]);
});

test("what the disk does not take is counted", async (t) => {
  const { store, config, time } = openStore(t);
  rmSync(config.path, { recursive: true });
  store.write(["one\n", "two\n"]);
  await until(() => time.lost === 2);
});

import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { createSecretKey } from "node:crypto";
import { writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { AuditFeed } from "../../src/audit/feed.ts";
import { readableDisk } from "../../src/audit/file-disk.ts";
import { logsOf, walkLog } from "../../src/audit/log-proof.ts";
import type { AuditRecord } from "../../src/audit/record.ts";
import { verifyDirectory } from "../../src/audit/verify.ts";
import { newDirectory } from "../support/directory.ts";
import { eventAt } from "./test-log.ts";

/** `npm run prove:audit` kills 200 times. */
const kills = Number(process.env["AUDIT_KILLS"] ?? 4);
const entry = path.resolve(import.meta.dirname, "../../src/control/audit-process.ts");
const key = Buffer.alloc(32, 5);

test("a writer killed at any moment loses nothing that it acknowledged, and makes no false alarm", async () => {
  const folder = newDirectory("kill");
  const keyFile = path.join(folder, "key");
  writeFileSync(keyFile, key, { mode: 0o600 });
  const directory = path.join(folder, "log");
  const socket = path.join(folder, "s");
  const token = "t".repeat(64);
  const config = {
    path: directory,
    name: "test/kill",
    key: { file: keyFile, variable: undefined },
    previousKey: undefined,
    queueDepth: 100_000,
    segmentBytesMax: 200_000,
    segmentsMax: 0,
    syncMs: 1,
    checkpointMs: 1000,
    anchorPath: path.join(folder, "anchor"),
    witnessUrl: undefined,
    refusesOnFailure: false,
    requests: false,
  };
  const alarms: string[] = [];
  const start = async (): Promise<ChildProcess> => {
    const child = fork(entry, [], {
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const ready = new Promise<void>((resolve, reject) => {
      child.on("message", (message) => {
        const { type, alarm, problem } = message as { type: string; alarm?: string; problem?: string };
        if (type === "refused") reject(new Error(problem));
        if (type === "ready" && alarm !== "") alarms.push(alarm!);
        if (type === "ready") resolve();
      });
      child.once("exit", (code) => code !== null && code !== 0 && reject(new Error(`ended with ${code}`)));
    });
    child.send({ type: "start", config, socket, token, version: "test" });
    await ready;
    return child;
  };

  let child = await start();
  const feed = new AuditFeed({
    b: "0123456789abcdef",
    id: 1,
    queueMax: 100_000,
    token,
    connect: () => net.connect(socket),
  });
  let n = 0;
  let acknowledged = 0;
  const burst = setInterval(() => {
    // A busy machine takes seconds for a restart; what is dropped then is another test's business.
    if (feed.waiting > 5000) return;
    for (let i = 0; i < 10; i++) feed.report(eventAt(++n));
    const mine = ++n;
    void feed.must(eventAt(mine), 60_000).then((isDurable) => {
      if (isDurable) acknowledged = Math.max(acknowledged, mine);
    });
  }, 10);
  for (let round = 0; round < kills; round++) {
    // Some time into its work, another each round.
    await pause(20 + ((round * 37) % 150));
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    const durable = acknowledged;
    const told = eventsIn(directory);
    for (let i = 1; i <= durable; i++)
      assert.ok(told.has(i), `round ${round}: event ${i} of ${durable} is lost`);
    child = await start();
  }
  clearInterval(burst);
  await feed.close(60_000);
  child.send({ type: "stop" });
  await new Promise((resolve) => child.once("exit", resolve));
  assert.deepEqual(alarms, []);
  assert.equal(eventsIn(directory).size, n);
  assert.equal(feed.dropped, 0);
  const { exitCode, logs } = verifyDirectory({
    disk: readableDisk(directory),
    policy: undefined,
    roots: [createSecretKey(key)],
    anchors: undefined,
    nowMs: Date.now(),
    unanchoredMaxMs: Infinity,
    strict: false,
  });
  assert.equal(exitCode, 0, JSON.stringify(logs));
  assert.ok(acknowledged > kills);
});

function eventsIn(directory: string): Set<number> {
  const disk = readableDisk(directory);
  const found: number[] = [];
  for (const logId of logsOf(disk))
    for (const { line } of walkLog(disk, logId)) {
      const { kind, w } = JSON.parse(line) as AuditRecord;
      if (kind === "request_blocked") found.push(w!.n);
    }
  assert.equal(new Set(found).size, found.length, "no event twice");
  return new Set(found);
}

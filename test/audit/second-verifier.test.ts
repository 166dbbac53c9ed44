import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { verifyDirectory } from "../../src/audit/verify.ts";
import { Xorshift } from "../../src/std/xorshift.ts";
import { newDirectory } from "../support/directory.ts";
import { eventAt, MemoryDisk, openLog, rootKey, sourceAt, testClock } from "./test-log.ts";

/** `npm run prove:audit` compares 1,000 logs. */
const logs = Number(process.env["AUDIT_SECOND_LOGS"] ?? 6);
const script = path.join(import.meta.dirname, "verifier.py");
const directory = newDirectory("audit");

/** A log of a few starts and segments, by a seed. */
function randomLog(random: Xorshift): { disk: MemoryDisk; anchors: string[] } {
  const disk = new MemoryDisk();
  const clock = testClock();
  const anchors: string[] = [];
  const settings = { segmentBytesMax: 3000 + random.below(20_000), checkpointRecords: 5, keyStepMs: 5000 };
  let n = 0;
  for (let start = random.below(3); start >= 0; start--) {
    const { journal } = openLog(disk, { clock, anchors, settings });
    for (let batch = random.below(10); batch >= 0; batch--) {
      for (let i = random.below(6); i >= 0; i--) journal.event(eventAt(++n), sourceAt(n));
      clock.ms += 1000 + random.below(4000);
      journal.commit();
      journal.tick();
    }
    if (random.below(4) > 0) journal.close();
    clock.ms += 1000;
  }
  return { disk, anchors };
}

/** Changes, cuts or leaves the log. */
function tamper(disk: MemoryDisk, random: Xorshift): void {
  const file = disk.list().filter((name) => name.endsWith(".ndjson"))[0]!;
  const bytes = Buffer.from(disk.files.get(file)!);
  const lines = bytes.latin1Slice().split("\n");
  const at = random.below(lines.length - 1);
  const kind = random.below(5);
  if (kind === 1) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
  if (kind === 2) lines.splice(at, 1 + random.below(3));
  if (kind === 3) lines.splice(at, 0, lines[at]!);
  disk.files.set(file, kind === 1 ? bytes : Buffer.from(lines.join("\n"), "latin1"));
  const newest = disk
    .list()
    .filter((name) => name.endsWith(".ndjson"))
    .at(-1)!;
  const kept = disk.files.get(newest)!;
  if (kind === 4) disk.files.set(newest, kept.subarray(0, random.below(kept.length)));
}

test("a second verifier, written from the format alone, comes to the same conclusion", (t) => {
  try {
    execFileSync("python3", ["--version"]);
  } catch {
    if (process.env["CI"] === "true") assert.fail("python3 is missing");
    return t.skip("python3 is missing");
  }
  const seen = new Map<number, number>();
  for (let seed = 1; seed <= logs; seed++) {
    const random = new Xorshift(seed);
    const { disk, anchors } = randomLog(random);
    tamper(disk, random);
    const given = anchors.slice(-1);
    const { exitCode, logs: reports } = verifyDirectory({
      disk,
      policy: undefined,
      roots: [rootKey],
      anchors: given,
      nowMs: 0,
      unanchoredMaxMs: Infinity,
      strict: false,
    });
    const home = path.join(directory, String(seed));
    mkdirSync(home);
    for (const [name, bytes] of disk.files) writeFileSync(path.join(home, name), bytes);
    const anchor = path.join(directory, `${seed}.notes`);
    writeFileSync(anchor, given.join(""));
    const key = Buffer.alloc(32, 1).toString("hex");
    const theirs = Number(execFileSync("python3", [script, home, key, anchor], { encoding: "utf8" }));
    assert.equal(exitCode, theirs, `log ${seed}: ${JSON.stringify(reports)}`);
    seen.set(theirs, (seen.get(theirs) ?? 0) + 1);
    rmSync(home, { recursive: true });
  }
  assert.ok(seen.size >= 2, `the logs were ${JSON.stringify([...seen])}`);
});

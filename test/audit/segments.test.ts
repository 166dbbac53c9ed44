import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { ReadableDisk } from "../../src/audit/disk.ts";
import { directoryProblem, fileDisk } from "../../src/audit/file-disk.ts";
import type { FindingName } from "../../src/audit/finding.ts";
import { parseLine } from "../../src/audit/line.ts";
import { readLines } from "../../src/audit/log-lines.ts";
import { parseSegmentFile } from "../../src/audit/log-name.ts";
import { hashesOf, logsOf, walkLog } from "../../src/audit/log-proof.ts";
import { inclusionRanges, isIncluded } from "../../src/audit/proof.ts";
import { recheckLog } from "../../src/audit/recheck.ts";
import type { AuditRecord } from "../../src/audit/record.ts";
import { type Verification, verifyDirectory } from "../../src/audit/verify.ts";
import { newDirectory } from "../support/directory.ts";
import { eventAt, MemoryDisk, openLog, rootKey, START_MS, sourceAt, testClock } from "./test-log.ts";

function verify(disk: ReadableDisk, anchors?: readonly string[], roots = [rootKey]): Verification {
  return verifyDirectory({
    disk,
    policy: undefined,
    roots,
    anchors,
    nowMs: START_MS,
    unanchoredMaxMs: Infinity,
    strict: false,
  });
}

function namesOf({ logs }: Verification): FindingName[] {
  return [...new Set(logs.flatMap(({ findings }) => findings.map(({ name }) => name)))];
}

function recordsIn(disk: ReadableDisk): AuditRecord[] {
  return logsOf(disk).flatMap((logId) =>
    [...walkLog(disk, logId)].map(({ line }) => JSON.parse(line) as AuditRecord),
  );
}

/** A log of many small segments. */
function manySegments(segmentsMax = 0): { disk: MemoryDisk; anchors: string[]; size: number } {
  const disk = new MemoryDisk();
  const { journal, anchors } = openLog(disk, {
    clock: testClock(),
    settings: { segmentBytesMax: 2000, segmentsMax },
  });
  for (let n = 1; n <= 40; n++) {
    journal.event(eventAt(n), sourceAt(n));
    journal.commit();
  }
  journal.close();
  return { disk, anchors, size: journal.size };
}

function segmentFiles(disk: MemoryDisk): string[] {
  return disk.list().filter((name) => parseSegmentFile(name) !== undefined);
}

test("segments are sealed, and each can be read without those before it", () => {
  const { disk } = manySegments();
  const files = segmentFiles(disk);
  assert.ok(files.length > 5);
  for (const [i, file] of files.entries()) {
    const records = [...readLines(disk, file)].map(({ bytes }) => parseLine(bytes));
    assert.ok(records.every((record) => typeof record === "object"));
    const kinds = records.map((record) => (typeof record === "object" ? record.record.kind : ""));
    assert.equal(kinds[0], i === 0 ? "genesis" : "segment_open");
    if (i < files.length - 1) assert.equal(kinds.at(-1), "segment_seal");
  }
  assert.deepEqual(verify(disk).logs[0]!.findings, []);
});

test("a segment that is missing, empty, or another is named", () => {
  const { disk, anchors } = manySegments();
  const files = segmentFiles(disk);
  for (const anchored of [undefined, anchors.slice(-1)]) {
    for (const at of [0, 2, files.length - 2]) {
      const gone = disk.copy();
      gone.files.delete(files[at]!);
      assert.equal(verify(gone, anchored).exitCode, 5, `without ${at}: ${namesOf(verify(gone, anchored))}`);
      const empty = disk.copy();
      empty.files.set(files[at]!, Buffer.alloc(0));
      assert.equal(verify(empty, anchored).exitCode, 5, `${at} empty`);
    }
    const swapped = disk.copy();
    swapped.files.set(files[2]!, disk.files.get(files[3]!)!);
    swapped.files.set(files[3]!, disk.files.get(files[2]!)!);
    assert.equal(verify(swapped, anchored).exitCode, 5, "swapped");
  }
  const cut = disk.copy();
  cut.files.delete(files.at(-1)!);
  assert.equal(verify(cut, anchors.slice(-1)).exitCode, 3, "the newest is gone");
  assert.equal(verify(new MemoryDisk(), anchors.slice(-1)).exitCode, 5, "everything is gone");
});

test("old segments go after it is on record, and what is left verifies and proves", () => {
  const { disk, anchors, size } = manySegments(3);
  const files = segmentFiles(disk);
  assert.equal(files.length, 3);
  const verification = verify(disk, anchors.slice(-1));
  assert.deepEqual([verification.exitCode, verification.logs[0]!.findings], [0, []]);
  const logId = logsOf(disk)[0]!;
  const [first] = walkLog(disk, logId);
  assert.ok(first!.seq > 0);
  const target = [...walkLog(disk, logId)].find(({ seq }) => seq === size - 3)!;
  const proof = hashesOf(disk, logId, inclusionRanges(target.seq, size), target.seq, size)!;
  const root = Buffer.from(anchors.at(-1)!.split("\n")[2]!, "base64");
  assert.ok(isIncluded(target.seq, size, target.leaf, proof, root));
  // One more than was pruned.
  const more = disk.copy();
  more.files.delete(files[0]!);
  assert.equal(verify(more, anchors.slice(-1)).exitCode, 5);
});

test("a file that somebody else changes is noticed within seconds, and the log goes on in another", () => {
  for (const harm of ["append", "remove"] as const) {
    const disk = new MemoryDisk();
    const clock = testClock();
    const { journal } = openLog(disk, { clock });
    journal.event(eventAt(1), sourceAt(1));
    journal.commit();
    const [file] = segmentFiles(disk);
    if (harm === "append") disk.append(file!, Buffer.from("x"));
    else disk.remove(file!);
    clock.ms += 1000;
    journal.tick();
    assert.equal(journal.tampers, 1);
    journal.event(eventAt(2), sourceAt(2));
    journal.close();
    const tamper = recordsIn(disk).find(({ kind }) => kind === "audit_tamper");
    assert.equal(tamper?.data?.["segment"], 1);
    assert.notEqual(verify(disk).exitCode, 0);
  }
});

test("an idle log has heartbeats and steps of its key, and a clock that was set is on record", () => {
  const disk = new MemoryDisk();
  const clock = testClock();
  const { journal } = openLog(disk, { clock, settings: { keyStepMs: 30_000 } });
  for (let second = 0; second < 60; second++) {
    clock.ms += 1000;
    journal.tick();
  }
  let skewMs = 3_600_000;
  clock.wallMs = () => START_MS + clock.ms + skewMs;
  journal.tick();
  skewMs = 0;
  journal.tick();
  journal.close();
  const records = recordsIn(disk);
  const count = (kind: string): number => records.filter((record) => record.kind === kind).length;
  assert.ok(count("heartbeat") >= 4);
  assert.equal(count("key_step"), 2);
  assert.deepEqual(
    records.filter(({ kind }) => kind === "clock_step").map(({ data }) => data?.["ms"]),
    [3_600_000, -3_600_000],
  );
  const { exitCode, logs } = verify(disk);
  assert.equal(exitCode, 0);
  assert.equal(logs[0]!.clockWentBack, 1);
});

test("what was written is read again, and a difference is told", () => {
  const { disk, size } = manySegments();
  const logId = logsOf(disk)[0]!;
  const last = segmentFiles(disk).length;
  const run = (from: MemoryDisk, root: Buffer): string | undefined => {
    const steps = recheckLog(from, logId, [last - 1, last], size, root);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  };
  const head = disk.files.get("checkpoint")!.toString().split("\n");
  const root = Buffer.from(head[2]!, "base64");
  assert.equal(run(disk, root), undefined);
  const changed = disk.copy();
  const file = segmentFiles(disk).at(-1)!;
  const bytes = Buffer.from(changed.files.get(file)!);
  bytes[bytes.indexOf("rid") + 8]! ^= 1;
  changed.files.set(file, bytes);
  assert.match(run(changed, root)!, /.+/);
  assert.match(run(disk, Buffer.alloc(32))!, /not what was written/);
});

const folder = newDirectory("segments");

test("links, pipes and directories in the place of a segment are no segments", () => {
  const directory = mkdtempSync(path.join(folder, "log-"));
  const { journal } = openLog(fileDisk(directory), { settings: { segmentBytesMax: 2000 } });
  for (let n = 1; n <= 20; n++) {
    journal.event(eventAt(n), sourceAt(n));
    journal.commit();
  }
  journal.close();
  const names = readdirSync(directory)
    .filter((name) => name.endsWith(".ndjson"))
    .sort();
  const victim = path.join(directory, names[1]!);
  const aside = path.join(folder, "aside");
  renameSync(victim, aside);
  const replacements: readonly [string, () => void][] = [
    ["a link to the very file", () => symlinkSync(aside, victim)],
    ["a pipe", () => void execFileSync("mkfifo", [victim])],
    ["a directory", () => void execFileSync("mkdir", [victim])],
  ];
  for (const [what, replace] of replacements) {
    replace();
    assert.equal(verify(fileDisk(directory)).exitCode, 5, what);
    rmSync(victim, { recursive: true });
  }
  renameSync(aside, victim);
  assert.equal(verify(fileDisk(directory)).exitCode, 0);
  assert.equal(statSync(victim).mode & 0o777, 0o600);
});

test("a directory that others can enter, or a link to one, is no place for evidence", () => {
  const directory = mkdtempSync(path.join(folder, "open-"));
  assert.equal(directoryProblem(directory), undefined);
  chmodSync(directory, 0o750);
  assert.match(directoryProblem(directory)!, /mode 0750/);
  chmodSync(directory, 0o700);
  const link = path.join(folder, "link");
  symlinkSync(directory, link);
  assert.match(directoryProblem(link)!, /symbolic link/);
  const file = path.join(folder, "file");
  writeFileSync(file, "");
  assert.match(directoryProblem(file)!, /not a directory/);
  assert.match(directoryProblem(path.join(folder, "none"))!, /does not exist/);
});

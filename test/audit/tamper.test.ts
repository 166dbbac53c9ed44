import assert from "node:assert/strict";
import { test } from "node:test";
import type { FindingName } from "../../src/audit/finding.ts";
import { readLines } from "../../src/audit/log-lines.ts";
import { parseSegmentFile } from "../../src/audit/log-name.ts";
import { type Policy, policyOf } from "../../src/audit/policy.ts";
import { type Verification, verifyDirectory } from "../../src/audit/verify.ts";
import { Xorshift } from "../../src/std/xorshift.ts";
import {
  MemoryDisk,
  openLog,
  otherKey,
  rootKey,
  START_MS,
  signerOf,
  sourceAt,
  testClock,
} from "./test-log.ts";

/** `npm run prove:audit` tries everything there is to try; here it is every so many of it, in another order each. */
const isFull = process.env["AUDIT_TAMPER"] === "full";

interface Sealed {
  readonly disk: MemoryDisk;
  readonly file: string;
  readonly anchors: readonly string[];
  /** Without line ends. */
  readonly lines: readonly string[];
}

/** A log of 200 records in one segment, closed and anchored. */
function sealedLog(): Sealed {
  const disk = new MemoryDisk();
  const clock = testClock();
  const { journal, anchors } = openLog(disk, { clock, settings: { checkpointRecords: 50 } });
  // genesis, process_start … process_stop
  for (let n = 1; n <= 197; n++) {
    journal.event({ kind: "request_blocked", rid: `r${n}`, src: { ip: "203.0.113.9" } }, sourceAt(n));
    clock.ms += 50;
    if (n % 50 === 0) journal.commit();
  }
  journal.close();
  const file = disk.list().find((name) => parseSegmentFile(name) !== undefined)!;
  const lines = [...readLines(disk, file)].map(({ bytes }) => bytes.latin1Slice());
  assert.equal(lines.length, 200);
  return { disk, file, anchors, lines };
}

const policy = policyOf([signerOf(rootKey).vkey]);

interface Given {
  readonly policy?: Policy | undefined;
  readonly roots?: readonly (typeof rootKey)[];
  readonly anchors?: readonly string[] | undefined;
  readonly nowMs?: number;
  readonly strict?: boolean;
}

function verify(disk: MemoryDisk, given: Given = {}): Verification {
  return verifyDirectory({
    disk,
    policy: given.policy,
    roots: given.roots ?? [rootKey],
    anchors: given.anchors,
    nowMs: given.nowMs ?? START_MS,
    unanchoredMaxMs: 60_000,
    strict: given.strict ?? false,
  });
}

function rewritten({ disk, file }: Sealed, lines: readonly string[]): MemoryDisk {
  const copy = disk.copy();
  copy.files.set(file, Buffer.from(lines.length === 0 ? "" : `${lines.join("\n")}\n`, "latin1"));
  return copy;
}

/** Asserts one kind of finding, over exactly these records. */
function assertFound(
  { logs, exitCode }: Verification,
  code: number,
  name: FindingName,
  from: number,
  to: number,
  what: string,
): void {
  assert.equal(exitCode, code, what);
  const { findings } = logs[0]!;
  const isNamed = findings.every((finding) => finding.name === name);
  const first = Math.min(...findings.map((finding) => finding.from));
  const last = Math.max(...findings.map((finding) => finding.to));
  assert.ok(isNamed && first === from && last === to, `${what}: ${JSON.stringify(findings)}`);
}

/** All of `count`, or a number of them drawn by a seed. */
function* chosen(count: number, most: number): Generator<number> {
  const random = new Xorshift(count);
  for (let i = 0; i < (isFull ? count : Math.min(most, count)); i++) yield isFull ? i : random.below(count);
}

const log = sealedLog();
const anchored = { anchors: log.anchors.slice(-1), policy };

test("a sound log verifies, with the key and without", () => {
  for (const roots of [[rootKey], []]) {
    const { exitCode, logs } = verify(log.disk, { ...anchored, roots });
    assert.deepEqual(logs[0]!.findings, []);
    assert.equal(exitCode, 0);
    assert.equal(logs[0]!.size, 200);
    assert.equal(logs[0]!.anchored, 200);
    assert.equal(logs[0]!.macsRight, roots.length * 200);
  }
});

test("every changed byte is found, at its record", () => {
  const bytes = log.disk.files.get(log.file)!;
  const ends: number[] = [];
  for (const line of log.lines) ends.push((ends.at(-1) ?? 0) + line.length + 1);
  const disk = log.disk.copy();
  for (const offset of chosen(bytes.length, 500)) {
    const copy = Buffer.from(bytes);
    copy[offset]! ^= 1 << (offset % 8);
    disk.files.set(log.file, copy);
    const record = ends.findIndex((end) => offset < end);
    const { exitCode, logs } = verify(disk, anchored);
    const { findings } = logs[0]!;
    const what = `offset ${offset}, record ${record}: ${JSON.stringify(findings)}`;
    assert.equal(exitCode, 2, what);
    assert.ok(
      findings.every(({ name }) => name === "changed"),
      what,
    );
    // A changed MAC is wrong itself, and makes that of the next record wrong; a changed line end joins two records.
    assert.ok(
      findings.every(({ from, to }) => from >= record && to <= record + 1),
      what,
    );
    assert.equal(findings[0]!.from, record, what);
  }
});

test("without the key a changed byte is found by the tree, between two checkpoints", () => {
  const bytes = log.disk.files.get(log.file)!;
  const disk = log.disk.copy();
  for (const offset of chosen(bytes.length, 150)) {
    const copy = Buffer.from(bytes);
    copy[offset]! ^= 1 << (offset % 8);
    disk.files.set(log.file, copy);
    const { exitCode, logs } = verify(disk, { ...anchored, roots: [] });
    const { findings } = logs[0]!;
    assert.equal(exitCode, 2, `offset ${offset}: ${JSON.stringify(findings)}`);
    const isNamed = findings.some(({ name }) => name === "changed");
    assert.ok(isNamed, `offset ${offset}: ${JSON.stringify(findings)}`);
  }
});

test("every range of records that is cut out is named", () => {
  for (const index of chosen(200 * 200, 400)) {
    const from = index % 200;
    const to = Math.floor(index / 200);
    if (to < from || (from === 0 && to === 199)) continue;
    const rest = [...log.lines.slice(0, from), ...log.lines.slice(to + 1)];
    const name = to === 199 ? "truncated" : "removed";
    assertFound(
      verify(rewritten(log, rest), anchored),
      to === 199 ? 3 : 2,
      name,
      from,
      to,
      `${from} to ${to}`,
    );
  }
});

test("any two records in each other's places are named", () => {
  for (const index of chosen(200 * 200, 400)) {
    const one = index % 200;
    const other = Math.floor(index / 200);
    if (one >= other) continue;
    const lines = [...log.lines];
    [lines[one], lines[other]] = [lines[other]!, lines[one]!];
    const { exitCode, logs } = verify(rewritten(log, lines), anchored);
    const { findings } = logs[0]!;
    const what = `${one} and ${other}: ${JSON.stringify(findings)}`;
    assert.equal(exitCode, 2, what);
    assert.ok(
      findings.every(({ name }) => name === "moved"),
      what,
    );
    assert.ok(
      findings.some(({ from, to }) => from <= other && one <= to),
      what,
    );
  }
});

test("a record that is there twice, or came from nowhere, is named", () => {
  for (const at of [0, 1, 57, 198, 199]) {
    const lines = [...log.lines];
    lines.splice(at + 1, 0, log.lines[at]!);
    assertFound(verify(rewritten(log, lines), anchored), 2, "inserted", at, at, `record ${at} twice`);
    const odd = [...log.lines];
    odd.splice(at, 0, "{}");
    const { exitCode } = verify(rewritten(log, odd), anchored);
    assert.equal(exitCode, 2, `a line before ${at}`);
  }
});

test("a tail cut at any byte before an anchor is truncated, with the count", () => {
  const bytes = log.disk.files.get(log.file)!;
  const disk = log.disk.copy();
  for (const length of chosen(bytes.length, 300)) {
    disk.files.set(log.file, bytes.subarray(0, length));
    const { exitCode, logs } = verify(disk, anchored);
    const whole = bytes.subarray(0, length).filter((byte) => byte === 10).length;
    const found = logs[0]!.findings.find(({ name }) => name === "truncated");
    assert.equal(exitCode, 3, `${length} bytes: ${JSON.stringify(logs[0]!.findings)}`);
    assert.deepEqual([found?.from, found?.to], [whole, 199], `${length} bytes`);
  }
});

test("an older copy of everything is a rollback, where somebody else remembers", () => {
  const disk = new MemoryDisk();
  const clock = testClock();
  const opened = openLog(disk, { clock });
  const copies: MemoryDisk[] = [];
  for (let n = 1; n <= 40; n++) {
    opened.journal.event({ kind: "request_blocked", rid: `r${n}` }, sourceAt(n));
    opened.journal.commit();
    opened.journal.checkpoint();
    copies.push(disk.copy());
  }
  opened.journal.close();
  const anchors = opened.anchors.slice(-1);
  const { size } = opened.journal;
  for (const copy of copies) {
    const { exitCode, logs } = verify(copy, { anchors });
    assert.equal(exitCode, 3);
    assertFound({ exitCode, logs }, 3, "truncated", logs[0]!.size, size - 1, "rollback");
  }
  // Nobody can tell from the copy alone.
  assert.equal(verify(copies[20]!).exitCode, 0);
});

test("a tail that no anchor covers is told when it is older than allowed", () => {
  const { exitCode, logs } = verify(log.disk, { anchors: log.anchors.slice(1, 2), nowMs: START_MS + 80_000 });
  const at = logs[0]!.anchored;
  assertFound({ exitCode, logs }, 4, "unanchored_tail", at, 199, "tail");
  assert.equal(verify(log.disk, { anchors: log.anchors.slice(1, 2), nowMs: START_MS + 59_000 }).exitCode, 0);
});

test("a history that somebody with the keys made is a fork", () => {
  // The same random numbers: the same log id and boot.
  const random = (bytes: number) => Buffer.alloc(bytes, 7);
  const build = (rid: string): { disk: MemoryDisk; anchors: readonly string[] } => {
    const made = new MemoryDisk();
    const { journal, anchors } = openLog(made, { clock: testClock(), random });
    for (let n = 1; n <= 20; n++) journal.event({ kind: "request_blocked", rid }, sourceAt(n));
    journal.close();
    return { disk: made, anchors };
  };
  const honest = build("honest");
  const forged = build("forged");
  assert.equal(verify(forged.disk).exitCode, 0);
  for (const roots of [[rootKey], []])
    assertFound(
      verify(forged.disk, { anchors: honest.anchors.slice(-1), roots }),
      3,
      "forked",
      0,
      22,
      "fork",
    );
});

test("records of another node's log with the same keys do not fit", () => {
  const other = sealedLog();
  const lines = [...log.lines];
  lines[100] = other.lines[100]!;
  assertFound(verify(rewritten(log, lines), anchored), 2, "changed", 100, 101, "splice");
});

test("another key is a wrong key, and not 200 changed records", () => {
  assertFound(verify(log.disk, { ...anchored, roots: [otherKey] }), 6, "wrong_key", 0, 199, "key");
});

test("a key that was exchanged with the old one present goes on; with both keys all of it verifies", () => {
  const disk = log.disk.copy();
  const clock = testClock();
  clock.ms = 5000;
  assert.throws(() => openLog(disk.copy(), { clock, root: otherKey }), /written with the key/);
  const { journal, anchors } = openLog(disk, { clock, root: otherKey, previousRoot: rootKey });
  journal.event({ kind: "request_blocked", rid: "after" }, sourceAt(198));
  journal.close();
  const roots = [otherKey, rootKey];
  const { exitCode, logs } = verify(disk, { roots, nowMs: START_MS + 6000 });
  assert.deepEqual([exitCode, logs[0]!.findings], [0, []]);
  assert.equal(logs[0]!.macsRight, journal.size);
  // The first checkpoint after it has both signatures.
  assert.equal(anchors[0]!.split("— ").length, 3);
  const { exitCode: half, logs: halves } = verify(disk, { roots: [otherKey], nowMs: START_MS + 6000 });
  assert.equal(half, 6, JSON.stringify(halves));
});

test("a gap in the events of one process is told, unless a record says that they were dropped", () => {
  const disk = new MemoryDisk();
  const { journal } = openLog(disk);
  journal.event({ kind: "request_blocked", rid: "1" }, sourceAt(1));
  journal.about("drop", { count: 3, from: 2, to: 4 }, sourceAt(4));
  journal.event({ kind: "request_blocked", rid: "5" }, sourceAt(5));
  journal.commit();
  assert.equal(verify(disk.copy()).exitCode, 0);
  journal.event({ kind: "request_blocked", rid: "7" }, sourceAt(7));
  journal.close();
  assertFound(verify(disk), 2, "worker_gap", 5, 5, "gap");
});

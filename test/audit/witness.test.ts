import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { checkpointText } from "../../src/audit/checkpoint.ts";
import { hashesOf } from "../../src/audit/log-proof.ts";
import { cosigner, openNote, readVkey, type Verifier } from "../../src/audit/note.ts";
import { consistencyRanges, RangeHashes } from "../../src/audit/proof.ts";
import { leafHash, Tree } from "../../src/audit/tree.ts";
import { addCheckpoint, signedCheckpoints, type WitnessOptions } from "../../src/audit/witness.ts";
import { WitnessClient } from "../../src/audit/witness-client.ts";
import {
  eventAt,
  logName,
  MemoryDisk,
  openLog,
  otherKey,
  rootKey,
  START_MS,
  signerOf,
  sourceAt,
} from "./test-log.ts";

const origin = `${logName}/0190f7c2aa00deadbeef`;
const leaves = Array.from({ length: 40 }, (_, i) => leafHash(Buffer.from(`record ${i}`)));

function witnessOf(disk = new MemoryDisk()): WitnessOptions {
  const signer = cosigner("witness.example/w1", generateKeyPairSync("ed25519").privateKey, () => START_MS);
  return { signer, keys: [readVkey(signerOf(rootKey).vkey) as Verifier], disk };
}

function noteAt(size: number, from = leaves, by = rootKey, of = origin): string {
  const tree = new Tree();
  for (const leaf of from.slice(0, size)) tree.push(leaf);
  const text = checkpointText({ origin: of, size, root: tree.root() });
  return `${text}\n${signerOf(by).sign(text)}`;
}

function requestOf(old: number, size: number, note = noteAt(size)): string {
  const hashes = new RangeHashes(consistencyRanges(old, size));
  for (const leaf of leaves.slice(0, size)) hashes.push(leaf);
  return `old ${old}\n${hashes
    .hashes()
    .map((hash) => `${hash.toString("base64")}\n`)
    .join("")}\n${note}`;
}

test("a witness signs what continues the log, and has it on the disk before it says so", () => {
  const witness = witnessOf();
  for (const [old, size] of [
    [0, 3],
    [3, 3],
    [3, 8],
    [8, 40],
  ] as const) {
    const { status, body } = addCheckpoint(requestOf(old, size), witness);
    assert.equal(status, 200, `${old} to ${size}: ${body}`);
    const opened = openNote(noteAt(size) + body, [readVkey(witness.signer.vkey) as Verifier]);
    assert.ok(typeof opened === "object" && opened.cosignedMs === START_MS);
    assert.equal(signedCheckpoints(witness), noteAt(size) + body);
  }
});

test("a witness refuses everything else, and remembers what it had", () => {
  const witness = witnessOf();
  assert.equal(addCheckpoint(requestOf(0, 8), witness).status, 200);
  const other = leaves.map((leaf) => leafHash(leaf));
  const cases: readonly [string, string, number][] = [
    ["a rollback", requestOf(0, 3), 409],
    ["a size that it has not seen", requestOf(5, 9), 409],
    ["another tree of the same size", requestOf(8, 8, noteAt(8, other)), 409],
    ["a history that forks", requestOf(8, 20, noteAt(20, other)), 422],
    ["a missing proof", `old 8\n\n${noteAt(20)}`, 422],
    ["another log", requestOf(8, 20, noteAt(20, leaves, rootKey, "other.example/log")), 404],
    ["another key", requestOf(8, 20, noteAt(20, leaves, otherKey)), 403],
    ["a broken signature", requestOf(8, 20, noteAt(20).replace("\n20\n", "\n21\n")), 403],
    ["an old size beyond the new", `old 30\n\n${noteAt(20)}`, 400],
    ["nonsense", "hello", 400],
    ["a leading zero", requestOf(8, 20).replace("old 8", "old 08"), 400],
    ["a proof that is no hashes", `old 8\nAAAA\n\n${noteAt(20)}`, 400],
  ];
  for (const [what, request, status] of cases)
    assert.equal(addCheckpoint(request, witness).status, status, what);
  assert.equal(addCheckpoint(requestOf(0, 3), witness).body, "8\n");
  assert.equal(addCheckpoint(requestOf(8, 20), witness).status, 200);
});

test("a log and its witness go on together over restarts of the log", async () => {
  const witness = witnessOf();
  const disk = new MemoryDisk();
  const statuses: number[] = [];
  const conflicts: string[] = [];
  let n = 0;
  let fromDisk = 0;
  for (let start = 0; start < 3; start++) {
    let grow = (_leaf: Buffer): void => {};
    const { journal, anchors } = openLog(disk, { onLeaf: (leaf) => grow(leaf) });
    const client = new WitnessClient({
      post: async (body) => {
        const answer = addCheckpoint(body, witness);
        statuses.push(answer.status);
        return answer;
      },
      proveFrom(old, size) {
        fromDisk++;
        return hashesOf(disk, journal.logId, consistencyRanges(old, size), old, size);
      },
      onCosigned: () => {},
      onConflict: (problem) => conflicts.push(problem),
    });
    grow = (leaf) => client.grow(leaf);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 7; i++) journal.event(eventAt(++n), sourceAt(n));
      journal.commit();
      journal.checkpoint();
      client.show(anchors.at(-1)!, journal.checkpointSize, journal);
      await new Promise(setImmediate);
      // After a start the first is refused, and says what the witness has.
      if (client.seenSize !== journal.size) client.show(anchors.at(-1)!, journal.checkpointSize, journal);
      await new Promise(setImmediate);
      assert.equal(client.seenSize, journal.size);
    }
    journal.close();
  }
  assert.deepEqual(conflicts, []);
  // Once after each start but the first: then the proof is gathered while the log grows.
  assert.equal(fromDisk, 2);
  assert.equal(statuses.filter((status) => status === 200).length, 9);
  assert.ok(statuses.every((status) => status === 200 || status === 409));
});

test("a log that was taken back is told by its witness", async () => {
  const witness = witnessOf();
  const disk = new MemoryDisk();
  const first = openLog(disk);
  const early = disk.copy();
  const conflicts: string[] = [];
  const show = async ({ journal, anchors }: ReturnType<typeof openLog>, of: MemoryDisk) => {
    const client = new WitnessClient({
      post: async (body) => addCheckpoint(body, witness),
      proveFrom: (old, size) => hashesOf(of, journal.logId, consistencyRanges(old, size), old, size),
      onCosigned: () => {},
      onConflict: (problem) => conflicts.push(problem),
    });
    journal.commit();
    journal.checkpoint();
    for (let attempt = 0; attempt < 2; attempt++) {
      client.show(anchors.at(-1)!, journal.checkpointSize, journal);
      await new Promise(setImmediate);
    }
  };
  for (let n = 1; n <= 20; n++) first.journal.event(eventAt(n), sourceAt(n));
  await show(first, disk);
  assert.deepEqual(conflicts, []);
  await show(openLog(early), early);
  assert.match(conflicts[0]!, /^a witness has seen 22 records, there are \d+$/);
});

test("a segment that cannot be read ends no witnessing, and nobody's process", async () => {
  const { journal, anchors } = openLog(new MemoryDisk());
  const answers = [
    { status: 409, body: "1" },
    { status: 200, body: signerOf(otherKey).sign("seen") },
  ];
  let reads = 0;
  const client = new WitnessClient({
    post: async () => answers.shift()!,
    proveFrom() {
      if (reads++ === 0) throw new Error("EIO: i/o error, read");
      return [];
    },
    onCosigned: () => {},
    onConflict: (problem) => assert.fail(problem),
  });
  for (let n = 1; n <= 8; n++) journal.event(eventAt(n), sourceAt(n));
  journal.commit();
  journal.checkpoint();
  for (let attempt = 0; attempt < 3; attempt++) {
    client.show(anchors.at(-1)!, journal.checkpointSize, journal);
    await new Promise(setImmediate);
  }
  assert.deepEqual([reads, client.failures, client.seenSize], [2, 2, journal.size]);
  journal.close();
});

test("whatever a witness answers instead of a signature is a failure with a reason, and nothing of it is kept", async () => {
  const { journal, anchors } = openLog(new MemoryDisk());
  const cosigned: string[] = [];
  let answer: () => Promise<{ readonly status: number; readonly body: string }>;
  const client = new WitnessClient({
    post: () => answer(),
    proveFrom: () => [],
    onCosigned: (note) => cosigned.push(note),
    onConflict: (problem) => assert.fail(problem),
  });
  const line = signerOf(otherKey).sign("anything");
  const cases: readonly (readonly [status: number, body: string, problem: string])[] = [
    [200, "", "it says 200 without a signature"],
    [200, "yes", "it says 200 without a signature"],
    [200, `${line}yes\n`, "it says 200 without a signature"],
    [200, `\n${line}`, "it says 200 without a signature"],
    [200, line.slice(0, -1), "it says 200 without a signature"],
    [409, "", "it says 409 without a size"],
    [409, "-1\n", "it says 409 without a size"],
    [409, "1e2\n", "it says 409 without a size"],
    [500, "", "it says 500"],
    [200, line, ""],
    [409, "1\n", `it has seen 1 records, and had ${journal.size}`],
    [200, line, ""],
  ];
  let failures = 0;
  for (const [status, body, problem] of cases) {
    answer = async () => ({ status, body });
    client.show(anchors.at(-1)!, journal.size, journal);
    await new Promise(setImmediate);
    failures += problem === "" ? 0 : 1;
    assert.deepEqual([client.problem, client.failures], [problem, failures], `${status} ${body}`);
  }
  answer = () => Promise.reject(new Error("an answer of more than 10000 bytes"));
  client.show(anchors.at(-1)!, journal.size, journal);
  await new Promise(setImmediate);
  assert.equal(client.problem, "an answer of more than 10000 bytes");
  assert.deepEqual(cosigned, [anchors.at(-1)! + line, anchors.at(-1)! + line]);
  journal.close();
});

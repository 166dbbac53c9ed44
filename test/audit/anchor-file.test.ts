import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { appendAnchor, readAnchors } from "../../src/audit/anchor-file.ts";
import { splitNotes } from "../../src/audit/note.ts";
import { policyOf } from "../../src/audit/policy.ts";
import { isTorn, splitNotesAndRest } from "../../src/audit/torn-note.ts";
import { type Verification, verifyDirectory } from "../../src/audit/verify.ts";
import { newDirectory } from "../support/directory.ts";
import { eventAt, MemoryDisk, openLog, rootKey, START_MS, signerOf, sourceAt } from "./test-log.ts";

const disk = new MemoryDisk();
const { journal, anchors } = openLog(disk);
for (let n = 1; n <= 3; n++) {
  journal.event(eventAt(n), sourceAt(n));
  journal.commit();
  journal.checkpoint();
}
journal.close();
const [first, torn, next] = anchors.map((note) => Buffer.from(note));

/** Every length where the note's parts meet, and some between. */
const signatureAt = torn!.indexOf("\n\n") + 2;
const cuts = Array.from(torn!.keys()).filter(
  (length) =>
    length > 0 &&
    (length % 7 === 0 ||
      Math.abs(length - signatureAt) < 8 ||
      length > torn!.length - 3 ||
      torn![length - 1] === 10),
);

function fileWith(...parts: readonly Uint8Array[]): string {
  const folder = newDirectory("anchor");
  const file = path.join(folder, "zion.notes");
  writeFileSync(file, Buffer.concat(parts));
  return file;
}

function verify(given: readonly string[], strict = false): Verification {
  return verifyDirectory({
    disk,
    policy: policyOf([signerOf(rootKey).vkey]),
    roots: [rootKey],
    anchors: given,
    nowMs: START_MS,
    unanchoredMaxMs: 60_000,
    strict,
  });
}

test("wherever a crash cuts off a note, the next one is read, and what was torn is told", () => {
  for (const length of cuts) {
    const file = fileWith(first!, torn!.subarray(0, length));
    const before = readFileSync(file);
    appendAnchor(file, next!.toString());
    const after = readFileSync(file);
    const what = JSON.stringify(after.toString());
    assert.deepEqual(after.subarray(0, before.length), before, "nothing is taken out");
    assert.equal(readAnchors(file).at(-1), next!.toString(), what);
    appendAnchor(file, next!.toString());
    assert.equal(readFileSync(file).length, after.length + next!.length, "one that is whole stands as it is");

    const { exitCode, logs } = verify(splitNotesAndRest(after.toString()));
    const { findings, anchored } = logs[0]!;
    const isWhole = length === torn!.length - 1;
    assert.equal(exitCode, 0, what);
    assert.equal(anchored, Number(next!.toString().split("\n")[1]), what);
    assert.deepEqual(new Set(findings.map(({ name }) => name)), new Set(isWhole ? [] : ["recovered"]), what);
    const strict = verify(splitNotesAndRest(after.toString()), true).exitCode;
    assert.equal(strict, isWhole ? 0 : 7, what);
  }
});

test("a note that is torn at the end of the file is told, too", () => {
  for (let length = 1; length < torn!.length; length++) {
    const text = Buffer.concat([first!, torn!.subarray(0, length)]).toString();
    const [finding] = verify(splitNotesAndRest(text)).logs[0]!.findings;
    assert.equal(finding?.name, "recovered", text);
    assert.match(finding!.detail, /^a checkpoint of an anchor: it is torn, \d+ bytes of it are there$/);
  }
});

test("what was changed is no torn note", () => {
  const whole = next!.toString();
  const bent = whole.at(-20);
  for (const changed of [
    whole.replace(/.=\n$/, "!=\n"),
    `${whole.slice(0, -20)}${bent === "A" ? "B" : "A"}${whole.slice(-19)}`,
    "# A file of somebody\n\n",
    whole.replace("\n\n", "\n"),
  ]) {
    assert.equal(isTorn(changed), false, changed);
    assert.equal(verify([first!.toString(), changed]).exitCode, 2, changed);
  }
  for (const note of splitNotes(anchors.join(""))) assert.equal(isTorn(note), false);
});

test("verify says over a file what was torn in it, and so does the second verifier", () => {
  const file = fileWith(first!, torn!.subarray(0, torn!.length - 30));
  appendAnchor(file, next!.toString());
  const folder = path.dirname(file);
  const directory = path.join(folder, "log");
  const key = path.join(folder, "key");
  writeFileSync(key, Buffer.alloc(32, 1));
  execFileSync("mkdir", [directory]);
  for (const [name, bytes] of disk.files) writeFileSync(path.join(directory, name), bytes);
  const zion = path.resolve(import.meta.dirname, "../../bin/zion.js");
  const args = [
    "audit",
    "verify",
    "-d",
    directory,
    "--key",
    key,
    "--anchor",
    file,
    "--max-unanchored",
    "999999999",
  ];
  const told = execFileSync(process.execPath, [zion, ...args], { encoding: "utf8" });
  assert.match(
    told,
    /RECOVERED: record \d+: a checkpoint of an anchor: it is torn, \d+ bytes of it are there/,
  );
  const verifier = path.join(import.meta.dirname, "verifier.py");
  const said = execFileSync("python3", [verifier, directory, Buffer.alloc(32, 1).toString("hex"), file], {
    encoding: "utf8",
  });
  assert.equal(said.trim(), "0");
});

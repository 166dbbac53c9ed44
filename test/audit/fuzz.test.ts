import assert from "node:assert/strict";
import { test } from "node:test";
import { openNote, readVkey, splitNotes, type Verifier } from "../../src/audit/note.ts";
import { policyOf, readPolicy } from "../../src/audit/policy.ts";
import { verifyDirectory } from "../../src/audit/verify.ts";
import { Xorshift } from "../../src/std/xorshift.ts";
import {
  eventAt,
  MemoryDisk,
  openLog,
  rootKey,
  START_MS,
  signerOf,
  sourceAt,
  testClock,
} from "./test-log.ts";

/** `npm run prove:audit` does a million. */
const executions = Number(process.env["AUDIT_FUZZ"] ?? 1000);

test("the verifier neither fails at nor accepts a log that was mutated", () => {
  const disk = new MemoryDisk();
  const { journal, anchors } = openLog(disk, { clock: testClock() });
  for (let n = 1; n <= 5; n++) journal.event(eventAt(n), sourceAt(n));
  journal.about("drop", { count: 2, from: 6, to: 7 }, sourceAt(7));
  journal.close();
  const file = disk.list().find((name) => name.endsWith(".ndjson"))!;
  const sound = disk.files.get(file)!;
  const policy = policyOf([signerOf(rootKey).vkey]);
  const random = new Xorshift(Number(process.env["AUDIT_FUZZ_SEED"] ?? 1));
  const given = { anchors: anchors.slice(-1), nowMs: START_MS, unanchoredMaxMs: 60_000, strict: true };
  let mutated = 0;
  for (let i = 0; i < executions; i++) {
    const bytes = mutate(sound, random);
    if (bytes.equals(sound)) continue;
    mutated++;
    disk.files.set(file, bytes);
    const roots = i % 2 === 0 ? [rootKey] : [];
    const { exitCode } = verifyDirectory({ ...given, disk, policy, roots });
    assert.notEqual(exitCode, 0, `execution ${i}: ${bytes.toString("base64")}`);
  }
  assert.ok(mutated > executions / 2);
});

test("notes, keys and policies of any bytes are read or refused, never a failure", () => {
  const signer = signerOf(rootKey);
  const key = readVkey(signer.vkey) as Verifier;
  const text = "a.test/audit/0190f7c2aa00deadbeef\n5\nAAAA\n";
  const sound = Buffer.from(`${text}\n${signer.sign(text)}`);
  const policy = Buffer.from(JSON.stringify({ keys: [{ vkey: signer.vkey }], witnesses: [], quorum: 0 }));
  const random = new Xorshift(2);
  for (let i = 0; i < executions; i++) {
    const note = mutate(sound, random).toString("utf8");
    const opened = openNote(note, [key]);
    // Another text is signed by nobody.
    if (typeof opened === "object" && opened.text !== text) assert.equal(opened.signedBy.length, 0);
    splitNotes(note);
    readPolicy(mutate(policy, random).toString("utf8"));
    readVkey(mutate(Buffer.from(signer.vkey), random).toString("utf8"));
  }
});

/** One to four small changes: a bit, a byte, a piece cut out, doubled, moved or made of what parsers dislike. */
function mutate(sound: Buffer, random: Xorshift): Buffer {
  let bytes = Buffer.from(sound);
  for (let count = random.below(4); count >= 0; count--) {
    const at = random.below(bytes.length + 1);
    const length = random.below(40);
    const piece = bytes.subarray(at, at + length);
    switch (random.below(6)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = random.below(256);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
        break;
      case 4: {
        const to = random.below(bytes.length + 1);
        bytes = Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)]);
        break;
      }
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), ODD[random.below(ODD.length)]!, bytes.subarray(at)]);
    }
  }
  return bytes;
}

const ODD = [
  "\n",
  "\r\n",
  "\0",
  '"__proto__":{"x":1},',
  "9007199254740993",
  "1e999",
  '"seq":-1,',
  "{".repeat(50),
  "\u2014 ",
  "\ufffd",
].map((text) => Buffer.from(text));

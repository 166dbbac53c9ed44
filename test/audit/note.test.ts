import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { checkpointText, parseCheckpoint } from "../../src/audit/checkpoint.ts";
import { cosigner, noteSigner, openNote, readVkey, splitNotes, type Verifier } from "../../src/audit/note.ts";

const origin = "edge.example/audit/0190f7c2aa00deadbeef";
const log = noteSigner("edge.example/audit", generateKeyPairSync("ed25519").privateKey);
const witness = cosigner(
  "witness.example/w1",
  generateKeyPairSync("ed25519").privateKey,
  () => 1_700_000_000_000,
);
const keys = [log, witness].map(({ vkey }) => readVkey(vkey) as Verifier);
const text = checkpointText({ origin, size: 98_124, root: Buffer.alloc(32, 7) });
const note = `${text}\n${log.sign(text)}`;

test("the verifier key of the C2SP specification reads, and its note opens", () => {
  // The example of signed-note (https://c2sp.org/signed-note), from Go's golang.org/x/mod/sumdb/note.
  const key = readVkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW") as Verifier;
  const example =
    "If you think cryptography is the answer to your problem,\n" +
    "then you don't know what your problem is.\n\n" +
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
  const opened = openNote(example, [key]);
  assert.ok(typeof opened === "object");
  assert.deepEqual(opened.signedBy, [key]);
});

test("a checkpoint signed by the log and seen by a witness says both", () => {
  const opened = openNote(note + witness.sign(text), keys);
  assert.ok(typeof opened === "object");
  assert.deepEqual(opened.signedBy, keys);
  assert.equal(opened.cosignedMs, 1_700_000_000_000);
  assert.deepEqual(parseCheckpoint(opened.text), { origin, size: 98_124, root: Buffer.alloc(32, 7) });
});

test("signatures of unknown keys are passed over, a bad one of a known key refuses the note", () => {
  const other = noteSigner("other.example", generateKeyPairSync("ed25519").privateKey);
  const opened = openNote(note + other.sign(text), keys);
  assert.ok(typeof opened === "object" && opened.signedBy.length === 1);
  assert.equal(
    openNote(text.replace("98124", "98125") + note.slice(text.length), keys),
    "the signature of edge.example/audit is wrong",
  );
  const late = witness.sign(text.replace("98124", "1"));
  assert.equal(openNote(note + late, keys), "the signature of witness.example/w1 is wrong");
});

test("what is no note is refused", () => {
  for (const bad of [
    "",
    "text\n",
    `${note.slice(0, -1)}`,
    `${note}\u0007`,
    `${note}— x notbase64!\n`,
    note.replace("— ", "- "),
  ])
    assert.equal(typeof openNote(bad, keys), "string", JSON.stringify(bad.slice(-20)));
});

test("a checkpoint has a size without leading zeros and a root of 32 bytes", () => {
  const root = Buffer.alloc(32).toString("base64");
  for (const bad of [
    `o\n01\n${root}\n`,
    `o\n-1\n${root}\n`,
    `o\n1e3\n${root}\n`,
    `o\n9007199254740993\n${root}\n`,
    `\n1\n${root}\n`,
    "o\n1\nAAAA\n",
    `o\n1\n${root}`,
  ])
    assert.equal(parseCheckpoint(bad), undefined, bad);
});

test("notes in a file are found again, without one that was cut off", () => {
  const signed = note + witness.sign(text);
  assert.deepEqual(splitNotes(note + signed + note), [note, signed, note]);
  assert.deepEqual(splitNotes(note + signed.slice(0, -3)), [note]);
  assert.deepEqual(splitNotes(""), []);
});

test("a verifier key whose id is not its own is refused", () => {
  const [, name, id, key] = /^([^+]+)\+([^+]+)\+(.+)$/.exec(log.vkey)!;
  assert.equal(readVkey(`${name}+00000000+${key}`), "its id is not that of the key");
  assert.equal(typeof readVkey(`${name}+${id}+AAAA`), "string");
  assert.equal(typeof readVkey("nothing"), "string");
});

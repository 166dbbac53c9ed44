import assert from "node:assert/strict";
import { test } from "node:test";
import { StoredAnswer } from "../../src/cache/stored-answer.ts";
import { type BodyPart, StoredSource } from "../../src/cache/stored-source.ts";

/** Of an answer with nothing in it. */
const place = {
  key: Buffer.alloc(1),
  hash: 0,
  profile: "",
  upstream: "",
  vary: [],
  variant: "",
  tags: [],
};
const head = {
  status: 200,
  bytes: Buffer.alloc(0),
  reasonEnd: 0,
  fields: new Int32Array(0),
  fieldCount: 0,
};

test("a client that wants a later part first still gets the earlier one of an answer that is not kept", () => {
  const bytes = Buffer.from(Array.from({ length: 400_000 }, (_, at) => (at >>> 8) & 0xff));
  const answer = new StoredAnswer(place, head, {} as never, bytes.length);
  // Pieces as they come where the length is not known.
  answer.length = -1;
  for (let at = 0; at < 300_000; at += 50_000) answer.append(bytes, at, at + 50_000);
  const got: Buffer[] = [];
  let takes = false;
  let ended = false;
  const owner = {
    onAnswerBody: (piece: Buffer, start: number, end: number) => {
      got.push(Buffer.from(piece.subarray(start, end)));
      return takes;
    },
    onAnswerFlush: () => takes,
    onAnswerEnd: () => {
      ended = true;
    },
    onSourceFault: assert.fail,
  };
  const parts: readonly BodyPart[] = [
    { start: 250_000, end: 250_010 },
    { bytes: Buffer.from("--") },
    { start: 10, end: 20 },
  ];
  const source = new StoredSource(owner, answer, parts);
  source.resume();
  answer.trim(source.offset);
  takes = true;
  source.resume();
  assert.ok(ended);
  const wanted = [bytes.subarray(250_000, 250_010), Buffer.from("--"), bytes.subarray(10, 20)];
  assert.deepEqual(Buffer.concat(got), Buffer.concat(wanted));
});

test("what clients and upstreams choose of an entry counts: its variant, its tags, its fields", () => {
  const plain = new StoredAnswer(place, head, {} as never, 0).bytes;
  const tags = Array.from({ length: 32 }, (_, i) => `${i}`.padEnd(128, "t"));
  const large = new StoredAnswer(
    { ...place, variant: "v".repeat(2048), tags },
    { ...head, fields: new Int32Array(600) },
    {} as never,
    0,
  ).bytes;
  assert.ok(large - plain >= 2048 + 32 * 128 + 2400, `${large - plain}`);
  assert.ok(plain >= 2000);
});

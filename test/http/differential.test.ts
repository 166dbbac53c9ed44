import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { BODY_CHUNKED, BODY_LENGTH } from "../../src/http/request.ts";
import { chunkedCases } from "../conformance/chunked.cases.ts";
import { fieldCases } from "../conformance/fields.cases.ts";
import { framingCases } from "../conformance/framing.cases.ts";
import { requestLineCases } from "../conformance/request-line.cases.ts";
import { arbitraryHead, damagedHead } from "../support/arbitrary-head.ts";
import { type AcceptedHead, readAsHead } from "../support/head-reading.ts";
import { readWithLlhttp } from "../support/llhttp.ts";
import { needsShared, readCorpus } from "../support/shared.ts";

// Whatever we accept, Node's own parser (llhttp, strict) accepts too, and reads the same method, target, field list,
// body and connection fate. A second request follows each message: where it starts is where the body ended.

test("reads what llhttp reads: generated heads", () => {
  const count = agreeOn(arbitraryHead(), 3000);
  assert.ok(count > 1000, `only ${count} heads were accepted`);
});

test("reads what llhttp reads: damaged heads", () => {
  const count = agreeOn(damagedHead(), 10_000);
  assert.ok(count > 1000, `only ${count} heads were accepted`);
});

test("reads what llhttp reads: conformance cases", () => {
  const cases = [...requestLineCases, ...fieldCases, ...framingCases, ...chunkedCases];
  const accepted = cases.filter(({ bytes }) => agree(Buffer.from(bytes, "latin1"))).length;
  assert.ok(cases.length >= 300 && accepted >= 60, `${accepted} of ${cases.length} accepted`);
});

test("reads what llhttp reads: desync corpus", (t) => {
  const folder = needsShared(t);
  if (folder === undefined) return;
  const lines = readFileSync(path.join(folder, "corpora/desync.jsonl"), "utf8").trim().split("\n");
  let accepted = 0;
  for (const line of lines) {
    const { raw_b64 } = JSON.parse(line) as { raw_b64: string };
    if (agree(Buffer.from(raw_b64, "base64"))) accepted++;
  }
  assert.equal(lines.length, 267);
  t.diagnostic(`${accepted} of ${lines.length} accepted by us`);
});

test("reads what llhttp reads: recorded browsing", (t) => {
  const folder = needsShared(t);
  if (folder === undefined) return;
  const cases = readCorpus(folder, "benign-browsing.jsonl");
  let accepted = 0;
  for (const one of cases) {
    const fields = one.headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const head = Buffer.from(`${one.method} ${one.target} HTTP/1.1\r\n${fields}\r\n`, "latin1");
    if (agree(Buffer.concat([head, Buffer.from(one.body_b64, "base64")]))) accepted++;
  }
  assert.equal(accepted, 3999);
});

/** A tab after the coding is optional white space (RFC 9110 §5.5); llhttp refuses it, we print it canonically. */
const toleratedByUs = /\r\ntransfer-encoding:[ \t]*chunked *\t/i;

function agreeOn(heads: fc.Arbitrary<string>, numRuns: number): number {
  let accepted = 0;
  fc.assert(
    fc.property(heads, (text) => {
      if (agree(Buffer.from(text, "latin1"))) accepted++;
    }),
    { numRuns },
  );
  return accepted;
}

/** Whether we accept the head at the start of `bytes`; throws when llhttp then reads it otherwise. */
function agree(bytes: Buffer): boolean {
  const ours = readAsHead(bytes);
  if (ours.outcome !== "accepted") return false;
  const body = bodyFor(ours);
  const followed = ours.keepAlive && !ours.upgrade;
  const next = followed ? "GET /next HTTP/1.1\r\nHost: next\r\n\r\n" : "";
  const message = Buffer.concat([bytes.subarray(0, ours.bytes), body.wire, Buffer.from(next)]);
  const theirs = readWithLlhttp(message);
  const where = message.toString("latin1");
  // An upgrade request hands the connection over: llhttp stops there, and so do we.
  if (toleratedByUs.test(where)) return true;
  if (!ours.upgrade) assert.equal(theirs.error, undefined, where);
  const [first, second] = theirs.messages;
  assert.ok(first !== undefined, where);
  assert.equal(first.method, ours.method, where);
  assert.equal(first.target, targetOf(bytes), where);
  assert.equal(first.target.length, ours.targetBytes, where);
  assert.equal(first.version, ours.version, where);
  assert.deepEqual(first.fields, ours.fields, where);
  assert.equal(first.complete, true, where);
  assert.equal(first.body.toString("latin1"), body.decoded, where);
  // `close` wins over `keep-alive` (RFC 9112 §9.3), which llhttp does not see in HTTP/1.0. Never the other way round.
  if (followed) assert.equal(first.keepAlive, true, where);
  if (followed) assert.equal(second?.target, "/next", where);
  assert.equal(theirs.messages.length, followed ? 2 : 1, where);
  return true;
}

/** Body bytes by our framing. */
function bodyFor(head: AcceptedHead): { readonly wire: Buffer; readonly decoded: string } {
  if (head.body === BODY_CHUNKED)
    return { wire: Buffer.from("5;a=b\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"), decoded: "hello" };
  if (head.body !== BODY_LENGTH) return { wire: Buffer.alloc(0), decoded: "" };
  // Nothing on the wire is as long as a declared length may be.
  assert.ok(head.bodyLength < 1 << 20 || !Number.isNaN(head.bodyLength));
  const decoded = "x".repeat(Math.min(head.bodyLength, 1 << 21));
  return { wire: Buffer.from(decoded), decoded };
}

function targetOf(bytes: Buffer): string {
  const line = bytes
    .toString("latin1")
    .replace(/^\r?\n/, "")
    .split("\r\n", 1)[0]!;
  return line.split(" ")[1]!;
}

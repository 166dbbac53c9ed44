import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  isChosen,
  isSampled,
  isTraceparent,
  isTracestate,
  markSampled,
  TRACEPARENT_BYTES,
  writeTraceparent,
} from "../../src/http/trace.ts";
import { openRandomPool } from "../../src/std/random-pool.ts";

const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const span = "00f067aa0ba902b7";

function spanOf(text: string): [Buffer, number, number] {
  const source = Buffer.from(`00-${text}-00`, "latin1");
  return [source, 3, source.length - 3];
}

test("a W3C traceparent of version 00 is kept", () => {
  for (const flags of ["00", "01", "02", "ff"])
    assert.equal(isTraceparent(...spanOf(`00-${trace}-${span}-${flags}`)), true);
});

test("a traceparent that is not exactly that is malformed", () => {
  for (const text of [
    "",
    `01-${trace}-${span}-01`,
    `cc-${trace}-${span}-01-what-the-future-will-be-like`,
    `ff-${trace}-${span}-01`,
    `00-${"0".repeat(32)}-${span}-01`,
    `00-${trace}-${"0".repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${trace}-${span}-0G`,
    `00-${trace}-${span}-0`,
    `00-${trace}-${span}-011`,
    `00-${trace}-${span}-01-extra`,
    `00_${trace}_${span}_01`,
    `00-${trace.slice(1)}--${span}-01`,
    ` ${good.slice(1)}`,
    "a".repeat(200),
  ]) {
    assert.equal(isTraceparent(...spanOf(text)), false, text);
  }
});

test("one changed byte of a traceparent is judged as the specification's grammar judges it", () => {
  const grammar = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
  fc.assert(
    fc.property(fc.nat(54), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const changed = good.slice(0, at) + String.fromCharCode(byte) + good.slice(at + 1);
      assert.equal(isTraceparent(...spanOf(changed)), grammar.test(changed), changed);
    }),
    { numRuns: 3_000 },
  );
});

test("a new traceparent is well-formed, sampled, and differs from the one before in both ids", () => {
  const pool = openRandomPool();
  const out = Buffer.alloc(60, "!");
  let before = "";
  for (let count = 0; count < 1_000; count++) {
    const end = writeTraceparent(out, 2, pool);
    assert.equal(end, 2 + TRACEPARENT_BYTES);
    assert.equal(isTraceparent(out, 2, end), true);
    const text = out.toString("latin1", 2, end);
    assert.ok(text.endsWith("-01"));
    assert.notEqual(text.slice(3, 35), before.slice(3, 35));
    assert.notEqual(text.slice(36, 52), before.slice(36, 52));
    before = text;
  }
  assert.equal(out.toString("latin1", 57), "!!!");
});

test("a tracestate of up to 32 members in 512 bytes is kept", () => {
  for (const text of [
    "",
    "rojo=00f067aa0ba902b7",
    "rojo=1,congo=t61rcWkgMzE",
    "a=1 ,\tb=2, ,c=3,",
    "fw529a3039@dt=FfAw-~!:;x",
    "0a/b*c_d-e=x y",
    Array.from({ length: 32 }, (_, index) => `k${index}=v`).join(","),
    `${"k".repeat(255)}=${"v".repeat(256)}`,
  ]) {
    assert.equal(isTracestate(...spanOf(text)), true, text);
  }
});

test("a tracestate with more members, more bytes or other characters is dropped", () => {
  for (const text of [
    "a",
    "=1",
    "a=",
    "a=1=2",
    "A=1",
    "a b=1",
    "a=\x01",
    "a=\x80",
    'a"=1',
    "a=1,b",
    Array.from({ length: 33 }, (_, index) => `k${index}=v`).join(","),
    ",".repeat(32),
    `a=1,${"k".repeat(253)}=${"v".repeat(255)}`,
    `${"k".repeat(257)}=v`,
    `k=${"v".repeat(257)}`,
  ]) {
    assert.equal(isTracestate(...spanOf(text)), false, text);
  }
});

test("the sampled flag is set and cleared without touching the others", () => {
  for (const [flags, set, cleared] of [
    ["00", "01", "00"],
    ["01", "01", "00"],
    ["02", "03", "02"],
    ["ff", "ff", "fe"],
  ]) {
    for (const sampled of [true, false]) {
      const bytes = Buffer.from(`00-${trace}-${span}-${flags}`, "latin1");
      markSampled(bytes, 0, sampled);
      assert.equal(bytes.toString("latin1"), `00-${trace}-${span}-${sampled ? set : cleared}`);
      assert.equal(isSampled(bytes, 0), sampled);
    }
  }
});

test("a trace is chosen by the last 32 bits of its id, as a number would be", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.integer({ min: 0, max: 2 ** 32 }),
      (word, below) => {
        const id = `${"a".repeat(24)}${word.toString(16).padStart(8, "0")}`;
        assert.equal(isChosen(Buffer.from(`00-${id}-${span}-01`), 0, below), word < below);
      },
    ),
  );
});

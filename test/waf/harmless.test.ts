import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { buildAutomaton, type Literal } from "../../src/waf/automaton.ts";
import { decodeBase64 } from "../../src/waf/decode/base64.ts";
import { BACKSLASH, buildByteFlags, flagsOf, PERCENT } from "../../src/waf/harmless.ts";

const characters = "0123456789 -.:,_@~";
const text = (min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: min, maxLength: max });

function flags(literals: readonly Literal[], value: string): number {
  const bytes = Buffer.from(value, "latin1");
  return flagsOf(buildByteFlags(literals), bytes, 0, bytes.length);
}

test("numbers, dates and addresses are harmless, words and markup are not", () => {
  for (const value of ["4711", "2026-01-31 12:00:00", "-3.5", "192.0.2.1", ""])
    assert.equal(flags([], value), 0, value);
  for (const value of ["union", "1=1", "a", "<", "\xe9", "1\n2", "1%", "\0"])
    assert.notEqual(flags([], value), 0, value);
});

test("the flags say which decoders could have something to do", () => {
  const found = flags([], "a%20b\\u0041");
  assert.equal(found & (PERCENT | BACKSLASH), PERCENT | BACKSLASH);
});

test("a harmless value has no literal, whatever the literals are", () => {
  const literals = fc.array(fc.record({ text: text(1, 4), target: fc.constant(0) }), { maxLength: 8 });
  fc.assert(
    fc.property(literals, text(0, 40), (list, value) => {
      if (flags(list, value) !== 0) return;
      const automaton = buildAutomaton(list, 1);
      const hits = new Uint32Array(automaton.hitWords);
      automaton.scan(Buffer.from(value), 0, value.length, hits);
      assert.equal(hits[0], 0);
    }),
    { numRuns: 500 },
  );
});

test("a harmless value has no two ASCII characters in a row in base64", () => {
  fc.assert(
    fc.property(text(8, 60), (value) => {
      const bytes = Buffer.from(value);
      const decoded = Buffer.alloc(bytes.length);
      const length = decodeBase64(bytes, 0, bytes.length, decoded);
      for (let at = 1; at < length; at++)
        assert.ok(decoded[at - 1]! >= 0x80 || decoded[at]! >= 0x80 || decoded[at] === 0x0a, value);
    }),
    { numRuns: 500, examples: [["050087600"]] },
  );
});

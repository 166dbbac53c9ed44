import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { buildAutomaton, type Literal } from "../../src/waf/automaton.ts";

/** The plain form: which targets have a literal in the text. */
function naive(literals: readonly Literal[], text: string): number[] {
  const lower = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const found = literals.filter((literal) => {
    const wanted = literal.text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    if (literal.word !== true) return lower.includes(wanted);
    for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + 1))
      if (
        !/(?:[g-z]|(?<!0x[0-9a-f]*|[0-9.](?=[d-f]))[a-f])$/.test(lower.slice(0, at)) &&
        !/[a-z]/.test(lower[at + wanted.length] ?? "")
      )
        return true;
    return false;
  });
  return [...new Set(found.map(({ target }) => target))].sort((a, b) => a - b);
}

function targetsOf(hits: Uint32Array): number[] {
  const found: number[] = [];
  for (let target = 0; target < hits.length * 32; target++)
    if ((hits[target >>> 5]! & (1 << (target & 31))) !== 0) found.push(target);
  return found;
}

// Few letters, so that literals overlap, nest and share suffixes.
const word = (min: number, max: number) =>
  fc.string({
    unit: fc.constantFrom("a", "B", "b", "A", "<", "\xe9", "\0", "\xc9"),
    minLength: min,
    maxLength: max,
  });
const literalSet = fc.array(
  fc.record({ text: word(1, 6), target: fc.integer({ min: 0, max: 70 }), word: fc.boolean() }),
  {
    maxLength: 40,
  },
);

test("finds exactly the literals that a naive search finds, in any case of ASCII letters", () => {
  fc.assert(
    fc.property(literalSet, word(0, 60), (literals, text) => {
      const automaton = buildAutomaton(literals, 71);
      const hits = new Uint32Array(automaton.hitWords);
      automaton.scan(Buffer.from(text, "latin1"), 0, text.length, hits);
      assert.deepEqual(targetsOf(hits), naive(literals, text));
    }),
    { numRuns: 500 },
  );
});

test("a word may stand behind the letters of a number", () => {
  const unit = fc.constantFrom("0x", "1", "f", "D", "or", "OR", ".", "e", "a", "g", " ");
  const automaton = buildAutomaton([{ text: "or", target: 0, word: true }], 1);
  const hitsOf = (text: string) => {
    const hits = new Uint32Array(1);
    automaton.scan(Buffer.from(text, "latin1"), 0, text.length, hits);
    return targetsOf(hits);
  };
  for (const text of ["0x1for 1", "0XAFor", "1dor", "1.for", "2eor"])
    assert.deepEqual(hitsOf(text), [0], text);
  for (const text of ["0xor", "x1aor", "1gor", "for", "dor", "a0x", "1afor"])
    assert.deepEqual(hitsOf(text), [], text);
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 12 }), (units) => {
      const text = units.join("");
      assert.deepEqual(hitsOf(text), naive([{ text: "or", target: 0, word: true }], text));
    }),
    { numRuns: 2000 },
  );
});

test("looks at nothing outside of the range it is given", () => {
  const automaton = buildAutomaton([{ text: "secret", target: 0 }], 1);
  const hits = new Uint32Array(automaton.hitWords);
  automaton.scan(Buffer.from("xxsecretxx"), 0, 7, hits);
  automaton.scan(Buffer.from("xxsecretxx"), 3, 10, hits);
  assert.deepEqual(targetsOf(hits), []);
  automaton.scan(Buffer.from("xxsecretxx"), 2, 8, hits);
  assert.deepEqual(targetsOf(hits), [0]);
});

test("refuses an empty literal and a set that does not fit into its memory", () => {
  assert.throws(() => buildAutomaton([{ text: "", target: 0 }], 1), RangeError);
  const many = Array.from({ length: 3_000 }, (_, at) => ({
    text: `${at}${"abcdefghijklmnopqrstuvwxyz0123456789".repeat(6)}`,
    target: 0,
  }));
  assert.throws(() => buildAutomaton(many, 1), RangeError);
});

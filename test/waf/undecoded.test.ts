import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { kindsOfDetectors } from "../../src/waf/compile.ts";
import { UNCHANGED } from "../../src/waf/decode/decoder.ts";
import { decodeForm } from "../../src/waf/decode/percent.ts";
import { detectors } from "../../src/waf/detectors.ts";
import { parseRules } from "../../src/waf/parse-rules.ts";

const directory = path.resolve(import.meta.dirname, "../../rules");
const files = readdirSync(directory)
  .filter((name) => name.endsWith(".toml"))
  .map((name) => ({ file: name, text: readFileSync(path.join(directory, name), "utf8") }));
const { rules } = parseRules(files, new Set(kindsOfDetectors(detectors).keys()));
const literals = [
  ...detectors.flatMap(({ triggers, words = [] }) => [...triggers, ...words]),
  ...rules.flatMap((rule) => rule.literals),
].filter((literal) => !/[%+]/.test(literal));

test("a literal in a urlencoded value stands in the decoded one too, unless an escape reaches into it", () => {
  assert.ok(literals.length > 500);
  const bit = fc.oneof(
    fc.constantFrom("%", "%4", "%41", "%u", "%u00", "%u0041", "%zz", "%%", "+", "a", "4", "u", "/", "\xe9"),
    fc.constantFrom(...literals),
  );
  const bits = fc.array(bit, { maxLength: 6 }).map((list) => list.join(""));
  let kept = 0;
  fc.assert(
    fc.property(bits, fc.constantFrom(...literals), bits, (before, literal, after) => {
      const value = before + literal + after;
      const end = before.length + literal.length;
      for (const { index, 0: code } of value.matchAll(/%[0-9a-f]{2}|%u[0-9a-f]{4}/gi))
        if (index < end && index + code.length > before.length) return;
      const bytes = Buffer.from(value, "latin1");
      const decoded = Buffer.alloc(bytes.length);
      const length = decodeForm(bytes, 0, bytes.length, decoded);
      const text = length === UNCHANGED ? value : decoded.latin1Slice(0, length);
      assert.ok(text.includes(literal), value);
      kept++;
    }),
    { numRuns: 5000 },
  );
  assert.ok(kept > 1000);
});

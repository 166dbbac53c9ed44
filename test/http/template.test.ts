import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CanonicalRequest } from "../../src/http/request.ts";
import {
  facts,
  isTemplateProblem,
  namedFacts,
  parseTemplate,
  printTemplate,
} from "../../src/http/template.ts";

const scope = { route: "shop", params: new Map() };

test("what is written without facts comes out as it is, braces doubled", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const template = parseTemplate(text.replace(/[{}]/g, "$&$&"));
      assert.ok(!isTemplateProblem(template));
      assert.equal(printTemplate(template, new CanonicalRequest(), scope), text);
    }),
  );
});

test("every text is a template or has a problem at a place in it", () => {
  const piece = fc.constantFrom("{", "}", "{{", "}}", ":", "host", "header", "x", "{host}", "{header:a}");
  let good = 0;
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = pieces.join("");
      const template = parseTemplate(text);
      if (!isTemplateProblem(template)) {
        good++;
        return;
      }
      assert.ok(template.offset >= 0 && template.offset < text.length);
      assert.ok(template.problem !== "");
    }),
    { numRuns: 500 },
  );
  assert.ok(good > 20, `${good}`);
});

test("every fact has a value for a request that has nothing", () => {
  for (const fact of [...facts, ...namedFacts.map((word) => `${word}:x`)]) {
    const template = parseTemplate(`a{${fact}}b`);
    assert.ok(!isTemplateProblem(template), fact);
    // The memory where its trace would stand has never been written: any bytes.
    assert.match(printTemplate(template, new CanonicalRequest(), scope), /^a.*b$/s);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPatternProblem, parsePattern } from "../../src/route/pattern.ts";
import { pathTreeSteps, treeKey } from "../../src/route/tree.ts";
import { inOneGo } from "../../src/std/steps.ts";

function tree(...paths: string[]) {
  return inOneGo(
    pathTreeSteps(
      paths.map((path) => {
        const pattern = parsePattern(path);
        assert.ok(!isPatternProblem(pattern));
        return { pattern, value: path };
      }),
    ),
  );
}

test("an empty tree finds nothing", () => {
  assert.equal(tree().find(treeKey("/"), true), undefined);
  assert.equal(tree().find(treeKey("/a"), false), undefined);
});

test("the caller says whether the path had a trailing slash", () => {
  const both = tree("/a", "/a/");
  assert.equal(both.find(treeKey("/a"), false), "/a");
  assert.equal(both.find(treeKey("/a/"), true), "/a/");
});

test("paths that differ in more than a trailing slash have different keys", () => {
  const path = fc
    .array(fc.constantFrom("a", "/b", "%2F", "%25", "*", ":", "/c"), { maxLength: 6 })
    .map((p) => `/${p.join("")}`);
  fc.assert(
    fc.property(path, path, (one, other) => {
      const isSame = one.replace(/\/$/, "") === other.replace(/\/$/, "");
      assert.equal(treeKey(one) === treeKey(other), isSame);
    }),
  );
});

test("a thousand siblings and a hundred levels are found", () => {
  const wide = Array.from({ length: 1000 }, (_, index) => `/s${index}/{id}`);
  const deep = `/{p}/${"x/".repeat(100)}end`;
  const built = tree(...wide, deep);
  for (let index = 0; index < 1000; index++) {
    assert.equal(built.find(`/s${index}/7`, false), `/s${index}/{id}`);
  }
  assert.equal(built.find(`/s1/${"x/".repeat(100)}end`, false), deep);
});

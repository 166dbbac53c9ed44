import assert from "node:assert/strict";
import { test } from "node:test";
import { compileTypeList, matchesAllowList } from "../../src/body/type-list.ts";

function matches(essence: string, ...entries: string[]): boolean {
  const list = compileTypeList(entries);
  assert.ok(typeof list !== "string", `not an entry: ${list}`);
  return matchesAllowList(essence, list);
}

test("an entry allows its own type only", () => {
  assert.ok(matches("application/json", "text/plain", " Application/JSON "));
  for (const essence of [
    "application/jsonx",
    "application/jso",
    "application/json+x",
    "application/vnd.x+json",
    "",
  ]) {
    assert.ok(!matches(essence, "application/json"), essence);
  }
});

test("patterns allow a type's subtypes, a suffix, or all", () => {
  assert.ok(matches("text/csv", "text/*"));
  assert.ok(!matches("textx/csv", "text/*"));
  assert.ok(!matches("text/", "text/*"));
  assert.ok(matches("application/vnd.api+json", "application/*+json"));
  assert.ok(!matches("model/gltf+json", "application/*+json"));
  assert.ok(!matches("application/+json", "application/*+json"));
  assert.ok(matches("model/gltf+json", "*+json"));
  assert.ok(matches("model/gltf+json", "*/*+json"));
  assert.ok(!matches("application/json", "*+json"));
  assert.ok(matches("x/y", "*/*"));
  assert.ok(!matches("x/y"));
});

test("what is no entry is returned", () => {
  for (const entry of [
    "json",
    "*",
    "",
    "/",
    "a/",
    "/b",
    "*/json",
    "a/b*",
    "a*/b",
    "a/*b",
    "a/b; c=d",
    "*+",
    "a/**",
  ]) {
    assert.equal(compileTypeList(["text/plain", entry]), entry);
  }
});

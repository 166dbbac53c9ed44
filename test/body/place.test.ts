import assert from "node:assert/strict";
import { test } from "node:test";
import * as place from "../../src/body/place.ts";

const { Place, placeNames } = place;

test("each kind number stands for the name of the same word", () => {
  const constants = Object.entries(place).filter(([, value]) => typeof value === "number");
  assert.equal(constants.length, placeNames.length);
  for (const [name, kind] of constants) assert.equal(placeNames[kind as number], name.toLowerCase());
});

test("a place prints its kind and its name, and values print other than their names", () => {
  const named = new Place({ placeName: () => "$.user.q[2]" });
  const texts = placeNames.map((_name, kind) => {
    named.kind = kind;
    return named.text();
  });
  assert.equal(texts[place.JSON_STRING], "json:$.user.q[2]");
  assert.equal(texts[place.JSON_KEY], "json_key:$.user.q[2]");
  assert.equal(new Set(texts).size, placeNames.length);
  assert.equal(new Place().text(), "path");
});

test("what a client put into a name is printed without control characters and cut", () => {
  const rude = new Place({ placeName: () => `a\r\nb\u202e${"x".repeat(100_000)}` });
  assert.match(rude.text(), /^path:a\\u000d\\u000ab\\u202ex+…$/);
  assert.ok(rude.text().length < 300);
});

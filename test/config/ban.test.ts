import assert from "node:assert/strict";
import { test } from "node:test";
import { codesAt, goodConfig, minimal, parseText } from "../support/config-case.ts";

const withBan = (lines: string): string => `${minimal}[ban]\n${lines}\n`;

test("an empty [ban] has the defaults, no [ban] bans nobody", () => {
  assert.equal(goodConfig(minimal).ban, undefined);
  assert.deepEqual(goodConfig(withBan("")).ban, {
    threshold: 20,
    windowSecs: 60,
    from: ["waf", "limit"],
    banSecs: 300,
    banMaxSecs: 86_400,
    maxBans: 10_000,
    action: "refuse",
    shadow: false,
  });
});

const wrong: readonly (readonly [title: string, text: string, found: readonly string[]])[] = [
  ["a cause that nobody knows", withBan('from = ["waf", "auth"]'), ["Z1045 11:16"]],
  ["no cause", withBan("from = []"), ["Z1106 11:8"]],
  ["a longest ban that is shorter than the first", withBan("ban_max_secs = 60"), ["Z1214 11:16"]],
  ["a threshold of nothing", withBan("threshold = 0"), ["Z1043 11:13"]],
  ["a misspelt action", withBan('action = "tarpitt"'), ["Z1045 11:10"]],
];
for (const [title, text, found] of wrong) {
  test(`refused: ${title}`, () => {
    assert.deepEqual(codesAt(text), found);
    assert.equal(parseText(text).config, undefined);
  });
}

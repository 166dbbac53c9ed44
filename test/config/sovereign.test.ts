import assert from "node:assert/strict";
import { test } from "node:test";
import { codesAt, goodConfig, minimal, parseText } from "../support/config-case.ts";

const list = '[list.clouds]\ncidrs = ["192.0.2.0/24"]\n';
/** The table is on line 12, its keys from line 13. */
const withClasses = (lines: string, classes = '{ cloud = ["clouds"] }'): string =>
  `${minimal}${list}[sovereign]\nenabled = true\nclasses = ${classes}\n${lines}\n`;

test("the reference gateway's file with the table off is taken", () => {
  const off = `${minimal}[sovereign]\nenabled = false\n[sovereign.enforce]\nenabled = false\ndeny = []\nmesh_score_deny_above = 0\n`;
  assert.equal(goodConfig(off).sovereign, undefined);
});

test("its tarpit is the gateway's where there is no other", () => {
  const enforce =
    "[sovereign.enforce]\nenabled = true\n[sovereign.enforce.tarpit]\nenabled = true\nhold_secs = 7\nmax_concurrent = 9\n";
  const config = goodConfig(withClasses(enforce));
  assert.deepEqual(config.tarpit, { holdSecs: 7, maxHeld: 9 });
  assert.deepEqual([config.sovereign!.action, config.sovereign!.deny], ["tarpit", []]);
  assert.deepEqual(codesAt(`${withClasses(enforce)}[tarpit]\nhold_secs = 3\n`), [
    "Z1214 19:13",
    "Z1214 20:18",
  ]);
});

const wrong: readonly (readonly [title: string, text: string, found: readonly string[]])[] = [
  ["a list that nobody defined", withClasses("", '{ cloud = ["clouds"], x = ["none"] }'), ["Z1210 14:38"]],
  ["a class with a reserved name", withClasses("", '{ unknown = ["clouds"] }'), ["Z1110 14:13"]],
  ["a class that is no label", withClasses("", '{ "a b" = ["clouds"] }'), ["Z1110 14:13"]],
  ["a denied class that nobody defined", withClasses('[sovereign.enforce]\ndeny = ["clod"]'), ["Z1210 16:9"]],
  ["an override with host bits", withClasses('overrides = { "10.1.2.3/8" = "cloud" }'), ["Z1102 15:30"]],
  [
    "an override with a class that nobody defined",
    withClasses('overrides = { "10.0.0.0/8" = "x" }'),
    ["Z1210 15:30"],
  ],
  ["the networks of a region, which do not come along", withClasses('region = "ita"'), ["Z1047 15:1"]],
  [
    "a User-Agent, which says nothing of a network",
    withClasses("").replace("cidrs =", 'user_agents = ["bot"]\ncidrs ='),
    ["Z1214 15:22"],
  ],
];
for (const [title, text, found] of wrong) {
  test(`refused: ${title}`, () => {
    assert.deepEqual(codesAt(text), found);
    assert.equal(parseText(text).config, undefined);
  });
}

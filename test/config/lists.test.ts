import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, codesAt, goodConfig, minimal, parseText, withFiles } from "../support/config-case.ts";

const withList = (lines: string, use = 'lists = ["x"]'): string => `${minimal}${use}\n[list.x]\n${lines}\n`;

const files = withFiles({ "/etc/zion/page.html": "<html>" });
const wrong: readonly (readonly [title: string, text: string, found: readonly string[]])[] = [
  ["a list that nobody defined", `${minimal}lists = ["y"]\n`, ["Z1210 10:10"]],
  ["an empty list", withList('action = "deny"'), ["Z1106 11:7"]],
  ["host bits", withList('cidrs = ["10.1.2.3/8"]'), ["Z1102 12:10"]],
  ["a part that is in every User-Agent", withList('user_agents = [""]'), ["Z1106 12:16"]],
  ["a file that is not there", withList('file = "none.txt"'), ["Z1301 12:8"]],
  ["a file that is no list", withList('file = "page.html"'), ["Z1308 12:8"]],
  ["an action that does not exist", withList('action = "block"\ncidrs = ["10.0.0.0/8"]'), ["Z1045 12:10"]],
  [
    "a name that is no label",
    `${minimal}lists = ["a b"]\n[list."a b"]\ncidrs = ["10.0.0.0/8"]`,
    ["Z1110 11:7"],
  ],
];
for (const [title, text, found] of wrong) {
  test(`refused: ${title}`, () => {
    assert.deepEqual(codesAt(text, files), found);
    assert.equal(parseText(text, files).config, undefined);
  });
}

test("a list that nobody uses is told of", () => {
  const { diagnostics } = parseText(withList('cidrs = ["10.0.0.0/8"]', ""));
  assert.deepEqual(brief(diagnostics), ["Z2108 11:7 nothing uses the list x"]);
});

test("a list whose user is broken is not said to be unused", () => {
  const unused = '[list.x]\ncidrs = ["10.0.0.0/8"]\n';
  assert.deepEqual(codesAt(`${minimal}lists = "x"\n${unused}`), ["Z1043 10:9"]);
  assert.deepEqual(codesAt(`${minimal.replace("[server]", '[server]\nlists = "x"')}${unused}`), [
    "Z1043 2:9",
  ]);
});

test("blocks of the key and of the file are one list", () => {
  const files = withFiles({ "/etc/zion/l.txt": "10.0.1.0/24\n10.0.0.0/24\n" });
  const text = withList('cidrs = ["10.0.2.0/24"]\nfile = "l.txt"\nuser_agents = ["BadBot"]');
  const [list] = goodConfig(text, files).lists;
  const words = Buffer.from(list!.v4, "base64");
  assert.deepEqual([words.readUInt32LE(0), words.readUInt32LE(4)], [0x0a000000, 0x0a0002ff]);
  assert.deepEqual([list!.action, list!.v6, list!.userAgents], ["deny", "", ["badbot"]]);
});

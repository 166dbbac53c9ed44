import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, goodConfig, minimal, parseText, withFiles } from "../support/config-case.ts";

const withList = (lines: string, use = 'lists = ["x"]'): string => `${minimal}${use}\n[list.x]\n${lines}\n`;

const wrong: readonly (readonly [title: string, text: string, codes: readonly string[]])[] = [
  ["a list that nobody defined", `${minimal}lists = ["y"]\n`, ["Z1210"]],
  ["an empty list", withList('action = "deny"'), ["Z1106"]],
  ["host bits", withList('cidrs = ["10.1.2.3/8"]'), ["Z1102"]],
  ["a part that is in every User-Agent", withList('user_agents = [""]'), ["Z1106"]],
  ["a file that is not there", withList('file = "none.txt"'), ["Z1301"]],
  ["a file that is no list", withList('file = "page.html"'), ["Z1308"]],
  ["an action that does not exist", withList('action = "block"\ncidrs = ["10.0.0.0/8"]'), ["Z1045"]],
];
for (const [title, text, codes] of wrong) {
  test(`refused: ${title}`, () => {
    const { config, diagnostics } = parseText(text, withFiles({ "/etc/zion/page.html": "<html>" }));
    assert.equal(config, undefined);
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      codes,
      JSON.stringify(brief(diagnostics)),
    );
  });
}

test("a list that nobody uses is told of", () => {
  const { diagnostics } = parseText(withList('cidrs = ["10.0.0.0/8"]', ""));
  assert.deepEqual(brief(diagnostics), ["Z2108 11:7 nothing uses the list x"]);
});

test("blocks of the key and of the file are one list", () => {
  const files = withFiles({ "/etc/zion/l.txt": "10.0.1.0/24\n10.0.0.0/24\n" });
  const text = withList('cidrs = ["10.0.2.0/24"]\nfile = "l.txt"\nuser_agents = ["BadBot"]');
  const [list] = goodConfig(text, files).lists;
  const words = Buffer.from(list!.v4, "base64");
  assert.deepEqual([words.readUInt32LE(0), words.readUInt32LE(4)], [0x0a000000, 0x0a0002ff]);
  assert.deepEqual([list!.action, list!.v6, list!.userAgents], ["deny", "", ["badbot"]]);
});

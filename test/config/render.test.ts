import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { renderDiagnostics } from "../../src/config/render.ts";
import { formatReport } from "../../src/config/report.ts";
import { minimal, parseText, withFiles } from "../support/config-case.ts";

// The pictures are files, so that a change of style is seen in review. ZION_WRITE_GOLDEN=1 draws them anew.
const directory = new URL("golden/", import.meta.url);
const sources = globSync("*.toml", { cwd: directory.pathname }).sort();

test("there are golden pictures of more than 100 diagnostics", () => {
  const pictures = sources.map((source) =>
    readFileSync(new URL(source.replace(/\.toml$/, ".txt"), directory), "utf8"),
  );
  const count = pictures.join("").match(/^(?:error|warning)\[Z\d+\]: /gm)?.length ?? 0;
  assert.ok(count >= 100, String(count));
});

for (const source of sources) {
  const name = basename(source, ".toml");
  test(`draws the picture of ${name}`, () => {
    const picture = draw(readFileSync(new URL(source, directory), "utf8"), `${name}.toml`);
    const golden = new URL(`${name}.txt`, directory);
    if (process.env["ZION_WRITE_GOLDEN"] === "1") writeFileSync(golden, picture);
    assert.equal(picture, readFileSync(golden, "utf8"));
  });
}

test("never shows a secret, a control character or a blank at the end of a line", () => {
  for (const source of sources) {
    const picture = draw(readFileSync(new URL(source, directory), "utf8"), source);
    assert.doesNotMatch(picture, /hunter2/);
    assert.doesNotMatch(picture, / $/m);
  }
  const hostile = draw(`${minimal}"\u009b31m\u202e" = "\u0085"\n`, "x.toml");
  assert.deepEqual(hostile.match(/[\p{Cc}\p{Cf}]/gu)?.filter((character) => character !== "\n") ?? [], []);
});

test("a value of a secret over several lines is not shown", () => {
  const text = `${minimal}secret = """\nfirst\nhunter2 = \n"""\n`;
  assert.doesNotMatch(draw(text, "x.toml"), /hunter2|first/);
  assert.doesNotMatch(draw(`${minimal}secret = """\nhunter2\n`, "x.toml"), /hunter2/);
});

test("a long line is cut around the caret", () => {
  const picture = draw(
    `${minimal}hosts = [${'"a.test", '.repeat(500)}"b_.-", ${'"c.test", '.repeat(500)}]\n`,
    "x.toml",
  );
  const lines = picture.split("\n");
  const at = lines.findIndex((line) => line.includes("^"));
  assert.ok(lines[at - 1]!.length < 160);
  assert.equal(lines[at - 1]!.slice(lines[at]!.indexOf("^"), lines[at]!.lastIndexOf("^") + 1), '"b_.-"');
});

test("colours only when asked", () => {
  const { diagnostics } = parseText("nope = 1");
  assert.ok(!renderDiagnostics(diagnostics, "nope = 1", { color: false }).includes("\x1b"));
  const colored = renderDiagnostics(diagnostics, "nope = 1", { color: true });
  const bare = stripVTControlCharacters(colored);
  assert.equal(bare, renderDiagnostics(diagnostics, "nope = 1", { color: false }));
  assert.ok(colored.includes("\x1b[1;31merror"));
});

function draw(text: string, file: string): string {
  const { diagnostics } = parseText(text, { ...withFiles(), file });
  return formatReport("human", { file, text, diagnostics, summary: "1 route", color: false, version: "0" });
}

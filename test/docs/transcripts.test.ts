import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileDisk } from "../../src/audit/file-disk.ts";
import { shellWords } from "../../src/explain/shell-words.ts";
import { eventAt, openLog, sourceAt, testClock } from "../audit/test-log.ts";
import { newDirectory } from "../support/directory.ts";
import { assertGenerated, read, root } from "./document.ts";

test("the README's commands do what their comments say, one after the other in an empty directory", () => {
  const folder = newDirectory("readme");
  const lines = [...read("README.md").matchAll(/^ {4}npx zion (.*)$/gm)].map(([, words]) => words!);
  assert.ok(lines.length >= 9, `only ${lines.length}`);
  mkdirSync(path.join(folder, "audit"));
  const { journal } = openLog(fileDisk(path.join(folder, "audit")), { clock: testClock() });
  journal.event(eventAt(1), sourceAt(1));
  journal.commit();
  journal.close();
  /** Exit code and first words of each. */
  const expected: Readonly<Record<string, readonly [number, RegExp]>> = {
    init: [0, /^wrote zion\.toml\n/],
    check: [0, /^zion\.toml: ok, 1 route, 1 upstream\n$/],
    "explain Z1042": [0, /^Z1042 \(error\): unknown key\n/],
    "explain -X": [0, /^POST http:\/\/localhost\/api .*\n.*listener/],
    why: [3, /does not answer/],
    replay: [0, /^1 requests .* candidate: next\.toml\n/],
    version: [0, /^zion \d/],
    "--help": [0, /^Usage: zion /],
  };
  const seen = new Set<string>();
  for (const line of lines) {
    const words = shellWords(line.replace(/ +#.*$/, ""));
    // It goes on until it is told to end; test/system/newcomer.test.ts runs it.
    if (words[0] === "run") continue;
    const name = Object.keys(expected).find((known) => words.join(" ").startsWith(known));
    assert.ok(name !== undefined, `what does ${line} print?`);
    seen.add(name);
    if (name === "replay") copyFileSync(path.join(folder, "zion.toml"), path.join(folder, "next.toml"));
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [path.join(root, "src/main.ts"), ...words],
      { cwd: folder, encoding: "utf8", timeout: 60_000 },
    );
    const [code, first] = expected[name]!;
    assert.deepEqual({ line, status }, { line, status: code }, stdout + stderr);
    assert.match(stdout + stderr, first, line);
  }
  assert.deepEqual([...seen].sort(), Object.keys(expected).sort());
});

/** Documents whose ```console blocks are what the commands in them print. */
const documents = ["docs/explain.md"];

for (const document of documents) {
  test(`the transcripts of ${document} are what its commands print`, () => {
    const text = read(document);
    const folder = newDirectory("transcript");
    const [, config = ""] = /^```toml\n([\s\S]*?)^```$/m.exec(text) ?? [];
    writeFileSync(path.join(folder, "zion.toml"), config);
    for (const [, name, content] of text.matchAll(/^File `([\w.]+)`:\n\n```\w*\n([\s\S]*?)^```$/gm))
      writeFileSync(path.join(folder, name!), content!);
    let commands = 0;
    const run = (command: string): string => {
      commands++;
      const [program, ...args] = shellWords(command);
      assert.equal(program, "zion", command);
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        [path.join(root, "src/main.ts"), ...args],
        { cwd: folder, encoding: "utf8", timeout: 60_000 },
      );
      assert.ok(status !== null && status < 70, `${command}: ${status} ${stderr}`);
      return `$ ${command}\n${stdout}${stderr}`;
    };
    const printed = text.replace(/^```console\n([\s\S]*?)^```$/gm, (_whole, block: string) => {
      const lines = block.split("\n").filter((line) => line.startsWith("$ "));
      return `\`\`\`console\n${lines.map((line) => run(line.slice(2))).join("")}\`\`\``;
    });
    assert.ok(commands >= 4, `only ${commands} commands in ${document}`);
    assertGenerated(document, printed);
  });
}

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { shellWords } from "../../src/explain/shell-words.ts";
import { assertGenerated, read, root } from "./document.ts";

/** Documents whose ```console blocks are what the commands in them print. */
const documents = ["docs/explain.md"];

for (const document of documents) {
  test(`the transcripts of ${document} are what its commands print`, (t) => {
    const text = read(document);
    const folder = mkdtempSync(path.join(tmpdir(), "zion-transcript-"));
    t.after(() => rmSync(folder, { recursive: true }));
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

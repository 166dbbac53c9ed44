import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { jsonSchemaDrafts } from "../../src/config/json-schema-draft.ts";
import { tableSchemas } from "../../src/config/schema.ts";
import { newDirectory } from "../support/directory.ts";

const root = new URL("../../", import.meta.url).pathname;

/** What the TOML tool of most editors says of files, by our schema. */
function taplo(...files: readonly string[]) {
  const args = ["lint", "--colors", "never", "--schema", `file://${root}config/zion.schema.json`, ...files];
  const child = spawnSync(process.execPath, [join(root, "node_modules/@taplo/cli/dist/cli.js"), ...args], {
    encoding: "utf8",
    timeout: 60_000,
    cwd: root,
  });
  return { code: child.status, text: child.stdout + child.stderr };
}

test("editors accept every example", () => {
  const { code, text } = taplo("config/minimal.toml", "config/production.toml", "config/zion.toml");
  assert.equal(code, 0, text);
  assert.match(text, /found files total=3/);
});

test("editors see a misspelt key, a wrong type and a number out of range", () => {
  const directory = newDirectory("schema");
  const file = join(directory, "zion.toml");
  for (const [line, said] of [
    ["workerz = 2", /'workerz' was unexpected/],
    ['workers = "two"', /is not of type "integer"/],
    ["workers = 100000", /maximum of 256/],
    ['http_mode = "proxy"', /is not one of/],
  ] as const) {
    writeFileSync(file, `[server]\nlisten_http = "127.0.0.1:1"\n${line}\n`);
    const { code, text } = taplo(file);
    assert.equal(code, 1, line);
    assert.match(text, said);
  }
});

for (const draft of jsonSchemaDrafts) {
  test(`draft ${draft} describes every key of every table`, () => {
    const text = JSON.stringify(configJsonSchema(draft));
    const keys = tableSchemas.flatMap((table) => Object.keys(table.keys));
    assert.ok(keys.length > 200, `${keys.length}`);
    for (const key of keys) assert.ok(text.includes(`"${key}":{`), key);
  });
}

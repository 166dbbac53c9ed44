import assert from "node:assert/strict";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { keepPairs, readKeptPair } from "../../src/cert/kept-pairs.ts";
import { newDirectory } from "../support/directory.ts";

const pair = (name: string, text = name) => ({
  certPath: `/etc/${name}.crt`,
  keyPath: `/etc/${name}.key`,
  certPem: `certificate ${text}`,
  keyPem: `key ${text}`,
});

test("pairs are found by their files, replaced when they change, and gone when they are not in force", () => {
  const stateDir = newDirectory("kept");
  const kept = (name: string) => readKeptPair(stateDir, `/etc/${name}.crt`, `/etc/${name}.key`);
  const directory = join(stateDir, "certificates");
  assert.equal(kept("a"), undefined);
  keepPairs(stateDir, [pair("a"), pair("b")]);
  assert.deepEqual([kept("a"), kept("b")], [pair("a"), pair("b")]);
  const written = readdirSync(directory).map((file) => statSync(join(directory, file)).ino);
  keepPairs(stateDir, [pair("a"), pair("b")]);
  const again = readdirSync(directory).map((file) => statSync(join(directory, file)).ino);
  assert.deepEqual(again, written, "what did not change is not written again");
  keepPairs(stateDir, [pair("a", "renewed")]);
  assert.deepEqual([kept("a"), kept("b")], [pair("a", "renewed"), undefined]);
  assert.equal(readKeptPair(stateDir, "/etc/a.crt", "/etc/b.key"), undefined);
  for (const file of readdirSync(directory)) writeFileSync(join(directory, file), "{");
  assert.equal(kept("a"), undefined);
});

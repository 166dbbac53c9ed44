import assert from "node:assert/strict";
import { test } from "node:test";
import type { CutConfig } from "../../src/config/parts.ts";
import { createGenerations, type GenerationEntry } from "../../src/control/generations.ts";

const entry = (generation: number, result: GenerationEntry["result"] = "loaded"): GenerationEntry => ({
  generation,
  sha256: "",
  time: "",
  by: "file",
  result,
  ms: 0,
});

function cut(...parts: readonly (readonly [string, Uint8Array])[]): CutConfig {
  const list = parts.map(([name]): readonly [string, string] => [name, name]);
  return { manifest: [{ name: "routes", shape: "list", parts: list }], parts: new Map(parts) };
}

const small = Buffer.from("small");

test("a generation of which another holds a part is found whole", () => {
  const generations = createGenerations();
  generations.remember(entry(1), cut(["shared", small], ["own", small]));
  generations.remember(entry(2), cut(["shared", small]));
  assert.deepEqual([...generations.find(1)!.parts.keys()], ["shared", "own"]);
  assert.deepEqual([...generations.find(2)!.parts.keys()], ["shared"]);
});

test("what is no longer among the last 50 is forgotten; refused ones count, too", () => {
  const generations = createGenerations();
  generations.remember(entry(1), cut(["first", small]));
  generations.remember(entry(2), cut(["second", small]));
  for (let i = 0; i < 49; i++) generations.remember(entry(2, "refused"), undefined);
  assert.equal(generations.entries().length, 50);
  generations.remember(entry(3), cut(["third", small]));
  assert.equal(generations.find(1), undefined);
  assert.notEqual(generations.find(2), undefined);
  assert.notEqual(generations.find(3), undefined);
});

test("large configurations push out the oldest, never the newest", () => {
  const generations = createGenerations();
  const large = Buffer.alloc(40 * 1_048_576);
  generations.remember(entry(1), cut(["a", large]));
  generations.remember(entry(2), cut(["a", large], ["b", small]));
  assert.notEqual(generations.find(1), undefined);
  generations.remember(entry(3), cut(["c", large]));
  assert.equal(generations.find(1), undefined);
  assert.equal(generations.find(2), undefined);
  generations.remember(entry(4), cut(["d", Buffer.alloc(80 * 1_048_576)]));
  assert.equal(generations.find(3), undefined);
  assert.notEqual(generations.find(4), undefined);
});

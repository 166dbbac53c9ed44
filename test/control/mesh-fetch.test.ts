import assert from "node:assert/strict";
import { test } from "node:test";
import { fetchOnce } from "../../src/control/mesh-fetch.ts";

test("however often an edge asks to be fetched from, it is one fetch at a time, and no other edge waits for it", async () => {
  const begun: string[] = [];
  let end: (() => void) | undefined;
  const fetchFrom = fetchOnce((id) => {
    begun.push(id);
    return id === "liar" ? new Promise((done) => (end = done)) : Promise.resolve();
  });
  const first = fetchFrom(["liar"]);
  for (let i = 0; i < 1000; i++) await fetchFrom(["liar", "honest"]);
  assert.equal(begun.filter((id) => id === "liar").length, 1);
  assert.equal(begun.filter((id) => id === "honest").length, 1000);
  end!();
  await first;
  void fetchFrom(["liar"]);
  assert.equal(begun.at(-1), "liar");
});

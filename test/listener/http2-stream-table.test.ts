import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StreamTable } from "../../src/listener/http2-stream-table.ts";

interface Numbered {
  readonly id: number;
}

test("streams are found by their ids as in a Map, whichever come and go", () => {
  // Ids that fall into few slots, beside those that follow each other.
  const id = fc.oneof(
    fc.nat(40).map((n) => 2 * n + 1),
    fc.nat(12).map((n) => 256 * n + 1),
    fc.nat(0x3fffffff).map((n) => 2 * n + 1),
  );
  fc.assert(
    fc.property(fc.array(id, { maxLength: 200 }), (ids) => {
      const table = new StreamTable<Numbered>();
      const model = new Map<number, Numbered>();
      for (const id of ids) {
        const known = model.get(id);
        if (known === undefined) {
          const stream = { id };
          table.add(stream);
          model.set(id, stream);
        } else {
          table.delete(known);
          model.delete(id);
          table.delete(known);
        }
        assert.equal(table.size, model.size);
        assert.equal(table.get(id), model.get(id));
      }
      for (const id of ids) assert.equal(table.get(id), model.get(id));
      assert.deepEqual(
        table.all(),
        [...model.values()].sort((a, b) => a.id - b.id),
      );
    }),
    { numRuns: 500 },
  );
});

test("a thousand streams one after the other, a hundred at a time, stay where they are found", () => {
  const table = new StreamTable<Numbered>();
  const open: Numbered[] = [];
  for (let id = 1; id < 2_000; id += 2) {
    const stream = { id };
    table.add(stream);
    open.push(stream);
    if (open.length > 100) table.delete(open.splice((id * 7) % open.length, 1)[0]!);
    for (const one of open) assert.equal(table.get(one.id), one);
  }
  assert.equal(table.size, 100);
});

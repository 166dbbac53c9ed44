import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LARGE_BYTES, type RoomHolder, SegmentStore } from "../../src/gate/segment-store.ts";

class Holder implements RoomHolder {
  before: RoomHolder | undefined = undefined;
  behind: RoomHolder | undefined = undefined;
  readonly name: number;
  heldSinceMs: number;
  readonly #onEvicted: (holder: Holder) => void;

  constructor(name: number, heldSinceMs: number, onEvicted: (holder: Holder) => void) {
    this.name = name;
    this.heldSinceMs = heldSinceMs;
    this.#onEvicted = onEvicted;
  }

  onEvicted(): void {
    this.#onEvicted(this);
  }
}

/** Who is evicted, in order, when everybody's memory is wanted. */
function line(store: SegmentStore, evicted: number[]): readonly number[] {
  evicted.length = 0;
  store.charge(1);
  store.makeRoom(Infinity);
  store.charge(-1);
  return [...evicted];
}

test("whoever holds is asked to go in the order in which they began, whoever let go in between", () => {
  const step = fc.record({ holds: fc.boolean(), name: fc.nat(7) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const store = new SegmentStore(0);
      const evicted: number[] = [];
      const holders = Array.from(
        { length: 8 },
        (_, name) => new Holder(name, 0, (holder) => evicted.push(holder.name)),
      );
      const model = new Set<number>();
      for (const { holds, name } of steps) {
        if (holds) {
          store.hold(holders[name]!);
          model.add(name);
        } else {
          store.letGo(holders[name]!);
          model.delete(name);
        }
      }
      assert.deepEqual(line(store, evicted), [...model]);
      assert.deepEqual(line(store, evicted), [], "nobody is asked twice");
      // Whoever left keeps nobody alive.
      for (const { before, behind } of holders) assert.deepEqual([before, behind], [undefined, undefined]);
    }),
    { numRuns: 500 },
  );
});

test("the oldest go first, only as many as it takes, and none that began late", () => {
  const store = new SegmentStore(2 * LARGE_BYTES);
  const evicted: number[] = [];
  const segments = [10, 20, 30].map((heldSinceMs, name) => {
    const segment = store.take(LARGE_BYTES);
    store.hold(
      new Holder(name, heldSinceMs, (holder) => {
        evicted.push(holder.name);
        store.give(segment);
      }),
    );
    return segment;
  });
  assert.equal(store.usedBytes, segments.length * LARGE_BYTES);
  store.makeRoom(9);
  assert.deepEqual(evicted, []);
  store.makeRoom(30);
  assert.deepEqual(evicted, [0, 1]);
  assert.ok(store.hasRoom);
});

test("who is evicted may let others go", () => {
  const store = new SegmentStore(0);
  const evicted: number[] = [];
  const second = new Holder(2, 0, () => evicted.push(2));
  store.hold(
    new Holder(1, 0, () => {
      evicted.push(1);
      store.letGo(second);
    }),
  );
  store.hold(second);
  store.hold(new Holder(3, 0, () => evicted.push(3)));
  assert.deepEqual(line(store, evicted), [1, 3]);
});

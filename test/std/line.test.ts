import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Line, type LineMember } from "../../src/std/line.ts";

class Member implements LineMember<Member> {
  before: Member | undefined = undefined;
  behind: Member | undefined = undefined;
  readonly name: number;

  constructor(name: number) {
    this.name = name;
  }
}

test("a line is a Set of its members, in their order", () => {
  const step = fc.record({ adds: fc.boolean(), name: fc.nat(7) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const line = new Line<Member>();
      const members = Array.from({ length: 8 }, (_, name) => new Member(name));
      const model = new Set<number>();
      for (const { adds, name } of steps) {
        const member = members[name]!;
        if (adds) {
          line.add(member);
          model.add(name);
        } else assert.equal(line.delete(member), model.delete(name));
        assert.equal(line.size, model.size);
        assert.equal(line.first?.name, [...model][0]);
        assert.deepEqual(
          line.all().map((one) => one.name),
          [...model],
        );
        for (const one of members) {
          assert.equal(line.has(one), model.has(one.name));
          if (!model.has(one.name)) assert.deepEqual([one.before, one.behind], [undefined, undefined]);
        }
      }
    }),
    { numRuns: 500 },
  );
});

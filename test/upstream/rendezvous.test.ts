import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mix32 } from "../../src/std/xorshift.ts";
import { EndpointState } from "../../src/upstream/endpoint-state.ts";
import { chooseByKey } from "../../src/upstream/rendezvous.ts";

function pool(weights: readonly number[]): EndpointState[] {
  return weights.map((weight, index) => new EndpointState(`http://10.0.0.${index}:8080`, weight));
}

test("a key keeps its member, whatever the order of the members", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 20 }),
      fc.integer(),
      (weights, key) => {
        const members = pool(weights);
        const chosen = chooseByKey(members, members.length, key);
        assert.equal(chooseByKey(members.toReversed(), members.length, key), chosen);
      },
    ),
  );
});

test("without a member only its own keys move", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 20 }),
      fc.nat(),
      fc.array(fc.integer(), { minLength: 50, maxLength: 50 }),
      (weights, lost, keys) => {
        const members = pool(weights);
        const [gone] = members.slice(lost % members.length);
        const rest = members.filter((member) => member !== gone);
        for (const key of keys) {
          const before = chooseByKey(members, members.length, key);
          const after = chooseByKey(rest, rest.length, key);
          if (before !== gone) assert.equal(after, before);
        }
      },
    ),
  );
});

test("the keys of a lost member spread over all others", () => {
  const members = pool([1, 1, 1, 1]);
  const heirs = new Map<EndpointState, number>();
  for (let key = 0; key < 40_000; key++) {
    const hash = mix32(key);
    if (chooseByKey(members, 4, hash) !== members[3]) continue;
    const heir = chooseByKey(members, 3, hash);
    heirs.set(heir, (heirs.get(heir) ?? 0) + 1);
  }
  assert.equal(heirs.size, 3);
  for (const count of heirs.values()) assert.ok(count > 3_000 && count < 3_700, `${count}`);
});

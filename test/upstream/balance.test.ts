import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { mix32 } from "../../src/std/xorshift.ts";
import { Balance, type BalanceName, chooseEndpoint } from "../../src/upstream/balance.ts";
import { EndpointState } from "../../src/upstream/endpoint-state.ts";

const policies: readonly BalanceName[] = [
  "p2c",
  "round_robin",
  "least_requests",
  "lowest_latency",
  "consistent_hash",
];

interface Run {
  readonly policy: BalanceName;
  readonly members: readonly EndpointState[];
  readonly requests: number;
  /** Every millisecond one arrives; each is answered after so long. */
  readonly latencyMs: (member: EndpointState) => number;
  readonly exclude?: EndpointState;
}

/** Sends requests and returns how many each member got, in the order of the members. */
function serve({ policy, members, requests, latencyMs, exclude }: Run): number[] {
  const balance = new Balance(policy, 42);
  const counts = new Map<EndpointState, number>(members.map((member) => [member, 0]));
  const running: { member: EndpointState; endMs: number; latencyMs: number }[] = [];
  for (let nowMs = 0; nowMs < requests; nowMs++) {
    for (let at = running.length - 1; at >= 0; at--) {
      const { member, endMs, latencyMs } = running[at]!;
      if (endMs > nowMs) continue;
      running.splice(at, 1);
      member.inFlight--;
      member.observeLatency(latencyMs, nowMs);
    }
    const member = chooseEndpoint(balance, members, nowMs, mix32(nowMs), exclude);
    assert.ok(member !== undefined);
    counts.set(member, counts.get(member)! + 1);
    member.inFlight++;
    running.push({ member, endMs: nowMs + latencyMs(member), latencyMs: latencyMs(member) });
  }
  return [...counts.values()];
}

function pool(...weights: number[]): EndpointState[] {
  return weights.map((weight, index) => new EndpointState(`http://10.0.0.${index}:8080`, weight));
}

function checkShares(counts: readonly number[], weights: readonly number[]): void {
  const sum = weights.reduce((a, b) => a + b);
  const total = counts.reduce((a, b) => a + b);
  counts.forEach((count, index) => {
    const expected = (total * weights[index]!) / sum;
    assert.ok(Math.abs(count - expected) < expected * 0.12, `${counts} for weights ${weights}`);
  });
}

const equally = () => 5;

for (const policy of policies) {
  describe(policy, () => {
    test("gives equal members equal shares, one request at a time or many", () => {
      checkShares(
        serve({ policy, members: pool(1, 1, 1, 1), requests: 8_000, latencyMs: () => 1 }),
        [1, 1, 1, 1],
      );
      checkShares(
        serve({ policy, members: pool(1, 1, 1, 1), requests: 8_000, latencyMs: () => 40 }),
        [1, 1, 1, 1],
      );
      checkShares(serve({ policy, members: pool(1, 1), requests: 8_000, latencyMs: equally }), [1, 1]);
    });

    test("gives shares by weight, one request at a time or many", () => {
      checkShares(serve({ policy, members: pool(1, 3, 4), requests: 16_000, latencyMs: () => 1 }), [1, 3, 4]);
      checkShares(
        serve({ policy, members: pool(1, 3, 4), requests: 16_000, latencyMs: () => 80 }),
        [1, 3, 4],
      );
      checkShares(serve({ policy, members: pool(100, 900), requests: 16_000, latencyMs: () => 1 }), [1, 9]);
    });

    test("passes over members that are down or ejected", () => {
      const members = pool(1, 1, 1, 1);
      members[0]!.up = false;
      members[2]!.ejectedUntilMs = 1_000_000;
      const counts = serve({ policy, members, requests: 1_000, latencyMs: equally });
      assert.deepEqual([counts[0], counts[2]], [0, 0]);
      assert.ok(counts[1]! > 0 && counts[3]! > 0);
    });

    test("tries any member when none is usable", () => {
      const members = pool(1, 1, 1);
      for (const member of members) member.up = false;
      members[1]!.ejectedUntilMs = 1_000_000;
      for (const count of serve({ policy, members, requests: 1_000, latencyMs: equally }))
        assert.ok(count > 0);
      assert.equal(members[1]!.onTrial, false);
    });

    test("does not take the member that just failed while another is usable", () => {
      const members = pool(1, 5, 1);
      members[2]!.up = false;
      const counts = serve({ policy, members, requests: 200, latencyMs: equally, exclude: members[1]! });
      assert.deepEqual(counts, [200, 0, 0]);
    });

    test("takes the member that just failed before one that is unusable, and before nothing", () => {
      const members = pool(1, 1);
      members[0]!.up = false;
      assert.deepEqual(
        serve({ policy, members, requests: 10, latencyMs: equally, exclude: members[1]! }),
        [0, 10],
      );
      const alone = pool(1);
      assert.deepEqual(
        serve({ policy, members: alone, requests: 10, latencyMs: equally, exclude: alone[0]! }),
        [10],
      );
      alone[0]!.up = false;
      assert.deepEqual(
        serve({ policy, members: alone, requests: 10, latencyMs: equally, exclude: alone[0]! }),
        [10],
      );
    });

    test("prefers another unusable member to the one that just failed", () => {
      const members = pool(1, 1);
      for (const member of members) member.up = false;
      assert.deepEqual(
        serve({ policy, members, requests: 10, latencyMs: equally, exclude: members[1]! }),
        [10, 0],
      );
    });

    test("chooses nothing from an empty pool", () => {
      assert.equal(chooseEndpoint(new Balance(policy, 1), [], 0, 0, undefined), undefined);
    });

    test("starves no member for good, however slow it once was", () => {
      const members = pool(1, 1, 1);
      members[0]!.observeLatency(60_000, 0);
      const counts = serve({ policy, members, requests: 100_000, latencyMs: equally });
      assert.ok(counts[0]! > 1_000, `${counts}`);
    });

    test("sends one trial a second to a member whose ejection is over", () => {
      const members = pool(1, 1);
      members[0]!.ejectedUntilMs = 1_000;
      const counts = serve({ policy, members, requests: 10_000, latencyMs: equally });
      assert.ok(counts[0]! >= 3 && counts[0]! <= 9, `${counts}`);
      assert.equal(members[0]!.onTrial, true);
    });

    test("chooses only members, and a usable one whenever there is one", () => {
      const state = fc.record({
        weight: fc.integer({ min: 1, max: 1000 }),
        up: fc.boolean(),
        ejectedUntilMs: fc.constantFrom(0, 500, 2_000),
        inFlight: fc.nat(100),
        latencyMs: fc.nat(70_000),
      });
      fc.assert(
        fc.property(
          fc.array(state, { minLength: 1, maxLength: 12 }),
          fc.integer(),
          fc.nat(20),
          (states, seed, not) => {
            const members = states.map(({ weight, latencyMs, ...rest }, index) => {
              const member: EndpointState = Object.assign(
                new EndpointState(`http://h${index}`, weight),
                rest,
              );
              member.observeLatency(latencyMs, 900);
              return member;
            });
            const usable = members.filter((member) => member.isUsable(1_000));
            const exclude = members[not];
            const chosen = chooseEndpoint(new Balance(policy, seed), members, 1_000, mix32(seed), exclude);
            assert.ok(chosen !== undefined && members.includes(chosen));
            if (usable.length > 0) assert.ok(usable.includes(chosen));
            if (usable.length > 1 || (members.length > 1 && usable.length === 0))
              assert.notEqual(chosen, exclude);
          },
        ),
      );
    });
  });
}

test("p2c sends fewer requests to a slow member, but not none", () => {
  const members = pool(1, 1);
  const [slow, fast] = serve({
    policy: "p2c",
    members,
    requests: 60_000,
    latencyMs: (member) => (member === members[0] ? 60 : 3),
  });
  assert.ok(slow! > 5 && slow! * 10 < fast!, `${slow} slow, ${fast} fast`);
});

test("p2c counts requests in flight by weight, times latency", () => {
  const members = pool(1, 3);
  const balance = new Balance("p2c", 1);
  const choose = (inFlight: readonly [number, number], latencyMs: readonly [number, number]) => {
    const chosen = new Set<number>();
    for (const [index, member] of members.entries()) {
      member.inFlight = inFlight[index]!;
      member.observeLatency(latencyMs[index]!, 1e9);
    }
    for (let draw = 0; draw < 100; draw++) {
      chosen.add(members.indexOf(chooseEndpoint(balance, members, 1e9, 0, undefined)!));
    }
    return [...chosen].sort();
  };
  assert.deepEqual(choose([3, 9], [10, 10]), [0, 1]);
  assert.deepEqual(choose([9, 9], [10, 10]), [1]);
  assert.deepEqual(choose([0, 9], [10, 10]), [0]);
  assert.deepEqual(choose([3, 9], [100, 10]), [1]);
  // The peak stays, so the other one must rise with it.
  assert.deepEqual(choose([3, 9], [100, 1_000]), [0]);
});

test("least_requests balances requests in flight by weight", () => {
  const members = pool(1, 2);
  members[0]!.inFlight = 4;
  members[1]!.inFlight = 7;
  const balance = new Balance("least_requests", 1);
  assert.equal(chooseEndpoint(balance, members, 0, 0, undefined), members[1]);
  members[1]!.inFlight = 9;
  assert.equal(chooseEndpoint(balance, members, 0, 0, undefined), members[0]);
});

test("lowest_latency stays with the fastest whatever is in flight", () => {
  const members = pool(1, 1);
  members[0]!.observeLatency(10, 0);
  members[1]!.observeLatency(20, 0);
  members[0]!.inFlight = 1_000;
  assert.equal(chooseEndpoint(new Balance("lowest_latency", 1), members, 0, 0, undefined), members[0]);
});

test("round_robin spreads a heavy member's turns", () => {
  const members = pool(5, 1, 1);
  const balance = new Balance("round_robin", 1);
  const order = Array.from({ length: 7 }, () =>
    members.indexOf(chooseEndpoint(balance, members, 0, 0, undefined)!),
  );
  assert.deepEqual(order, [0, 0, 1, 0, 2, 0, 0]);
});

test("consistent_hash keeps a key at its member and moves it only while that is unusable", () => {
  const members = pool(1, 2, 3, 4);
  const balance = new Balance("consistent_hash", 1);
  const home = chooseEndpoint(balance, members, 0, 4711, undefined)!;
  for (let nowMs = 0; nowMs < 100; nowMs++) {
    assert.equal(chooseEndpoint(balance, members, nowMs, 4711, undefined), home);
  }
  home.up = false;
  assert.notEqual(chooseEndpoint(balance, members, 0, 4711, undefined), home);
  home.up = true;
  assert.equal(chooseEndpoint(balance, members, 0, 4711, undefined), home);
});

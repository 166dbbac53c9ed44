import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RetryBudget } from "../../src/upstream/retry-budget.ts";

test("the reserve allows ten retries before any traffic, then none", () => {
  const budget = new RetryBudget(20);
  for (let retry = 0; retry < 10; retry++) assert.equal(budget.withdraw(), true);
  assert.equal(budget.withdraw(), false);
});

test("a fifth of the requests may be retries at 20 percent, exactly", () => {
  const budget = new RetryBudget(20);
  while (budget.withdraw());
  let retries = 0;
  for (let request = 0; request < 1_000; request++) {
    budget.deposit();
    if (budget.withdraw()) retries++;
  }
  assert.equal(retries, 200);
});

test("quiet times save up no more than the reserve", () => {
  const budget = new RetryBudget(100);
  for (let request = 0; request < 10_000; request++) budget.deposit();
  let retries = 0;
  while (budget.withdraw()) retries++;
  assert.equal(retries, 10);
});

test("a budget of 0 allows no retry at all", () => {
  const budget = new RetryBudget(0);
  budget.deposit();
  assert.equal(budget.withdraw(), false);
});

test("retries never exceed the reserve and the share of requests, in any order", () => {
  fc.assert(
    fc.property(fc.nat(100), fc.array(fc.boolean(), { maxLength: 2_000 }), (budgetPct, steps) => {
      const budget = new RetryBudget(budgetPct);
      let requests = 0;
      let retries = 0;
      for (const isRequest of steps) {
        if (isRequest) {
          requests++;
          budget.deposit();
        } else if (budget.withdraw()) retries++;
        assert.ok(retries * 100 <= 1_000 + requests * budgetPct);
      }
    }),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { scenarios, simulate } from "./simulation.ts";

const isFull = process.env["ZION_FULL"] === "1";
/** From what §2.13 ME15 asks for. */
const CONVERGED_MS = 60_000;

for (const scenario of scenarios(isFull ? 50 : 16, isFull ? 180 : 120, isFull ? 20 : 6)) {
  test(`${scenario.edges} edges, ${scenario.name}: all honest ones learn of every attacker, no benign client is refused`, (t) => {
    const outcome = simulate(scenario);
    const last = outcome.latenciesMs.at(-1)!;
    t.diagnostic(`median ${outcome.latenciesMs[outcome.latenciesMs.length >> 1]} ms, last ${last} ms`);
    assert.equal(outcome.unknown, 0);
    assert.equal(outcome.wronged, 0);
    assert.ok(last <= CONVERGED_MS + (scenario.cut === undefined ? 0 : scenario.cut.toMs), `${last}`);
    // They lied, and it was noticed.
    assert.ok((outcome.rejected["unauthorised"] ?? 0) > 0);
    assert.ok((outcome.rejected["replay"] ?? 0) > 0);
  });
}

test("with as many liars as the quorum wants, benign clients are refused: that is the bound", () => {
  const [calm] = scenarios(8, 20, 1);
  assert.ok(simulate({ ...calm!, byzantine: 3 }).wronged > 0);
});

test("the same seed gives the same run", () => {
  const [calm] = scenarios(6, 20, 2);
  const [one, other] = [simulate(calm!), simulate(calm!)];
  assert.deepEqual(one, other);
});

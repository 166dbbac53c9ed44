import assert from "node:assert/strict";
import { test } from "node:test";
import { simulateCrashes } from "./crash-run.ts";

/** AUDIT_CRASH_RUNS sets another number: `npm run prove:audit` does 100,000. */
const runs = Number(process.env["AUDIT_CRASH_RUNS"] ?? 300);

test("after any crash of a simulated disk no durable record is lost, and no sound log is called tampered with", () => {
  const told = { crashes: 0, torn: 0, fulls: 0, acknowledged: 0, rotations: 0 };
  for (let seed = 1; seed <= runs; seed++) {
    const outcome = simulateCrashes(seed);
    told.crashes += outcome.crashes;
    told.torn += outcome.torn;
    told.fulls += outcome.fulls;
    told.acknowledged += outcome.acknowledged;
    told.rotations += outcome.rotations;
  }
  // The simulation met what it is there for.
  for (const [what, count] of Object.entries(told)) assert.ok(count > runs / 20, `${what}: ${count}`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { startCachedRoute } from "./cached-route.ts";
import { suiteCases } from "./suite.cases.ts";
import { runSuiteCase, suiteOrigin } from "./suite-run.ts";

test("there are enough cases", () => {
  const required = suiteCases.filter((one) => one.required);
  assert.ok(
    suiteCases.length >= 250 && required.length >= 220,
    `${suiteCases.length}, ${required.length} required`,
  );
});

test("what a shared cache must do, it does", async (t) => {
  const origin = suiteOrigin();
  const { edge } = await startCachedRoute(t, (request) => origin.answer(request));
  const failed: string[] = [];
  let requiredFailed = 0;
  const run = async (index: number): Promise<void> => {
    const { wrong } = await runSuiteCase(edge.port, index, origin);
    if (wrong === undefined) return;
    const one = suiteCases[index]!;
    if (one.required) requiredFailed++;
    failed.push(`${one.required ? "required" : "optional"} ${one.group}: ${one.title}: ${wrong}`);
  };
  // A few at a time: their connections are all of one address.
  for (let at = 0; at < suiteCases.length; at += 32)
    await Promise.all(suiteCases.slice(at, at + 32).map((_, i) => run(at + i)));
  const required = suiteCases.filter((one) => one.required).length;
  t.diagnostic(
    `${required - requiredFailed} of ${required} required, ${suiteCases.length - failed.length} of ${suiteCases.length} in all`,
  );
  assert.deepEqual(failed, []);
});

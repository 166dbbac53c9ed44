import assert from "node:assert/strict";
import { test } from "node:test";
import type { EvalCase } from "./case.ts";
import { type Answer, isBlocked, isRight, judge } from "./verdict.ts";

const answer: Answer = {
  status: 200,
  forwarded: true,
  hazard: undefined,
  text: "ok",
  requestId: "r1",
  timedOut: false,
};
const own = { ...answer, forwarded: false };

test("the WAF's fixed answer, other refusals and lost requests are told apart", () => {
  assert.equal(judge({ ...own, status: 400, text: "request rejected" }), "waf");
  assert.equal(judge({ ...own, status: 400, text: "bad request\n" }), "refused");
  assert.equal(judge({ ...own, status: 414, text: "uri too long\n" }), "refused");
  assert.equal(judge({ ...own, status: 0, text: "" }), "refused");
  assert.equal(judge({ ...own, status: 502, text: "bad gateway\n" }), "other");
  assert.equal(judge({ ...own, status: 200, text: "request rejected" }), "other");
  assert.equal(judge({ ...own, status: 0, timedOut: true }), "timeout");
});

test("an origin that refuses has been reached", () => {
  assert.equal(judge({ ...answer, status: 400, text: "request rejected" }), "forwarded");
});

test("forwarding is clean only where the origin looked and saw nothing", () => {
  assert.equal(judge({ ...answer, hazard: "" }), "clean");
  assert.equal(judge({ ...answer, hazard: "cl+te" }), "forwarded");
  assert.equal(judge(answer), "forwarded");
});

test("a request that got lost is neither blocked nor passed", () => {
  for (const verdict of ["other", "timeout"] as const) {
    assert.equal(isBlocked(verdict), false);
    for (const expect of ["block", "pass"] as const) assert.equal(isRight(caseOf(expect), verdict), false);
  }
});

test("an attack that was forwarded in an unambiguous form is right where the corpus says so only", () => {
  assert.equal(isRight(caseOf("block"), "clean"), false);
  assert.equal(isRight({ ...caseOf("block"), cleanIsRight: true }, "clean"), true);
  assert.equal(isRight({ ...caseOf("block"), cleanIsRight: true }, "forwarded"), false);
});

test("either is always right", () => {
  for (const verdict of ["waf", "forwarded"] as const) assert.equal(isRight(caseOf("either"), verdict), true);
});

function caseOf(expect: EvalCase["expect"]): EvalCase {
  return { id: "a", category: "c", expect, method: "GET", target: "/", headers: [], body: new Uint8Array(0) };
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { isInstalled, nginxRules, withDirectives } from "../../bench/load/modsecurity.ts";
import { attacks, judgeAttacks } from "../../bench/load/waf-check.ts";

test("a candidate inspects when it refuses every attack", () => {
  assert.deepEqual(judgeAttacks("zion", all(400)), { waf: "on", wrong: [] });
  assert.deepEqual(judgeAttacks("nginx-modsecurity", all(403)), { waf: "on", wrong: [] });
  assert.deepEqual(judgeAttacks("zion", all(200)), { waf: "off", wrong: [] });
  assert.deepEqual(judgeAttacks("nginx", all(200)), { waf: "off", wrong: [] });
});

test("a peer that lets an attack through is no peer", () => {
  const { waf, wrong } = judgeAttacks("apache-modsecurity", { ...all(403), "SQL in JSON": 200 });
  assert.equal(waf, "off");
  assert.deepEqual(wrong, ["lets an attack through: SQL in JSON"]);
  assert.equal(judgeAttacks("nginx-modsecurity", all(200)).wrong.length, 1);
});

test("a gateway that refuses some attacks is neither on nor off", () => {
  assert.equal(judgeAttacks("zion", { ...all(400), "SQL in JSON": 200 }).wrong.length, 1);
});

test("a server error is no refusal, and a plain nginx that refuses is not plain", () => {
  assert.equal(judgeAttacks("zion", all(502)).wrong.length, 3);
  assert.equal(judgeAttacks("nginx", all(403)).wrong.length, 1);
});

test("a shipped configuration is changed in the directives named, and in no other line", () => {
  const shipped = "# SecRuleEngine On\nSecRuleEngine DetectionOnly\nSecTmpDir /tmp/\nSecRuleEngineX no\n";
  assert.equal(
    withDirectives(shipped, { SecRuleEngine: "On", SecTmpDir: "/a/$&" }),
    "# SecRuleEngine On\nSecRuleEngine On\nSecTmpDir /a/$&\nSecRuleEngineX no\n",
  );
  assert.throws(() => withDirectives(shipped, { SecAuditLog: "x" }), /no SecAuditLog/);
});

test("a candidate of which a file is missing is not here", () => {
  assert.equal(isInstalled({ ...nginxRules, module: "/nowhere/module.so" }), false);
});

function all(status: number): Record<string, number> {
  return Object.fromEntries(Object.keys(attacks).map((name) => [name, status]));
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesAllowList } from "../../src/body/type-list.ts";
import { buildRouteWaf, defaultContentTypes, defaultWafSettings } from "../../src/gate/waf-settings.ts";
import { demoRuleSet } from "./waf-demo-rules.ts";

const ruleSet = demoRuleSet();

test("a profile that says nothing has the documented defaults", () => {
  const waf = buildRouteWaf({}, ruleSet);
  assert.equal(waf.maxBodyBytes, 10 * 1024 * 1024);
  assert.equal(waf.inspectBufferBytes, 1024 * 1024);
  assert.deepEqual(
    [waf.json.depthMax, waf.json.stringBytesMax, waf.json.numberCharsMax],
    [64, 1024 * 1024, 1024],
  );
  assert.deepEqual([waf.entropyCheck, waf.entropyThreshold], [true, 6.5]);
  assert.deepEqual([waf.profile.sensitivity, waf.profile.threshold], [1, 5]);
  assert.equal(waf.profile.onExhausted, "refuse");
});

test("aggressive is a higher sensitivity, and what is spelled out wins", () => {
  assert.equal(buildRouteWaf({ mode: "aggressive" }, ruleSet).profile.sensitivity, 3);
  assert.equal(buildRouteWaf({ mode: "aggressive", sensitivity: 2 }, ruleSet).profile.sensitivity, 2);
  assert.equal(buildRouteWaf({ threshold: 10 }, ruleSet).profile.threshold, 10);
});

test("a type that is none is named", () => {
  assert.throws(() => buildRouteWaf({ allowedContentTypes: ["json, please"] }, ruleSet), {
    name: "RangeError",
    message: '"json, please" is no content type',
  });
});

test("no default type is listed twice", () => {
  assert.equal(new Set(defaultContentTypes).size, defaultContentTypes.length);
  assert.equal(defaultWafSettings.allowedContentTypes, defaultContentTypes);
  const { allowed } = buildRouteWaf({ allowedContentTypes: ["default", "application/x-own"] }, ruleSet);
  for (const type of ["application/x-own", "application/json", "text/x"])
    assert.ok(matchesAllowList(type, allowed));
  assert.ok(!matchesAllowList("application/x-other", allowed));
});

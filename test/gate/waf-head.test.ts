import assert from "node:assert/strict";
import { test } from "node:test";
import type { WafSettings } from "../../src/gate/waf-settings.ts";
import { type Outcome, type RequestParts, WafBench } from "./waf-corpus.ts";
import { demoRuleSet } from "./waf-demo-rules.ts";

const ruleSet = demoRuleSet();

function outcomeOf(parts: RequestParts, settings: Partial<WafSettings> = {}): Outcome {
  return new WafBench(ruleSet, settings).give(parts);
}

function placeOf(parts: RequestParts): string {
  const { refused, findings } = outcomeOf(parts);
  return refused ? findings[0]!.split(" ")[1]! : "passed";
}

const found: readonly (readonly [string, RequestParts, string])[] = [
  ["the path", { target: "/a/xyzzy.html" }, "path"],
  ["an encoded path", { target: "/a/%78yzzy" }, "path"],
  ["a query value", { target: "/?a=1&q=a+xyzzy" }, "query:q"],
  ["an encoded query value", { target: "/?q=%2578yzzy" }, "query:q"],
  ["a query name", { target: "/?xyzzy=1" }, "query_name:xyzzy"],
  ["a query without names", { target: "/?xyzzy" }, "query"],
  ["User-Agent", { headers: [["User-Agent", "tool (xyzzy)"]] }, "header:user-agent"],
  ["Referer", { headers: [["Referer", "https://a.test/?q=%78yzzy"]] }, "header:referer"],
  ["a field of no known name", { headers: [["X-Any", "xyzzy"]] }, "header:x-any"],
  ["Authorization", { headers: [["Authorization", "Bearer xyzzy"]] }, "header:authorization"],
  ["Content-Type", { headers: [["Content-Type", "text/xyzzy"]] }, "header:content-type"],
  [
    "the second of two fields",
    {
      headers: [
        ["A", "b"],
        ["C", "xyzzy"],
      ],
    },
    "header:c",
  ],
  ["a cookie's value", { headers: [["Cookie", "a=1; b=%78yzzy"]] }, "cookie:b"],
  ["a cookie's name", { headers: [["Cookie", "a=1; xyzzy=2"]] }, "cookie_name:xyzzy"],
  [
    "a second Cookie field",
    {
      headers: [
        ["Cookie", "a=1"],
        ["Cookie", "b=xyzzy"],
      ],
    },
    "cookie:b",
  ],
  ["Accept, with a byte that it never has", { headers: [["Accept", "${xyzzy}"]] }, "header:accept"],
  ["Sec-CH-UA, with such a byte", { headers: [["sec-ch-ua", "'xyzzy'"]] }, "header:sec-ch-ua"],
];
for (const [what, parts, place] of found)
  test(`looks into ${what}`, () => {
    assert.equal(placeOf(parts), place);
  });

const passed: readonly (readonly [string, RequestParts])[] = [
  ["a plain request", { target: "/a/b?c=d", headers: [["User-Agent", "curl/8.5.0"]] }],
  ["a field's name", { headers: [["X-Xyzzy", "1"]] }],
  ["a plain Accept", { headers: [["Accept", "text/xyzzy;q=0.8, */*"]] }],
  ["a plain brand list", { headers: [["Sec-CH-UA", '"xyzzy";v="105", "Not)A;Brand";v="8"']] }],
  ["a condition", { headers: [["If-None-Match", 'W/"xyzzy"']] }],
];
for (const [what, parts] of passed)
  test(`passes ${what}`, () => {
    assert.deepEqual(outcomeOf(parts), { refused: false, gate: "", detail: "", findings: [] });
  });

test("points of different places add up", () => {
  const parts = { target: "/plugh?a=plugh", headers: [["User-Agent", "plugh"]] as const };
  assert.equal(outcomeOf(parts).refused, false, "each rule counts once");
  assert.equal(outcomeOf({ target: "/plugh", headers: [["A", "xyzzy"]] }).refused, true);
  assert.deepEqual(outcomeOf(parts, { threshold: 2 }).detail, "demo-plugh");
});

test("scan_headers has plain fields inspected as well, by name, prefix, or all", () => {
  const accept: RequestParts = { headers: [["Accept", "text/xyzzy"]] };
  const brand: RequestParts = { headers: [["Sec-CH-UA", '"xyzzy"']] };
  const scanned = (parts: RequestParts, scanHeaders: string[]): boolean =>
    outcomeOf(parts, { scanHeaders }).refused;
  assert.equal(scanned(accept, ["Accept"]), true);
  assert.equal(scanned(accept, ["acc*"]), true);
  assert.equal(scanned(accept, ["accept-language"]), false);
  assert.equal(scanned(accept, ["*"]), true);
  assert.equal(scanned(brand, ["*"]), true);
  assert.equal(scanned(brand, ["sec-ch-*"]), true);
  assert.equal(scanned(brand, ["accept"]), false);
});

test("a disabled rule refuses nothing", () => {
  assert.equal(outcomeOf({ target: "/xyzzy" }, { disabledRules: ["demo-xyzzy"] }).refused, false);
});

test("an exclusion takes a rule out of one field only", () => {
  const excludes = [{ rule: "demo-xyzzy", field: "header:x-any" }];
  assert.equal(outcomeOf({ headers: [["X-Any", "xyzzy"]] }, { excludes }).refused, false);
  assert.equal(outcomeOf({ headers: [["X-Other", "xyzzy"]] }, { excludes }).refused, true);
});

test("requests leave nothing behind for the next", () => {
  const bench = new WafBench(ruleSet);
  assert.equal(bench.give({ target: "/?a=xyzzy", headers: [["Cookie", "a=xyzzy"]] }).refused, true);
  assert.equal(bench.give({ target: "/?a=1", headers: [["Cookie", "a=1"]] }).refused, false);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CleanValues } from "../../src/gate/clean-values.ts";
import { HeadInspection } from "../../src/gate/waf-head.ts";
import { buildRouteWaf } from "../../src/gate/waf-settings.ts";
import { readHead } from "../../src/http/head.ts";
import { CanonicalRequest } from "../../src/http/request.ts";
import { Inspector } from "../../src/waf/inspector.ts";
import { Scratch } from "../../src/waf/scratch.ts";
import { defaultLimits } from "../support/head-reading.ts";
import { WafBench } from "./waf-corpus.ts";
import { demoRuleSet } from "./waf-demo-rules.ts";

test("only values that were added since the last clearing are known", () => {
  const any = fc.array(fc.constantFrom(..."ab\0\xff"), { maxLength: 26 }).map((chars) => chars.join(""));
  const key = fc.oneof(any, fc.constantFrom("a", "ab", "b\0", "ab".repeat(12)));
  const keys = new CleanValues(128, 24);
  let hits = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), key), { maxLength: 60 }), (steps) => {
      keys.clear();
      const added = new Set<string>();
      for (const [isAdded, text] of steps) {
        const bytes = Buffer.from(`?${text}?`, "latin1");
        if (keys.has(bytes, 1, bytes.length - 1)) {
          assert.ok(added.has(text), text);
          hits++;
        }
        if (!isAdded) continue;
        keys.add(bytes, 1, bytes.length - 1);
        added.add(text);
        assert.equal(keys.has(bytes, 1, bytes.length - 1), text !== "" && text.length <= 24);
      }
    }),
  );
  assert.ok(hits > 0);
});

test("a value that must come twice is known after the second time, with its work units", () => {
  const values = new CleanValues(128, 24);
  const bytes = Buffer.from("London");
  values.addSecond(bytes, 0, 6, 12);
  assert.equal(values.unitsOf(bytes, 0, 6), -1);
  values.addSecond(bytes, 0, 6, 12);
  assert.equal(values.unitsOf(bytes, 0, 6), 12);
  values.clear();
  assert.equal(values.unitsOf(bytes, 0, 6), -1);
});

test("a key that is excluded at one place is looked at again at the next", () => {
  const excludes = [{ rule: "demo-xyzzy", field: "json_key:$[0].xyzzy" }];
  const bench = new WafBench(demoRuleSet(), { excludes });
  const give = (body: string) =>
    bench.give({ method: "POST", headers: [["Content-Type", "application/json"]], body: Buffer.from(body) });
  assert.equal(give('[{"xyzzy":1}]').refused, false);
  assert.equal(give('[{"xyzzy":1},{"xyzzy":1}]').refused, true);
});

test("a user agent that was clean is passed over, for its profile alone", () => {
  const ruleSet = demoRuleSet();
  const headers = [["User-Agent", "a xyzzy browser"]] as const;
  const clean = [["User-Agent", "a browser"]] as const;
  const lenient = new WafBench(ruleSet, { disabledRules: ["demo-xyzzy"] });
  const unitsOf = (bench: WafBench): number => {
    bench.give({ headers: clean });
    return bench.inspector.workUnits;
  };
  const first = unitsOf(lenient);
  assert.ok(unitsOf(lenient) < first, "not read again");
  assert.equal(lenient.give({ headers }).refused, false);
  const both = new HeadInspection(1);
  const [off, on] = [{ disabledRules: ["demo-xyzzy"] }, {}].map((settings) =>
    buildRouteWaf(settings, ruleSet),
  );
  const inspector = new Inspector(new Scratch(ruleSet));
  const request = new CanonicalRequest();
  const head = Buffer.from("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: a xyzzy browser\r\n\r\n");
  readHead(head, 0, head.length, request, defaultLimits);
  const refused = [off!, on!, off!, on!].map((waf) => {
    inspector.begin(waf.profile);
    both.inspect(request, waf, inspector);
    return inspector.refused;
  });
  assert.deepEqual(refused, [false, true, false, true]);
});

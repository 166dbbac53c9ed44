import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CleanKeys } from "../../src/gate/clean-keys.ts";
import { WafBench } from "./waf-corpus.ts";
import { demoRuleSet } from "./waf-demo-rules.ts";

test("only keys that were added to this body are known", () => {
  const key = fc.array(fc.constantFrom(..."ab\0\xff"), { maxLength: 26 }).map((chars) => chars.join(""));
  const keys = new CleanKeys();
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

test("a key that is excluded at one place is looked at again at the next", () => {
  const excludes = [{ rule: "demo-xyzzy", field: "json_key:$[0].xyzzy" }];
  const bench = new WafBench(demoRuleSet(), { excludes });
  const give = (body: string) =>
    bench.give({ method: "POST", headers: [["Content-Type", "application/json"]], body: Buffer.from(body) });
  assert.equal(give('[{"xyzzy":1}]').refused, false);
  assert.equal(give('[{"xyzzy":1},{"xyzzy":1}]').refused, true);
});

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { BODY_TEXT, Place } from "../../src/body/place.ts";
import { Inspector } from "../../src/waf/inspector.ts";
import { compileProfile } from "../../src/waf/profile.ts";
import { Scratch } from "../../src/waf/scratch.ts";
import { shippedRuleSet } from "../gate/waf-corpus.ts";

const texts = path.resolve(import.meta.dirname, "../eval/benign/texts");

test("no text that people write spends the work budget, however long it is", () => {
  const ruleSet = shippedRuleSet();
  const inspector = new Inspector(new Scratch(ruleSet));
  // Findings do not end it here: what is measured is the work.
  const profile = compileProfile(ruleSet, { threshold: 1_000 });
  const place = new Place();
  place.kind = BODY_TEXT;
  const files = readdirSync(texts);
  assert.ok(files.length >= 15);
  for (const file of files) {
    const text = readFileSync(path.join(texts, file));
    const long = Buffer.concat(Array.from({ length: Math.ceil(65_536 / text.length) }, () => text));
    inspector.begin(profile);
    inspector.value(long, 0, long.length, place);
    assert.equal(inspector.exhausted, false, `${file}: ${inspector.workUnits / long.length} units a byte`);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, codesAt, minimal, parseText } from "../support/config-case.ts";

const sample = (lines: string): string => `${minimal}[[access_log.sample]]\n${lines}\n`;

test("what a sample names must exist", () => {
  assert.deepEqual(codesAt(sample('routes = ["/", "/shpo"]')), ["Z1210 11:16"]);
  assert.deepEqual(codesAt(sample('decisions = ["allow", "refuse"]')), ["Z1106 11:23"]);
  assert.deepEqual(codesAt(sample('status = ["2xx", "200"]')), ["Z1106 11:18"]);
  assert.deepEqual(codesAt(sample("rate = 1.5")), ["Z1043 11:8"]);
  const { diagnostics } = parseText(sample('decisions = ["alow"]'));
  assert.match(brief(diagnostics)[0]!, /there is no decision "alow"/);
  assert.equal(diagnostics[0]?.suggestion, "allow");
});

test("a format that there is not is refused", () => {
  assert.deepEqual(codesAt(`${minimal}[access_log]\nformat = "esc"\n`), ["Z1045 11:10"]);
});

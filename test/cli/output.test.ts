import assert from "node:assert/strict";
import { test } from "node:test";
import { wantsColor } from "../../src/cli/output.ts";

test("colours are for a terminal, unless NO_COLOR or the flag says otherwise", () => {
  assert.equal(wantsColor("auto", true, {}), true);
  assert.equal(wantsColor("auto", false, {}), false);
  assert.equal(wantsColor("auto", true, { NO_COLOR: "1" }), false);
  // https://no-color.org: an empty value does not count.
  assert.equal(wantsColor("auto", true, { NO_COLOR: "" }), true);
  assert.equal(wantsColor("auto", true, { TERM: "dumb" }), false);
  assert.equal(wantsColor("always", false, { NO_COLOR: "1" }), true);
  assert.equal(wantsColor("never", true, {}), false);
});

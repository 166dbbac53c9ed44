import assert from "node:assert/strict";
import { test } from "node:test";
import { explainCommand } from "../../src/cli/explain.ts";
import { codes } from "../../src/config/codes.ts";

test("every code has a page with a reason, an effect and a fix", () => {
  for (const code of Object.keys(codes)) {
    let out = "";
    const stream = { write: (text: string) => void (out += text), color: false };
    assert.equal(explainCommand(code, { out: stream, err: stream }), 0);
    assert.match(
      out,
      new RegExp(`^${code} \\((error|warning)\\): .+\\n\\n.{20,}\\n\\nEffect: .{10,}\\nFix: {4}.{8,}\\n`),
      code,
    );
    assert.doesNotMatch(out, /undefined| $/m);
  }
});

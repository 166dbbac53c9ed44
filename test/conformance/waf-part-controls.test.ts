import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { named, part, postParts } from "./waf-bypass-request.ts";

// MySQL reads vertical tabs as spaces, SQL Server all of 0x01 to 0x1f; padding behind a comment makes text look binary.

test("a field of a form is not taken for binary because of its white space", async (t) => {
  const { edge } = await startBench(t, { waf: true });
  for (const space of ["\x0b", "\x0c", "\x01", "\x1f", "\xa0"]) {
    const value = `1' UNION SELECT login FROM users-- ${"\x02".repeat(150)}`.replaceAll(" ", space);
    assert.equal((await ask(edge.port, postParts(part(named, value)))).status, 400, JSON.stringify(space));
  }
});

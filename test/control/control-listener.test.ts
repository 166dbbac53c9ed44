import assert from "node:assert/strict";
import { test } from "node:test";
import { json } from "../../src/control/control-listener.ts";
import { exchange, listen } from "./control-client.ts";

test("a connection that asks nothing is closed without a word, one that asks nonsense is told", async (t) => {
  const port = await listen(t, async () => json(200, {}));
  const [silent, nonsense] = await Promise.all([exchange(port, ""), exchange(port, "what\r\n\r\n")]);
  assert.equal(silent, "");
  assert.match(nonsense, /^HTTP\/1\.1 400 /);
});

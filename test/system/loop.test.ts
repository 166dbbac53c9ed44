import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../support/free-port.ts";
import { startGateway } from "../support/gateway.ts";
import { ask } from "../support/raw-client.ts";
import { systemConfig } from "./config.ts";

test("a gateway whose upstream is itself answers 508 instead of asking itself for ever", async (t) => {
  // Two workers: a request that comes round to the other one is the same loop.
  const port = await freePort();
  const gateway = await startGateway(t, systemConfig(port), { listenPort: port });
  for (let n = 0; n < 20; n++) {
    const answer = await ask(gateway.port, "GET /round HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert.equal(answer.status, 508);
  }
});

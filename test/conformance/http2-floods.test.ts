import assert from "node:assert/strict";
import { test } from "node:test";
import { floods, openingOf, runFlood } from "../support/h2-floods.ts";
import { openFrames } from "../support/h2-frames.ts";
import { startBench } from "./bench.ts";

/** A hundred at a time, and some that come in while it is noticed (reliability.md §2.6). */
const REQUESTS_MAX = 120;
const DEADLINE_MS = 8000;

test("HTTP/2 floods end their connection and few requests reach the origin", async (t) => {
  const { edge, origin } = await startBench(t, {
    tlsNames: [],
    tls: `alpn = ["h2"]`,
    server: "write_timeout_ms = 1000\nbody_idle_timeout_ms = 1000",
  });
  for (const flood of floods) {
    await t.test(`${flood.id}: ${flood.title}`, async (t) => {
      origin.forget();
      const client = await openFrames(edge.tlsPort, { opening: openingOf(flood) });
      t.after(() => client.end());
      const tookMs = await runFlood(client, flood, DEADLINE_MS);
      assert.notEqual(tookMs, undefined, "the connection is still open");
      assert.ok(origin.requests.length <= REQUESTS_MAX, `${origin.requests.length} requests at the origin`);
    });
  }
  await t.test("and leave nothing behind", async () => {
    const lastMs = Date.now() + 5000;
    while (edge.metric("zion_h2_connections") > 0 || edge.metric("zion_connections", "https") > 0) {
      assert.ok(Date.now() < lastMs, "connections are still counted");
      await new Promise((resume) => setTimeout(resume, 20));
    }
    assert.equal(edge.metric("zion_defects_total"), 0);
  });
});

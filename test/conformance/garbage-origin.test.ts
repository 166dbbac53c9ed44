import assert from "node:assert/strict";
import { test } from "node:test";
import { startEdge } from "../support/edge.ts";
import { ok, rawAnswer, startOrigin } from "../support/origin.ts";
import { ask, connect, field } from "../support/raw-client.ts";
import { benchConfig } from "./bench.ts";
import { get } from "./case.ts";
import { garbageOriginCases } from "./garbage-origin.cases.ts";

// FR25, C33, F15: what an origin answers cannot hurt the gateway, nor anybody's next answer.

test("a garbage origin costs its own request only", async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const edge = await startEdge(benchConfig(origin.port));
  t.after(() => edge.stop());
  let executed = 0;
  for (const one of garbageOriginCases) {
    await t.test(one.title, async () => {
      origin.forget();
      origin.script = rawAnswer(one.answer, one.after);
      const client = await connect(edge.port);
      client.send(get("/garbage"));
      const answer = await client.answer();
      assert.equal(client.timedOut, false);
      if (one.outcome === "exact") {
        assert.deepEqual([answer?.status, answer?.body.toString(), answer?.end], [200, "ok", "framed"]);
        assert.equal(client.rest.length, 0);
      } else if (one.outcome === "invalid" || answer?.status === 502) {
        assert.equal(answer?.status, 502);
        const line = await edge.logLine(field(answer!, "x-request-id")!);
        assert.ok(
          ["upstream_invalid", "upstream_reset"].includes(String(line["zion.reason"])),
          String(line["zion.reason"]),
        );
        if (one.outcome === "invalid") assert.equal(line["zion.reason"], "upstream_invalid");
      } else if (answer !== undefined) {
        assert.deepEqual([answer.status, answer.end], [200, "cut"]);
      }
      client.destroy();
      // The connection that brought it is gone, and the next request has one of its own.
      await origin.connections.at(-1)!.over;
      origin.script = rawAnswer(ok("clean"));
      const next = await ask(edge.port, get("/next"));
      assert.deepEqual([next.status, next.body.toString()], [200, "clean"]);
    });
    executed++;
  }
  assert.ok(executed >= 30, `only ${executed} cases ran`);
});

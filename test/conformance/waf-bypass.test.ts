import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, field } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { bypassCases } from "./waf-bypass.cases.ts";

/** A case that is lost is a failure. */
const COUNT = 705;

test("every known way past a WAF gets the listed outcome", { timeout: 120_000 }, async (t) => {
  assert.equal(bypassCases.length, COUNT);
  const { edge, origin } = await startBench(t, { waf: true });
  for (const { id, name, bytes, outcome } of bypassCases) {
    await t.test(`${id}: ${name}`, async () => {
      origin.forget();
      const answer = await ask(edge.port, bytes, { deadlineMs: 8000 });
      const line = await edge.logLine(field(answer, "x-request-id") ?? "");
      const gate = line["zion.waf.gate"];
      const findings = (line["zion.waf.findings"] ?? []) as unknown as { rule: string }[];
      const details = [
        line["zion.waf.detail"],
        line["security_rule.ruleset.name"],
        ...findings.map(({ rule }) => rule),
      ];
      const [kind, detail] = outcome.split("/");
      const seen = `${answer.status} ${gate ?? line["zion.reason"] ?? "passed"} ${details.join(" ")}`;
      if (outcome === "passes") {
        assert.equal(answer.status, 200, seen);
        const sent = bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
        assert.ok((await origin.requests[0]!.body).equals(sent), "the body changed on its way");
        return;
      }
      // A body longer than the buffer flows, and so does gRPC: then its request was cut, never ended.
      const mayFlow = bytes.length > 1_048_576 || bytes.includes("application/grpc");
      assert.ok(mayFlow || origin.requests.length === 0, `something was forwarded: ${seen}`);
      for (const request of origin.requests) await assert.rejects(request.body);
      if (kind === "reason") {
        assert.equal(line["zion.reason"], detail, seen);
        return;
      }
      assert.deepEqual([answer.status, answer.body.toString()], [400, "request rejected"], seen);
      assert.equal(gate, kind, seen);
      if (detail !== undefined) assert.ok(details.includes(detail), seen);
    });
  }
  assert.equal(edge.metric("zion_defects_total"), 0);
  assert.equal(edge.metric("zion_waf_held_bytes"), 0);
});

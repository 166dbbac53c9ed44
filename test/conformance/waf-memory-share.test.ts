import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, connect, type RawClient } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { json, postRequest } from "./waf-bypass-request.ts";

// 64 connections that each send all but one byte of 1 MiB hold the default 64 MiB, and may trickle for 17 minutes.

test("one client cannot take the memory of everyone's bodies", async (t) => {
  const { edge } = await startBench(t, { waf: true, tables: "[waf]\nmax_buffered_mb = 8\n" });
  const clients: RawClient[] = [];
  const hold = async (segments: number): Promise<void> => {
    const client = await connect(edge.port, { deadlineMs: 30_000, localAddress: "127.0.0.2" });
    client.send(
      postRequest("text/plain", "words so ".repeat(200_000).slice(0, segments * 16_384)).subarray(0, -1),
    );
    clients.push(client);
  };
  const held = async (segments: number): Promise<void> => {
    while (edge.metric("zion_waf_held_bytes") < segments * 16_384)
      await new Promise((resume) => setImmediate(resume));
  };
  // 512 segments are all there is.
  for (let n = 1; n <= 8; n++) await hold(61).then(() => held(n * 61));
  for (let n = 1; n <= 24; n++) await hold(1).then(() => held(488 + n));
  for (let n = 0; n < 4; n++) await hold(61);
  const answer = await ask(edge.port, postRequest(json, '{"a":"small and honest"}'), { deadlineMs: 20_000 });
  assert.equal(answer.status, 200);
  for (const client of clients) client.destroy();
});

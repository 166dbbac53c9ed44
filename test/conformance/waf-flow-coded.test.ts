import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { ask } from "../support/raw-client.ts";
import { snappySync } from "../support/snappy.ts";
import { startBench } from "./bench.ts";
import { attacks, postRequest } from "./waf-bypass-request.ts";

// How far the inspection of a coded body has come cannot be told in coded bytes: such bodies are held.

test("of an attack in a flowing coded body nothing reaches the upstream", async (t) => {
  const { edge, origin } = await startBench(t, { waf: true, route: 'body = "stream"' });
  for (const [coding, encode, type] of [
    ["gzip", gzipSync, "text/plain"],
    ["deflate", deflateSync, "text/plain"],
    ["br", brotliCompressSync, "text/plain"],
    ["zstd", zstdCompressSync, "text/plain"],
    ["snappy", snappySync, "application/x-protobuf"],
  ] as const) {
    const [, attack] = attacks[0]!;
    const body = encode(Buffer.from(`${attack}\n${randomBytes(300_000).toString("hex")}`));
    const attackEnd = encode(Buffer.from(attack)).length + 4096;
    const request = postRequest(type, body, `Content-Encoding: ${coding}`, `X-Case: ${coding}`);
    assert.equal((await ask(edge.port, request)).status, 400, coding);
    assert.equal((await ask(edge.port, postRequest("text/plain", "fine"))).status, 200);
    const seen = origin.requests.find(({ fields }) =>
      fields.some(([name, value]) => name === "x-case" && value === coding),
    );
    assert.ok(
      (seen?.bodyBytes() ?? 0) < attackEnd,
      `${coding}: ${seen?.bodyBytes()} coded bytes were forwarded`,
    );
  }
});

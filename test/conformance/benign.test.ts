import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, type RawClient } from "../support/raw-client.ts";
import { type CorpusCase, needsShared, readCorpus } from "../support/shared.ts";
import { startBench } from "./bench.ts";

test("recorded browsing reaches the upstream, query and body byte-exact", async (t) => {
  const shared = needsShared(t);
  if (shared === undefined) return;
  const cases = readCorpus(shared, "benign-browsing.jsonl");
  assert.equal(cases.length, 4000);
  const { edge, origin } = await startBench(t, { waf: true });
  let client: RawClient | undefined;
  t.after(() => client?.destroy());
  const statuses = new Map<number, string[]>();
  const wrong: string[] = [];

  for (const one of cases) {
    client ??= await connect(edge.port, { deadlineMs: 60_000 });
    origin.forget();
    client.send(bytesOf(one));
    const answer = await client.answer(one.method);
    const status = answer?.status ?? 0;
    statuses.set(status, [...(statuses.get(status) ?? []), one.id]);
    const [request] = origin.requests;
    if (status === 200) {
      const body = await request!.body;
      const query = (target: string): string =>
        target.includes("?") ? target.slice(target.indexOf("?")) : "";
      if (query(request!.target) !== query(one.target)) wrong.push(`query of ${one.id}: ${request!.target}`);
      if (!body.equals(Buffer.from(one.body_b64, "base64"))) wrong.push(`body of ${one.id}`);
      if (request!.method !== one.method) wrong.push(`method of ${one.id}`);
      for (const cookie of one.headers.filter(([name]) => name.toLowerCase() === "cookie")) {
        if (!request!.fields.some(([name, value]) => name === "cookie" && value === cookie[1].trim())) {
          wrong.push(`cookie of ${one.id}`);
        }
      }
    } else if (request !== undefined) {
      wrong.push(`${one.id} was answered ${status} and forwarded`);
    }
    if (client.ended || answer?.fields.some(([name, value]) => name === "connection" && value === "close")) {
      client.destroy();
      client = undefined;
    }
  }

  assert.deepEqual(wrong, []);
  const refused = [...statuses]
    .filter(([status]) => status !== 200)
    .map(([status, ids]) => [status, ids.length]);
  assert.deepEqual(refused, [[414, 1]]);
  assert.equal(statuses.get(200)?.length, 3999);
  t.diagnostic("4,000 requests: 3,999 forwarded, one 414");
});

/** The case as its browser sent it. */
function bytesOf(one: CorpusCase): Buffer {
  const fields = one.headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.concat([
    Buffer.from(`${one.method} ${one.target} HTTP/1.1\r\n${fields}\r\n`, "latin1"),
    Buffer.from(one.body_b64, "base64"),
  ]);
}

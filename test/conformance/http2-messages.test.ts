import assert from "node:assert/strict";
import { test } from "node:test";
import { END_STREAM, HEADERS, head, openFrames, request } from "../support/h2-frames.ts";
import { startBench } from "./bench.ts";
import { bodyFaults, headRefusals, passedMessages } from "./http2-messages.cases.ts";

async function until(holds: () => boolean): Promise<void> {
  const lastMs = Date.now() + 5000;
  while (!holds()) {
    if (Date.now() > lastMs) throw new Error("it did not come about within 5 s");
    await new Promise((resume) => setTimeout(resume, 10));
  }
}

test("HTTP/2 messages that are refused reach no origin", async (t) => {
  const { edge, origin } = await startBench(t, { tlsNames: [], tls: `alpn = ["h2"]` });
  for (const { id, title, send, outcome, reason } of headRefusals) {
    await t.test(`${id}: ${title}`, async (t) => {
      const count = (): number => edge.metric("zion_reject_total", reason);
      const before = count();
      const client = await openFrames(edge.tlsPort);
      t.after(() => client.end());
      client.send(send);
      assert.equal(await client.outcome(1), outcome);
      assert.equal(origin.requests.length, 0, "requests at the origin");
      if (reason !== undefined) await until(() => count() > before);
    });
  }
});

test("HTTP/2 requests for a head get no content, even when they are refused for their own head", async (t) => {
  const { edge } = await startBench(t, { tlsNames: [], tls: `alpn = ["h2"]` });
  const client = await openFrames(edge.tlsPort);
  t.after(() => client.end());
  const refused = [
    ["414", head("HEAD", `/${"x".repeat(12_000)}`)],
    ["400", head("HEAD", "/%zz")],
    ["400", head("HEAD", "/x", ["x_forwarded_for", "1"])],
    ["431", head("HEAD", "/x", ["x-a", "x".repeat(15_000)])],
  ] as const;
  for (const [index, [status, fields]] of refused.entries()) {
    const id = 2 * index + 1;
    client.send(request(id, fields));
    assert.equal(await client.outcome(id), status);
    const answer = await client.wait(({ type, stream }) => type === HEADERS && stream === id);
    assert.notEqual(answer.flags & END_STREAM, 0, `content behind ${status}`);
  }
});

test("HTTP/2 bodies that are not what content-length said reach no origin as whole requests", async (t) => {
  const { edge, origin } = await startBench(t, { tlsNames: [], tls: `alpn = ["h2"]` });
  for (const [title, ...send] of bodyFaults) {
    await t.test(title, async (t) => {
      origin.forget();
      const client = await openFrames(edge.tlsPort);
      t.after(() => client.end());
      // In two steps: the head must have reached the origin for its body to be cut there.
      client.send(...send.slice(0, -1));
      if (send.length > 1) await origin.request(0);
      client.send(send.at(-1)!);
      if (!title.startsWith("reset")) assert.match(await client.outcome(1), /^(reset|goaway|400)/);
      await until(() =>
        origin.connections.every(
          (connection) => connection.isOver() || connection.ended() || connection.requests.length === 0,
        ),
      );
      for (const seen of origin.requests)
        assert.equal(seen.complete(), false, "the origin saw a whole request");
    });
  }
});

test("HTTP/2 messages that are passed on say the same at the origin", async (t) => {
  const { edge, origin } = await startBench(t, { tlsNames: [], tls: `alpn = ["h2"]` });
  for (const { title, send, has, lacks, body } of passedMessages) {
    await t.test(title, async (t) => {
      origin.forget();
      const client = await openFrames(edge.tlsPort);
      t.after(() => client.end());
      client.send(...send);
      assert.equal(await client.outcome(1), "200");
      const seen = await origin.request(0);
      for (const pattern of has ?? []) assert.match(seen.head, pattern);
      for (const pattern of lacks ?? []) assert.doesNotMatch(seen.head, pattern);
      if (body !== undefined) assert.equal((await seen.body).latin1Slice(), body);
      assert.equal(origin.requests.length, 1, "requests at the origin");
      for (const connection of origin.connections)
        assert.equal(connection.leftover().length, 0, "bytes that belong to no request");
    });
  }
});

import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { type TestContext, test } from "node:test";
import type { ControlRequest } from "../../src/control/control-listener.ts";
import { createEventFeed } from "../../src/control/event-feed.ts";
import type { Decision } from "../../src/record/decision-log.ts";
import { listen } from "./control-client.ts";
import { until } from "./gateway.ts";

async function start(t: TestContext) {
  let nowMs = 0;
  let dropped = 0;
  const feed = createEventFeed({
    generation: () => 7,
    onDropped: (count) => {
      dropped += count;
    },
    clock: { nowMs: () => nowMs, wallMs: () => nowMs },
  });
  const handle = (_request: ControlRequest) =>
    feed.endpoint.answer(
      {
        method: "GET",
        path: "",
        query: new URLSearchParams(),
        header: () => "",
        body: Buffer.alloc(0),
        actor: "",
      },
      "",
    );
  const port = await listen(t, handle);
  return {
    feed,
    port,
    advance: (ms: number) => (nowMs += ms),
    get dropped() {
      return dropped;
    },
  };
}

/** A client, and what it has heard. */
async function join(t: TestContext, port: number) {
  const heard: { event: string; data: Record<string, unknown> }[] = [];
  let isOver = false;
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const request = http.get({ host: "127.0.0.1", port, path: "/", agent: false }, resolve);
    request.on("error", reject);
    t.after(() => request.destroy());
  });
  let rest = "";
  response.setEncoding("utf8");
  response.on("data", (part: string) => {
    const blocks = (rest + part).split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
      if (event !== undefined) heard.push({ event, data: JSON.parse(data!) as Record<string, unknown> });
    }
  });
  response.on("error", () => {});
  response.on("close", () => {
    isOver = true;
  });
  return { heard, response, status: response.statusCode, over: () => isOver };
}

const decision = (requestId: string) => ({ requestId, timeMs: 0, totalMs: 1 }) as Decision;

test("a client hears where it begins, and then what happens", async (t) => {
  const run = await start(t);
  const client = await join(t, run.port);
  assert.equal(client.response.headers["content-type"], "text/event-stream");
  run.feed.publish("generation", { generation: 8 });
  run.feed.publishDecisions([decision("a")]);
  await until("three events", () => client.heard.length === 3);
  assert.deepEqual(client.heard, [
    { event: "hello", data: { format_version: "1.0", generation: 7 } },
    { event: "generation", data: { generation: 8 } },
    { event: "decision", data: { time: "1970-01-01T00:00:00.000Z", requestId: "a", totalMs: 1 } },
  ]);
});

test("of more than 50 decisions a second the rest is counted, and said before the next event", async (t) => {
  const run = await start(t);
  const client = await join(t, run.port);
  run.feed.publishDecisions(Array.from({ length: 80 }, (_, i) => decision(`${i}`)));
  run.feed.publishDecisions([decision("late")]);
  assert.equal(run.dropped, 31);
  run.advance(1000);
  run.feed.publishDecisions([decision("next")]);
  await until("the last one", () => client.heard.at(-1)?.data["requestId"] === "next");
  assert.equal(client.heard.length, 1 + 50 + 1 + 1);
  assert.deepEqual(client.heard.at(-2), { event: "dropped", data: { count: 31 } });
});

test("eight clients listen at most", async (t) => {
  const run = await start(t);
  const clients = await Promise.all(Array.from({ length: 8 }, () => join(t, run.port)));
  assert.deepEqual(new Set(clients.map(({ status }) => status)), new Set([200]));
  assert.equal((await join(t, run.port)).status, 503);
  clients[0]!.response.destroy();
  await until("the place is free", async () => (await join(t, run.port)).status === 200);
});

test("a client that takes nothing costs a bounded buffer, and others miss nothing", async (t) => {
  const run = await start(t);
  const deaf = net.connect(run.port, "127.0.0.1");
  t.after(() => deaf.destroy());
  deaf.pause();
  deaf.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const good = await join(t, run.port);
  const text = "x".repeat(50_000);
  for (let i = 0; i < 400; i++) {
    run.feed.publish("worker_exit", { i, text });
    await until("the good one keeps up", () => good.heard.length === i + 2);
  }
  assert.ok(run.dropped > 100, `${run.dropped} dropped`);
  assert.ok(!good.heard.some(({ event }) => event === "dropped"));
});

test("who listened under other rules is sent away", async (t) => {
  const run = await start(t);
  const client = await join(t, run.port);
  run.feed.endAll();
  await until("it is over", client.over);
});

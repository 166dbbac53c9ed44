import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "../support/gateway.ts";
import { startLoad } from "../support/load.ts";
import { ok, startOrigin } from "../support/origin.ts";
import { connect, field } from "../support/raw-client.ts";
import { fullForm } from "../support/shared.ts";
import { systemConfig } from "./config.ts";

test("200 clients that drip their heads are closed, while others are served", async (t) => {
  // L4, C11
  const origin = await startOrigin({
    script: (request, connection) => void connection.socket.write(ok(request.target)),
  });
  t.after(() => origin.close());
  const gateway = await startGateway(t, systemConfig(origin.port, { server: "header_timeout_ms = 1000" }));
  const slow = await Promise.all(
    Array.from({ length: 200 }, () => connect(gateway.port, { deadlineMs: 30_000 })),
  );
  for (const client of slow) client.send("GET /slow HTTP/1.1\r\nHost: a.test\r\n");
  const drip = setInterval(() => {
    for (const client of slow) if (!client.ended && !client.closed) client.send("X-Drip: 1\r\n");
  }, 100);
  t.after(() => clearInterval(drip));
  const load = startLoad(gateway.port, { connections: 10 });
  t.after(() => load.stop());
  const answers = await Promise.all(slow.map((client) => client.answer()));
  await load.more(100);
  await load.stop();
  assert.deepEqual(load.failures, []);
  for (const answer of answers) {
    assert.equal(answer?.status, 408);
    assert.equal(field(answer, "connection"), "close");
  }
  await Promise.all(slow.map((client) => client.untilOver()));
  assert.ok(!origin.requests.some(({ target }) => target === "/slow"));
});

test("clients that stop inside their body are answered 408, and nothing complete went upstream", async (t) => {
  // C12
  const origin = await startOrigin();
  t.after(() => origin.close());
  const gateway = await startGateway(t, systemConfig(origin.port, { server: "body_idle_timeout_ms = 1000" }));
  const slow = await Promise.all(
    Array.from({ length: 50 }, () => connect(gateway.port, { deadlineMs: 30_000 })),
  );
  for (const client of slow)
    client.send("POST /slow HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\npart");
  const answers = await Promise.all(slow.map((client) => client.answer()));
  assert.deepEqual([...new Set(answers.map((answer) => answer?.status))], [408]);
  for (const request of origin.requests) {
    await request.connection.over;
    assert.equal(request.complete(), false);
  }
});

test("clients that drip their body below the minimum rate are answered 408", {
  skip: fullForm ? false : "takes 12 s: set ZION_FULL=1",
}, async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const gateway = await startGateway(t, systemConfig(origin.port));
  const slow = await Promise.all(
    Array.from({ length: 100 }, () => connect(gateway.port, { deadlineMs: 60_000 })),
  );
  for (const client of slow)
    client.send("POST /slow HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\n");
  const drip = setInterval(() => {
    for (const client of slow) if (!client.ended && !client.closed) client.send("x");
  }, 500);
  t.after(() => clearInterval(drip));
  const answers = await Promise.all(slow.map((client) => client.answer()));
  assert.deepEqual([...new Set(answers.map((answer) => answer?.status))], [408]);
});

test("clients that do not read their answers are closed, and hold no memory until then", async (t) => {
  // C13, F17
  const chunk = Buffer.alloc(65536);
  const origin = await startOrigin({
    script: (_request, connection) => {
      connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${1 << 30}\r\n\r\n`);
      const more = (): void => {
        if (!connection.socket.destroyed && connection.socket.write(chunk)) setImmediate(more);
      };
      connection.socket.on("drain", more);
      more();
    },
  });
  t.after(() => origin.close());
  const gateway = await startGateway(t, systemConfig(origin.port, { server: "write_timeout_ms = 1500" }));
  const resident = (): number => gateway.workers().reduce((sum, pid) => sum + gateway.rss(pid), 0);
  const before = resident();
  const slow = await Promise.all(
    Array.from({ length: 50 }, () => connect(gateway.port, { deadlineMs: 60_000 })),
  );
  for (const client of slow) {
    client.socket.pause();
    client.send("GET /large HTTP/1.1\r\nHost: a.test\r\n\r\n");
  }
  await origin.request(49);
  let most = 0;
  const sampling = setInterval(() => {
    most = Math.max(most, resident());
  }, 50);
  t.after(() => clearInterval(sampling));
  await Promise.all(origin.requests.map((request) => request.connection.over));
  for (const client of slow) client.destroy();
  const perClient = (most - before) / slow.length;
  t.diagnostic(`${Math.round(perClient / 1024)} KiB a client at most`);
  assert.ok(perClient < 384 * 1024, `${Math.round(perClient / 1024)} KiB a client`);
});

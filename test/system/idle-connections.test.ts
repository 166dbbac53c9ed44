import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { startGateway } from "../support/gateway.ts";
import { startLoad } from "../support/load.ts";
import { ok, startOrigin } from "../support/origin.ts";
import { ask, connect, type RawClient } from "../support/raw-client.ts";
import { fullForm, needs } from "../support/shared.ts";
import { systemConfig } from "./config.ts";

const count = fullForm ? 10_000 : 1000;

test(`${count} idle connections cost memory in proportion and nothing else`, async (t) => {
  // Node raises its own limit of open files to the hard one; both ends of the connections count.
  const files = spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).stdout.trim();
  if (
    !needs(
      t,
      `a hard limit of ${count + 2000} open files`,
      files === "unlimited" || Number(files) >= count + 2000,
    )
  )
    return;
  const origin = await startOrigin({
    script: (request, connection) => void connection.socket.write(ok(request.target)),
  });
  t.after(() => origin.close());
  const gateway = await startGateway(
    t,
    systemConfig(origin.port, { server: `max_connections = ${count * 4}` }),
  );
  const workers = gateway.workers();
  const resident = (): number => workers.reduce((sum, pid) => sum + gateway.rss(pid), 0);
  const warm = startLoad(gateway.port, { connections: 10 });
  t.after(() => warm.stop());
  await warm.more(500);
  await warm.stop();
  const before = resident();

  const idle: RawClient[] = [];
  t.after(() => {
    for (const client of idle) client.destroy();
  });
  while (idle.length < count) {
    const batch = await Promise.all(
      Array.from({ length: 100 }, () => connect(gateway.port, { deadlineMs: 300_000 })),
    );
    for (const client of batch) {
      client.send("GET /once HTTP/1.1\r\nHost: a.test\r\n\r\n");
      assert.equal((await client.answer())?.status, 200);
    }
    idle.push(...batch);
  }

  const load = startLoad(gateway.port, { connections: 10 });
  t.after(() => load.stop());
  await load.more(500);
  await load.stop();
  assert.deepEqual(load.failures, []);
  const perConnection = (resident() - before) / count;
  t.diagnostic(`${count} idle connections, ${Math.round(perConnection)} bytes each`);
  assert.ok(perConnection < 48 * 1024, `${Math.round(perConnection)} bytes a connection`);
  assert.ok(idle.every((client) => !client.ended && !client.closed));
  // Every one of them still works.
  for (const client of idle.slice(0, 50)) {
    client.send("GET /again HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert.equal((await client.answer())?.status, 200);
  }
  assert.equal((await ask(gateway.port, "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n")).status, 200);
});

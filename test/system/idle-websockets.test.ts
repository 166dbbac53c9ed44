import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { type Gateway, startGateway } from "../support/gateway.ts";
import type { RawClient } from "../support/raw-client.ts";
import { fullForm, needs } from "../support/shared.ts";
import { closeCode, masked, open } from "../support/websocket.ts";
import { startWebSocketOrigin } from "../support/websocket-origin.ts";
import { systemConfig } from "./config.ts";

const count = fullForm ? 10_000 : 1000;
const reloads = 3;

test(`${count} idle WebSockets outlive reloads, and a stop says 1001 to each`, async (t) => {
  const files = spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).stdout.trim();
  const wanted = count + 2000;
  if (!needs(t, `a hard limit of ${wanted} open files`, files === "unlimited" || Number(files) >= wanted))
    return;
  const origin = await startWebSocketOrigin(t);
  const gateway = await startGateway(
    t,
    systemConfig(origin.port, {
      server: `max_connections = ${count * 4}`,
      route: 'mode = "websocket"\nwaf = false',
    }),
  );
  const workers = gateway.workers();
  const resident = (): number => workers.reduce((sum, pid) => sum + gateway.rss(pid), 0);
  const clients: RawClient[] = [];
  t.after(() => {
    for (const client of clients) client.destroy();
  });
  const more = async (): Promise<void> => {
    clients.push(
      ...(await Promise.all(Array.from({ length: 100 }, () => open(gateway.port, { deadlineMs: 200_000 })))),
    );
  };
  await more();
  const before = resident();
  while (clients.length < count + 100) await more();
  const bytes = (resident() - before) / count;
  t.diagnostic(`${count} idle WebSockets, ${Math.round(bytes)} bytes each in the workers`);
  assert.ok(bytes < 64 * 1024, `${Math.round(bytes)} bytes a WebSocket`);

  for (let n = 1; n <= reloads; n++) {
    gateway.signal("SIGHUP");
    await reloaded(gateway, n);
  }
  assert.deepEqual(gateway.workers(), workers);
  assert.equal(clients.filter((client) => client.ended || client.closed).length, 0);
  // They still carry, both ways.
  await origin.say("down");
  for (const client of clients) client.send(masked(1, "up"));
  const isThere = (client: RawClient): boolean => client.rest.includes("down");
  for (const client of clients) await client.until(() => isThere(client));

  while ((await origin.heard()).count < clients.length) await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual(await origin.heard(), { texts: ["up"], count: clients.length });

  gateway.signal("SIGTERM");
  await Promise.all(clients.map((client) => client.untilOver()));
  const codes = new Set(
    clients.map((client) => closeCode(client.rest.subarray(client.rest.lastIndexOf(0x88)))),
  );
  assert.deepEqual([...codes], [1001]);
  assert.equal((await gateway.exited).code, 143);
  const lines = gateway.accessLog().filter((line) => line["http.response.status_code"] === 101);
  assert.equal(lines.length, clients.length);
  assert.ok(lines.every((line) => line["zion.reason"] === "stream_drain"));
});

/** Waits for the nth reload to be in force. */
async function reloaded(gateway: Gateway, nth: number): Promise<void> {
  const isDone = (): boolean =>
    gateway.log.filter(
      (entry) => entry["event.name"] === "zion.config.reload" && entry["problem"] === undefined,
    ).length >= nth;
  for (let waited = 0; !isDone(); waited++) {
    if (waited > 400) throw new Error(`no reload in ${JSON.stringify(gateway.log.slice(-3))}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

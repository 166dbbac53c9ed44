import assert from "node:assert/strict";
import { test } from "node:test";
import { request, until } from "../control/gateway.ts";
import { startGateway } from "../support/gateway.ts";
import { startLoad } from "../support/load.ts";
import { ok, type Script, startOrigin } from "../support/origin.ts";
import { systemConfig } from "./config.ts";

const echoTarget: Script = (request, connection) => {
  setTimeout(() => connection.socket.write(ok(request.target)), 2);
};

test("a killed worker costs what it had in flight, and no more", async (t) => {
  // F1
  const origin = await startOrigin({ script: echoTarget });
  t.after(() => origin.close());
  const gateway = await startGateway(t, systemConfig(origin.port));
  const before = gateway.workers();
  assert.equal(before.length, 2);
  const load = startLoad(gateway.port, { connections: 20 });
  t.after(() => load.stop());
  await load.more(500);

  const inFlight = load.inFlight();
  process.kill(before[0]!, "SIGKILL");
  await load.more(2000);
  await load.stop();

  const hung = load.failures.filter(({ kind }) => kind === "hung");
  assert.deepEqual(hung, []);
  assert.ok(
    load.failures.length <= inFlight + 5,
    `${load.failures.length} failures, ${inFlight} were in flight: ${JSON.stringify(load.failures)}`,
  );
  await until(
    "it is replaced",
    () => gateway.workers().length === 2 && !gateway.workers().includes(before[0]!),
  );
  assert.ok(gateway.workers().includes(before[1]!), "the other worker stays");
  t.diagnostic(`${load.done()} answered, ${load.failures.length} lost of ${inFlight} in flight`);
});

test("workers killed one after the other are replaced, and serving goes on", async (t) => {
  const origin = await startOrigin({ script: echoTarget });
  t.after(() => origin.close());
  const gateway = await startGateway(t, systemConfig(origin.port));
  const load = startLoad(gateway.port, { connections: 10, deadlineMs: 20_000 });
  t.after(() => load.stop());
  for (let round = 0; round < 3; round++) {
    // Both serve: a process that is still starting would leave nobody.
    await untilReady(gateway.telemetryPort);
    const victim = gateway.workers()[round % 2]!;
    await load.more(100);
    process.kill(victim, "SIGKILL");
    await until("it is gone", () => !gateway.workers().includes(victim));
    await load.more(100);
  }
  await load.stop();
  assert.deepEqual(
    load.failures.filter(({ kind }) => kind !== "lost"),
    [],
  );
  assert.ok(load.failures.length <= 3 * (10 + 5), `${load.failures.length} failures`);
  await untilReady(gateway.telemetryPort);
});

function untilReady(telemetryPort: number): Promise<void> {
  return until("all workers serve", async () => (await request(telemetryPort, "/readyz")).body === "ready\n");
}

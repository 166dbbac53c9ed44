import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "../support/gateway.ts";
import { startLoad } from "../support/load.ts";
import { ok, startOrigin } from "../support/origin.ts";
import { connect, field } from "../support/raw-client.ts";
import { systemConfig } from "./config.ts";

test("SIGTERM under load fails no request", async (t) => {
  // F35
  const origin = await startOrigin({
    script: (request, connection) => void setTimeout(() => connection.socket.write(ok(request.target)), 2),
  });
  t.after(() => origin.close());
  const gateway = await startGateway(t, systemConfig(origin.port));
  let stopped = false;
  // A client whose connection was closed in good order ends: there is nobody left to connect to.
  const load = startLoad(gateway.port, { connections: 20, reconnects: () => !stopped });
  t.after(() => load.stop());
  await load.more(500);
  stopped = true;
  gateway.signal("SIGTERM");
  const { code } = await gateway.exited;
  await load.stop();
  assert.deepEqual(load.failures, []);
  assert.equal(code, 143);
  t.diagnostic(`${load.done()} answered, none failed`);
});

test("a long request that runs at SIGTERM is finished, and its connection closed", async (t) => {
  let finish = (): void => undefined;
  const origin = await startOrigin({
    script: (_request, connection) => {
      connection.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst");
      finish = () => void connection.socket.write("final");
    },
  });
  t.after(() => origin.close());
  const gateway = await startGateway(t, systemConfig(origin.port));
  const client = await connect(gateway.port);
  client.send("GET /long HTTP/1.1\r\nHost: a.test\r\n\r\n");
  await client.until(() => client.received.includes("first"));
  gateway.signal("SIGTERM");
  await gateway.event("zion.draining");
  await untilRefused(gateway.port);
  finish();
  const answer = await client.answer();
  assert.deepEqual([answer?.body.toString(), answer?.end], ["firstfinal", "framed"]);
  await client.untilOver();
  assert.equal((await gateway.exited).code, 143);
});

test("a request on a kept connection during the drain delay is answered with close", async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const config = systemConfig(origin.port).replace("shutdown_delay_ms = 0", "shutdown_delay_ms = 500");
  const gateway = await startGateway(t, config);
  const client = await connect(gateway.port);
  client.send("GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n");
  assert.equal((await client.answer())?.status, 200);
  gateway.signal("SIGTERM");
  await gateway.event("zion.stopping");
  // Not ready any more, and still accepting: balancers need time to take it out.
  const ready = await connect(gateway.telemetryPort);
  ready.send("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal((await ready.answer())?.status, 503);
  ready.destroy();
  const late = await connect(gateway.port);
  late.send("GET /b HTTP/1.1\r\nHost: a.test\r\n\r\n");
  const answer = await late.answer();
  assert.equal(answer?.status, 200);
  client.destroy();
  late.destroy();
  assert.ok(field(answer, "connection") === undefined || field(answer, "connection") === "close");
  assert.equal((await gateway.exited).code, 143);
});

test("an exchange that outlives the grace period is cut, never ended as if it were whole", async (t) => {
  const origin = await startOrigin({
    script: (_request, connection) =>
      void connection.socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
  });
  t.after(() => origin.close());
  const config = systemConfig(origin.port).replace("shutdown_grace_ms = 10000", "shutdown_grace_ms = 500");
  const gateway = await startGateway(t, config);
  const client = await connect(gateway.port);
  client.send("GET /endless HTTP/1.1\r\nHost: a.test\r\n\r\n");
  await client.until(() => client.received.includes("hello"));
  gateway.signal("SIGTERM");
  const answer = await client.answer();
  assert.deepEqual([answer?.body.toString(), answer?.end], ["hello", "cut"]);
  assert.equal((await gateway.exited).code, 143);
});

async function untilRefused(port: number): Promise<void> {
  const limit = performance.now() + 5000;
  for (;;) {
    const client = await connect(port).catch((error: NodeJS.ErrnoException) => error);
    // A reset is one that was queued when the listener closed.
    if (client instanceof Error) {
      if (client.code === "ECONNREFUSED") return;
    } else {
      client.destroy();
    }
    assert.ok(performance.now() < limit, "still accepting 5 s after the drain began");
  }
}

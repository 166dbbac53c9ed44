import assert from "node:assert/strict";
import { test } from "node:test";
import { untilMetrics } from "../control/gateway.ts";
import { newDirectory } from "../support/directory.ts";
import { startGateway } from "../support/gateway.ts";
import { ok, startOrigin } from "../support/origin.ts";
import { ask, field } from "../support/raw-client.ts";

test("all workers of a machine take a sticky cookie, and still do after a restart", async (t) => {
  const stateDir = newDirectory("sticky");
  const members = await Promise.all(
    ["a", "b", "c"].map((name) =>
      startOrigin({ script: async (_request, { socket }) => void socket.write(ok(name)) }),
    ),
  );
  t.after(() => Promise.all(members.map((member) => member.close())));
  const config = `[server]
workers = 2
shutdown_delay_ms = 0
state_dir = ${JSON.stringify(stateDir)}
[upstream.app]
urls = [${members.map(({ port }) => `"http://127.0.0.1:${port}"`)}]
[upstream.app.sticky]
[[route]]
path = "/"
upstream = "app"
`;
  let cookie = "";
  let member = "";
  for (const start of ["first", "second"]) {
    const gateway = await startGateway(t, config);
    if (start === "first") {
      const answer = await ask(gateway.port, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
      cookie = field(answer, "set-cookie")!.split(";")[0]!;
      member = answer.body.toString();
    }
    // Connections are spread over the workers by their port.
    for (let i = 0; i < 16; i++) {
      const answer = await ask(gateway.port, `GET / HTTP/1.1\r\nHost: a.test\r\nCookie: ${cookie}\r\n\r\n`);
      assert.equal(answer.body.toString(), member, start);
    }
    await untilMetrics(
      gateway.telemetryPort,
      /^zion_upstream_sticky_total\{upstream="app",result="hit"\} 16$/m,
    );
    const metrics = await (await fetch(`http://127.0.0.1:${gateway.telemetryPort}/metrics`)).text();
    assert.doesNotMatch(metrics, /^zion_upstream_sticky_total\{upstream="app",result="refused"\} [1-9]/m);
    gateway.signal("SIGTERM");
    await gateway.exited;
  }
});

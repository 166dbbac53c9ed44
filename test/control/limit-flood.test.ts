import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import { config, kill, startGateway, startUpstream, until, untilMetrics } from "./gateway.ts";

const onLinux = { skip: process.platform === "linux" ? false : "needs reusePort" };

const limit = 1500;
const requests = 6000;

test("a flood over two workers is let through as far as the limit of the machine", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const tables = `[limit.flood]\nrate = ${limit}\nwindow_secs = 86400\nalgorithm = "fixed_window"\n`;
  const gateway = await startGateway(t, {
    toml: config(upstream.port, ["workers = 2", 'limits = ["flood"]'], tables),
  });

  const startedMs = performance.now();
  const counts = await flood(gateway.port);
  const perMs = requests / (performance.now() - startedMs);
  const admitted = counts.get(200) ?? 0;
  assert.equal(admitted + (counts.get(429) ?? 0), requests);
  assert.ok(admitted >= limit, `${admitted}`);
  // 5 %, and what arrives within one exchange.
  assert.ok(admitted <= limit * 1.05 + perMs * 50, `${admitted} admitted, ${perMs.toFixed(1)} requests a ms`);

  await untilMetrics(
    gateway.telemetryPort,
    new RegExp(`^zion_ratelimit_decisions_total\\{limit="flood",result="allow"\\} ${admitted}$`, "m"),
    /^zion_ratelimit_keys\{limit="flood"\} 1$/m,
  );
});

for (const algorithm of ["gcra", "fixed_window"]) {
  test(
    `${algorithm}: a flood over two workers never passes a strict limit, also when one of them dies`,
    onLinux,
    async (t) => {
      const upstream = await startUpstream(t);
      const tables = `[limit.flood]\nrate = ${limit}\nwindow_secs = 86400\nstrict = true\nalgorithm = "${algorithm}"\n`;
      const gateway = await startGateway(t, {
        toml: `${config(upstream.port, ["workers = 2"], tables)}limits = ["flood"]\n`,
      });
      const first = await flood(gateway.port, limit);
      kill(gateway.workers()[0]!, "SIGKILL");
      await gateway.logged((line) => line["event.name"] === "zion.worker.exit");
      const second = await flood(gateway.port, limit);
      assert.equal(first.get(200), limit);
      assert.deepEqual([second.get(200), second.get(503)], [undefined, undefined]);
      await untilMetrics(gateway.telemetryPort, /^zion_ratelimit_keys\{limit="flood"\} 1$/m);
    },
  );
}

test("a primary that stands still lets nothing strict pass, and everything else", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const tables = "[limit.few]\nrate = 1000\nstrict = true\n";
  const open = '[[route]]\npath = "/open"\nupstream = "app"\n';
  const gateway = await startGateway(t, {
    toml: `${config(upstream.port, ["workers = 2"], tables)}limits = ["few"]\n${open}`,
  });
  assert.equal((await gateway.get("/")).status, 200);
  kill(gateway.pid, "SIGSTOP");
  const answers = await Promise.all([gateway.get("/"), gateway.get("/open")]);
  kill(gateway.pid, "SIGCONT");
  assert.deepEqual(
    answers.map(({ status }) => status),
    [503, 200],
  );
  await until("it answers again", async () => (await gateway.get("/")).status === 200);
});

/** Statuses of so many requests, over so many connections that both workers surely get some; each keeps its worker. */
async function flood(port: number, count = requests): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>();
  let left = count;
  await Promise.all(
    Array.from({ length: 24 }, async () => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      while (left-- > 0) {
        const status = await ask(port, agent);
        counts.set(status, (counts.get(status) ?? 0) + 1);
      }
      agent.destroy();
    }),
  );
  return counts;
}

function ask(port: number, agent: http.Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: "127.0.0.1", port, agent, path: "/" }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode!));
    });
    request.on("error", reject);
  });
}

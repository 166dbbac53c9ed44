import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startEdge } from "../support/edge.ts";
import { ok, startOrigin } from "../support/origin.ts";
import { ask, connect, field, type RawClient } from "../support/raw-client.ts";
import { benchConfig, startBench } from "./bench.ts";

// reliability.md F10: an upstream that swallows connections holds no more than a few of ours; one that takes them gets as
// many as clients ask for at once, after a start or an upgrade.

const get = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const CLIENTS = 600;

async function clientsOf(t: TestContext, port: number, count: number): Promise<readonly RawClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => connect(port)));
  t.after(() => {
    for (const client of clients) client.destroy();
  });
  return clients;
}

/** A port whose process sleeps: the kernel completes two connections and drops what else comes. */
async function startDeaf(t: TestContext): Promise<number> {
  const program =
    "const s = net.createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))";
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const [line] = await once(child.stdout, "data");
  child.kill("SIGSTOP");
  return Number(String(line));
}

test("hundreds of clients that come at once for which there are no upstream connections yet are all answered", async (t) => {
  const { edge } = await startBench(t, { server: "max_connections_per_ip = 0" });
  const clients = await clientsOf(t, edge.port, CLIENTS);
  // One after the other they use one connection to the upstream; it also takes until all have been accepted.
  for (const client of clients) {
    client.send(get);
    assert.equal((await client.answer())?.status, 200);
  }
  for (const client of clients) client.send(get);
  const statuses = await Promise.all(clients.map(async (client) => (await client.answer())?.status));
  assert.deepEqual([...new Set(statuses)], [200]);
});

test("while an upstream takes no connections, 256 wait for it and the next is refused at once", async (t) => {
  const port = await startDeaf(t);
  const edge = await startEdge(
    benchConfig(port, {
      server: "max_connections_per_ip = 0",
      upstream: "connect_timeout_ms = 60000",
    }),
  );
  t.after(() => edge.stop());
  for (const client of await clientsOf(t, edge.port, 300)) client.send(get);
  // Those that were let in before it was known that none comes about. Then it is known.
  let answer = await firstAnswer(edge.port);
  while (answer === undefined) answer = await firstAnswer(edge.port);
  assert.deepEqual([answer.status, field(answer, "retry-after")], [503, "1"]);
  assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "upstream_busy");
});

test("another member of the upstream takes what one that takes no connections cannot", async (t) => {
  const port = await startDeaf(t);
  const origin = await startOrigin({ script: (_request, { socket }) => void socket.write(ok("good")) });
  t.after(() => origin.close());
  const config = benchConfig(port, {
    server: "max_connections_per_ip = 0",
    upstream: 'connect_timeout_ms = 60000\nload_balancing = "round_robin"',
  }).replace(/^url = .*$/m, `urls = ["http://127.0.0.1:${port}", "http://127.0.0.1:${origin.port}"]`);
  const edge = await startEdge(config);
  t.after(() => edge.stop());
  for (const client of await clientsOf(t, edge.port, CLIENTS)) client.send(get);
  // Every second one goes to the deaf member, until it holds its 256 and none of them comes about.
  for (let served = 0; served < 4; ) {
    const answer = await firstAnswer(edge.port);
    assert.notEqual(answer?.status, 503);
    served = answer === undefined ? 0 : served + 1;
  }
});

/** Undefined: none within a while. */
async function firstAnswer(port: number) {
  const waiting = new AbortController();
  try {
    return await Promise.race([ask(port, get), delay(100, undefined, { signal: waiting.signal })]);
  } finally {
    waiting.abort();
  }
}

import assert from "node:assert/strict";
import net, { type AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { generateLoad, percentile } from "../../src/cli/load-generator.ts";

const request = Buffer.from("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");

/** Answers each request after what `delayMs` says of its number. */
async function startServer(t: TestContext, delayMs: (nth: number) => number): Promise<number> {
  let count = 0;
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => {
      const answer = (): void => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      setTimeout(answer, delayMs(count++)).unref();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test("a stall counts for every request that was due in it, not only for the one that met it", async (t) => {
  const stallMs = 500;
  const port = await startServer(t, (nth) => (nth === 50 ? stallMs : 0));
  const plan = { port, request, rate: 100, durationMs: 2000, connections: 1 };
  const { latenciesMs, failed } = await generateLoad(plan);
  assert.deepEqual([latenciesMs.length, failed], [200, 0]);
  // 50 more were due meanwhile: a client that waits for answers would have seen one slow request.
  const slow = latenciesMs.filter((ms) => ms > stallMs / 10).length;
  assert.ok(slow >= 40, `${slow}`);
  // A timer of Node may fire up to a millisecond early.
  assert.ok(percentile(latenciesMs, 1) >= stallMs - 2);
});

test("requests without an answer are failures, and the run ends", async (t) => {
  const port = await startServer(t, (nth) => (nth === 3 ? 1e8 : 0));
  const { latenciesMs, failed } = await generateLoad({
    port,
    request,
    rate: 20,
    durationMs: 500,
    connections: 2,
  });
  assert.deepEqual([latenciesMs.length, failed], [9, 1]);
});

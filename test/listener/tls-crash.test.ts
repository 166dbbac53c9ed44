import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { sendBadHello } from "./tls-bad-client.ts";
import { badHellos } from "./tls-bad-hellos.ts";
import { visit } from "./tls-front.ts";
import type { WorkerReport } from "./tls-worker.ts";

/** `npm run prove:tls` sends 10,000. */
const count = Number(process.env["ZION_TLS_HELLOS"] ?? 2_000);

// reliability.md §0.1 finding 1: a TLS getter after a failed handshake ends the process, and only a process of its own
// shows that.
test(`${count} mixed bad hellos leave the process alive and no socket behind`, async (t) => {
  const worker = await startWorker(t);
  const kinds = badHellos();
  const expected: Record<string, number> = {};
  let next = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (next < count) {
        const hello = kinds[next++ % kinds.length]!;
        expected[hello.failure] = (expected[hello.failure] ?? 0) + 1;
        await sendBadHello(worker.port, hello);
      }
    }),
  );
  const report = await reportOf(worker);
  assert.deepEqual({ ...report.failures }, expected);
  assert.deepEqual({ ...report, failures: {} }, { secured: 0, failures: {}, open: 0, handshakes: 0 });
});

test("destroying the TLS socket anywhere around 'secureConnection' leaves the process alive", async (t) => {
  const worker = await startWorker(t);
  for (let i = 0; i < 60; i++) await visit(worker.port).catch(() => undefined);
  const report = await reportOf(worker);
  assert.deepEqual(report, { secured: 60, failures: {}, open: 0, handshakes: 0 });
});

interface Worker {
  readonly child: ChildProcess;
  readonly port: number;
  /** Rejects when the process ends before the test has asked for its counts. */
  readonly died: Promise<never>;
}

async function startWorker(t: TestContext): Promise<Worker> {
  const child = fork(new URL("tls-worker.ts", import.meta.url));
  t.after(() => child.kill());
  const died = once(child, "exit").then(([code, signal]): never => {
    throw new Error(`the worker ended: ${code ?? signal}`);
  });
  died.catch(() => {}); // it ends by our signal after the test
  const [port] = await Promise.race([once(child, "message"), died]);
  return { child, port: port as number, died };
}

async function reportOf({ child, died }: Worker): Promise<WorkerReport> {
  const answer = once(child, "message");
  child.send("report", () => {}); // an error here means that it is dead, which `died` tells better
  const [report] = await Promise.race([answer, died]);
  return report as WorkerReport;
}

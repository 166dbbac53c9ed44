import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import type net from "node:net";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { openAuditSupply } from "../../src/control/audit-supply.ts";
import { askChild } from "../../src/control/child-task.ts";
import { createExposition } from "../../src/control/exposition.ts";
import type { Family } from "../../src/control/obituaries.ts";
import { createSpanReporter } from "../../src/control/span-reporter.ts";
import { startChild } from "../../src/control/start-child.ts";
import { createUpgrade } from "../../src/control/upgrade.ts";
import { forkWorkers } from "../../src/control/worker-link.ts";
import type { SpanFacts } from "../../src/record/span-log.ts";
import { silentLog } from "./fakes.ts";

const onLinux = { skip: process.platform === "linux" ? false : "by errors of Linux" };

/** Longer than Linux takes an argument or a variable: the program is not started (E2BIG), as it is not without memory. */
const tooLong = "a".repeat(200_000);
const family: Family = { lastGaspFile: undefined, died: () => "fault" };

test("a process that cannot be started is one that failed, whatever the system says", onLinux, async () => {
  const child = startChild(() => fork("nothing", [], { env: { LONG: tooLong } }));
  child.send({});
  child.kill();
  const [error] = await once(child, "error");
  assert.equal(error.code, "E2BIG");
  assert.equal(child.pid, undefined);
});

test("a worker that cannot be forked is one that ended", onLinux, async () => {
  const gone = Promise.withResolvers<number | null>();
  const startWorker = forkWorkers({
    entry: "nothing",
    flags: () => [],
    environment: { LONG: tooLong },
    lastGaspFile: undefined,
    viaName: "zion",
    descriptorsMax: 0,
  });
  startWorker(0, 1, 0, { message: () => {}, exit: gone.resolve });
  assert.equal(await gone.promise, null);
});

test("a question whose process cannot be forked has no answer", onLinux, async () => {
  const options = { entry: "nothing", flags: () => [`--x=${tooLong}`], role: "key fetcher", family };
  assert.equal(await askChild(options, {}), "E2BIG");
});

test("an audit writer that cannot be forked is down, and tried again", onLinux, async () => {
  const supply = openAuditSupply({
    config: {
      path: undefined,
      name: "zion/audit",
      key: { file: undefined, variable: "KEY" },
      previousKey: undefined,
      queueDepth: 16,
      segmentBytesMax: 0,
      segmentsMax: 0,
      syncMs: 100,
      checkpointMs: 10_000,
      anchorPath: undefined,
      witnessUrl: undefined,
      refusesOnFailure: false,
      requests: false,
    },
    entry: "nothing",
    flags: [],
    childEnvironment: { LONG: tooLong },
    environment: {},
    version: "0",
    family,
    log: silentLog,
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(supply.health, "down");
  await supply.stop();
});

test("without a process for them spans are counted as dropped", onLinux, async () => {
  const exposition = createExposition();
  const reporter = createSpanReporter({
    entry: "nothing",
    flags: () => [`--x=${tooLong}`],
    version: "0",
    family,
    exposition,
    log: silentLog,
  });
  reporter.adopt({ endpoint: "http://127.0.0.1:1", sample: 1, refusals: true, serviceName: "zion" });
  await new Promise((resolve) => setImmediate(resolve));
  reporter.report([{} as SpanFacts]);
  reporter.close();
  assert.match(await exposition.print("text"), /zion_traces_emitted_total\{result="dropped"\} 1/);
});

test("a new version that cannot be started leaves the old one running", onLinux, async () => {
  const answer = createUpgrade({
    sockets: () => [],
    socketPath: "",
    ticketKeys: () => Buffer.alloc(48),
    tokenDigest: undefined,
    environment: {},
    insists: [tooLong],
    obstacle: () => undefined,
    release() {},
    onUpgraded() {},
    log: silentLog,
  });
  const socket = Object.assign(new PassThrough(), { setTimeout() {} });
  const heard: string[] = [];
  socket.write = ((text: string) => heard.push(text)) as unknown as typeof socket.write;
  answer(socket as unknown as net.Socket);
  socket.push(`${JSON.stringify({ type: "upgrade", command: ["true"] })}\n`);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  assert.match(heard.at(-1)!, /"type":"failed","problem":"spawn E2BIG"/);
});

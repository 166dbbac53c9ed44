/** CPU of one audited refusal, in the worker and in the writer: `node bench/micro/audit/audit.bench.ts`. */
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Desk } from "../../../src/audit/desk.ts";
import { AuditFeed } from "../../../src/audit/feed.ts";
import { fileDisk } from "../../../src/audit/file-disk.ts";
import { frame, frameTypes } from "../../../src/audit/frame.ts";
import { reasons } from "../../../src/reason.ts";
import { AuditReport } from "../../../src/record/audit-report.ts";
import { ExchangeRecord } from "../../../src/record/record.ts";
import { buildRedaction } from "../../../src/record/redaction.ts";
import { systemClock } from "../../../src/std/clock.ts";
import { openLog } from "../../../test/audit/test-log.ts";
import { measure, printFigure } from "../figure.ts";
import { requestOf } from "../gate/setup.ts";

const CALLS = 20_000;
const request = requestOf(
  "GET /shop/orders?q=%27%20OR%201%3D1--&page=2 HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: Mozilla/5.0\r\n\r\n",
);
request.clientAddress = "203.0.113.9";
const record = new ExchangeRecord(0, 1);
record.reason = reasons.wafPatterns;
record.status = 400;
record.wafGate = "patterns";
record.wafDetail = "sql-tautology";

/** A socket that takes everything, and says what the writer would. */
class Sink {
  onData: (bytes: Buffer) => void = () => {};
  last = 0;
  on(event: string, listener: (bytes: Buffer) => void): this {
    if (event === "data") this.onData = listener;
    if (event === "connect") setImmediate(listener as () => void);
    return this;
  }
  unref(): void {}
  destroy(): void {}
  write(bytes: Buffer): boolean {
    if (bytes[4] === frameTypes.hello)
      this.onData(frame(frameTypes.welcome, JSON.stringify({ n: 0, credit: 1e9 })));
    return true;
  }
}

/** Events of their own, from as many addresses; the queue is emptied as the writer would. */
async function benchWorker(): Promise<void> {
  const sink = new Sink();
  const feed = new AuditFeed({
    b: "0123456789abcdef",
    id: 1,
    queueMax: 1e9,
    token: "",
    connect: () => sink as unknown as Socket,
  });
  const settings = {
    redaction: buildRedaction({ headers: [], queryParams: ["*"], jsonFields: [], ip: "full", ipKey: "" }),
    requests: false,
    refusesOnFailure: false,
  };
  let report = new AuditReport(feed, settings);
  await new Promise(setImmediate);
  let at = 0;
  let nowMs = 0;
  const step = (flood: boolean) => (): void => {
    at++;
    request.clientIp = { v4: true, w0: 0, w1: 0, w2: 0, w3: flood ? 1 << 9 : (at % 4000) << 9 };
    nowMs += flood ? 0.001 : 0.2;
    // Nobody comes twenty times: another one starts to count before that.
    if (!flood && at % 40_000 === 0) report = new AuditReport(feed, settings);
    report.conclude(record, request, nowMs);
    // The writer acknowledges what left before, and what came since leaves.
    if (at % 256 === 0) sink.onData(frame(frameTypes.acknowledged, "", at - 256));
  };
  printFigure({ title: "audit: a refusal, in the worker", limitUs: 3, us: measure(CALLS, step(false)) });
  printFigure({
    title: "audit: a refusal of a flood, in the worker",
    limitUs: 3,
    us: measure(CALLS, step(true)),
  });
  await report.close();
}

/** As it comes over the socket: frames in pieces of 64 KiB, on a real disk. */
async function benchWriter(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "zion-audit-bench-"));
  try {
    const { journal } = openLog(fileDisk(directory), {
      clock: { ...systemClock, ms: 0 },
      settings: { segmentBytesMax: 104_857_600 },
      random: (bytes) => Buffer.alloc(bytes, 7),
    });
    const desk = new Desk({ journal, token: "t", syncMs: 100, nowMs: systemClock.nowMs });
    const { hear } = desk.join({ write: () => {}, pause: () => {}, resume: () => {}, destroy: () => {} });
    hear(frame(frameTypes.hello, JSON.stringify({ token: "t", b: "0123456789abcdef", id: 1 })));
    let n = 0;
    const startedMs = systemClock.nowMs();
    const text = JSON.stringify({
      cfg: 1,
      kind: "request_blocked",
      out: { gate: "patterns", reason: "waf_patterns", rule: "sql-tautology", score: 5, status: 400 },
      req: {
        host: "shop.test",
        m: "GET",
        path: "/shop/orders?q=<redacted:17>&page=<redacted:1>",
        route: "orders",
      },
      rid: "0190f7c2aa00deadbeef012345678901",
      src: { ip: "203.0.113.9" },
      trace: "4bf92f3577b34da6a3ce929d0e0e4736",
    });
    const us = measure(CALLS / 100, () => {
      const frames: Buffer[] = [];
      for (let i = 0; i < 100; i++) frames.push(frame(frameTypes.event, text, ++n));
      hear(Buffer.concat(frames));
    });
    const seconds = (systemClock.nowMs() - startedMs) / 1000;
    printFigure({ title: "audit: an event, in the writer", limitUs: 30, us: us.map((each) => each / 100) });
    process.stdout.write(`${Math.round(n / seconds)} events a second, durable, by the clock\n`);
    desk.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

await benchWorker();
await benchWriter();

import assert from "node:assert/strict";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Desk } from "../../src/audit/desk.ts";
import { AuditFeed } from "../../src/audit/feed.ts";
import { FrameReader, frame, frameTypes } from "../../src/audit/frame.ts";
import type { Journal } from "../../src/audit/journal.ts";
import { logsOf, walkLog } from "../../src/audit/log-proof.ts";
import type { AuditEvent, AuditRecord } from "../../src/audit/record.ts";
import { verifyDirectory } from "../../src/audit/verify.ts";
import { systemClock } from "../../src/std/clock.ts";
import { newDirectory } from "../support/directory.ts";
import { eventAt, MemoryDisk, openLog, rootKey, START_MS, testClock } from "./test-log.ts";

interface Office {
  readonly disk: MemoryDisk;
  readonly journal: Journal;
  readonly desk: Desk;
  readonly socket: string;
  readonly server: net.Server;
  /** Ends every connection. */
  hangUp(): void;
  records(): AuditRecord[];
}

const token = "the token";

/** A desk behind a real socket. */
async function openOffice(t: TestContext, disk = new MemoryDisk(), clock = testClock()): Promise<Office> {
  const folder = newDirectory("desk");
  const socket = path.join(folder, "s");
  const { journal } = openLog(disk, { clock });
  const desk = new Desk({ journal, token, syncMs: 5, nowMs: systemClock.nowMs });
  const peers = new Set<net.Socket>();
  const server = net.createServer((peer) => {
    peers.add(peer);
    const { hear, leave } = desk.join(peer);
    peer.on("data", hear);
    peer.on("error", () => {});
    peer.on("close", leave);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const hangUp = (): void => {
    for (const peer of peers) peer.destroy();
  };
  t.after(() => {
    hangUp();
    server.close();
  });
  const records = (): AuditRecord[] =>
    logsOf(disk).flatMap((logId) =>
      [...walkLog(disk, logId)].map(({ line }) => JSON.parse(line) as AuditRecord),
    );
  return { disk, journal, desk, socket, server, hangUp, records };
}

function feedTo(t: TestContext, socket: string, queueMax = 1000, b = "0123456789abcdef"): AuditFeed {
  const feed = new AuditFeed({ b, id: 1, queueMax, token, connect: () => net.connect(socket) });
  t.after(() => feed.close(0));
  return feed;
}

function exitCodeOf(disk: MemoryDisk): number {
  return verifyDirectory({
    disk,
    policy: undefined,
    roots: [rootKey],
    anchors: undefined,
    nowMs: START_MS,
    unanchoredMaxMs: Infinity,
    strict: true,
  }).exitCode;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(5);
}

test("what somebody waits for is durable when the promise says so", async (t) => {
  const { socket, records } = await openOffice(t);
  const feed = feedTo(t, socket);
  feed.report(eventAt(1));
  assert.equal(await feed.must({ kind: "admin_action", data: { path: "/reload" } }, 10_000), true);
  assert.deepEqual(
    records()
      .slice(-2)
      .map(({ kind, w }) => [kind, w?.n]),
    [
      ["request_blocked", 1],
      ["admin_action", 2],
    ],
  );
});

test("without a writer nothing waits for ever: the answer is no, and reporting goes on", async (t) => {
  const feed = feedTo(t, path.join(tmpdir(), "zion-nobody-is-here"));
  assert.equal(feed.isUp, false);
  assert.equal(await feed.must({ kind: "admin_action" }, 20), false);
  feed.report(eventAt(1));
  assert.equal(feed.waiting, 2);
});

test("events without a place are dropped, counted, and on record by their numbers", async (t) => {
  const folder = newDirectory("late");
  const late = path.join(folder, "s");
  const feed = feedTo(t, late, 10);
  for (let n = 1; n <= 25; n++) feed.report(eventAt(n));
  assert.equal(feed.dropped, 15);
  const office = await openOffice(t);
  // The writer comes up where it was looked for.
  const peers: net.Socket[] = [];
  const server = net.createServer((peer) => {
    peers.push(peer);
    const { hear, leave } = office.desk.join(peer);
    peer.on("data", hear);
    peer.on("close", leave);
    peer.on("error", () => {});
  });
  t.after(() => {
    for (const peer of peers) peer.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(late, resolve));
  await until(() => feed.waiting === 0);
  feed.report(eventAt(26));
  await until(() => office.records().some(({ w }) => w?.n === 26));
  const drop = office.records().find(({ kind }) => kind === "drop");
  assert.deepEqual(drop?.data, { count: 15, from: 11, to: 25 });
  office.journal.close();
  assert.equal(exitCodeOf(office.disk), 0);
});

test("who does not know the token, or talks nonsense, is shown the door and leaves no record", async (t) => {
  const { socket, records, desk } = await openOffice(t);
  const before = records().length;
  const hello = (of: string) =>
    frame(frameTypes.hello, JSON.stringify({ token: of, b: "0123456789abcdef", id: 1 }));
  const openings: readonly (readonly [string, Buffer])[] = [
    ["a wrong token", hello("no token")],
    ["no hello", frame(frameTypes.event, JSON.stringify(eventAt(1)), 1)],
    ["an endless frame", Buffer.from([255, 255, 255, 127, 1])],
    ["no JSON", frame(frameTypes.hello, "{")],
    ["an id that is none", frame(frameTypes.hello, JSON.stringify({ token, b: "../x", id: 1 }))],
  ];
  for (const [what, bytes] of openings) {
    const peer = net.connect(socket);
    await new Promise((resolve) => peer.once("connect", resolve));
    const closed = new Promise((resolve) => peer.once("close", resolve));
    peer.on("error", () => {});
    peer.write(bytes);
    await closed;
    assert.equal(records().length, before, what);
  }
  assert.equal(desk.refused, openings.length);
});

test("an event that is no event is told as such, and a number out of turn ends the connection", async (t) => {
  const { socket, records, journal, disk } = await openOffice(t);
  const peer = net.connect(socket);
  const reader = new FrameReader();
  const heard: number[] = [];
  peer.on("data", (chunk: Buffer) => {
    reader.push(chunk);
    for (let next = reader.next(); typeof next === "object"; next = reader.next()) heard.push(next.type);
  });
  peer.on("error", () => {});
  const closed = new Promise((resolve) => peer.once("close", resolve));
  peer.write(frame(frameTypes.hello, JSON.stringify({ token, b: "0123456789abcdef", id: 1 })));
  const odd = [
    '{"kind":"genesis"}',
    '{"kind":"request_blocked","out":{"a":1.5}}',
    '{"kind":"request_blocked","out":{"__proto__":1}}',
    "null",
    "{",
    JSON.stringify({ kind: "request_blocked", rid: "x".repeat(20_000) } satisfies AuditEvent),
    JSON.stringify({ kind: "request_blocked", rid: 'a","mac":"\n' } satisfies AuditEvent),
  ];
  for (const [i, text] of odd.entries()) peer.write(frame(frameTypes.event, text, i + 1));
  await until(() => records().filter(({ kind }) => kind === "malformed_event").length === 6);
  await until(() => heard.includes(frameTypes.acknowledged));
  assert.equal(records().at(-1)!.rid, 'a","mac":"\n');
  peer.write(frame(frameTypes.event, odd[6]!, 99));
  await closed;
  journal.close();
  assert.equal(exitCodeOf(disk), 0);
});

test("events that were on record already are not told twice after a restart of the writer", async (t) => {
  const first = await openOffice(t);
  const b = "feedfeedfeedfeed";
  const feed = feedTo(t, first.socket, 1000, b);
  for (let n = 1; n <= 5; n++) feed.report(eventAt(n));
  await until(() => feed.waiting === 0);
  // The acknowledgement is lost with the writer: another process of the same name sends all of it again.
  const second = await openOffice(t, first.disk);
  const again = feedTo(t, second.socket, 1000, b);
  for (let n = 1; n <= 7; n++) again.report(eventAt(n));
  await until(() => again.waiting === 0);
  const told = second.records().filter(({ kind, w }) => kind === "request_blocked" && w?.b === b);
  assert.deepEqual(
    told.map(({ w }) => w!.n),
    [1, 2, 3, 4, 5, 6, 7],
  );
});

test("a full disk stops the queue, says so, and goes on without a gap when there is room", async (t) => {
  const disk = new MemoryDisk();
  let room = Infinity;
  const append = disk.append.bind(disk);
  disk.append = (name, bytes) => {
    if (room <= 0) throw Object.assign(new Error("full"), { code: "ENOSPC" });
    room -= bytes.length;
    return append(name, bytes);
  };
  const remove = disk.remove;
  disk.remove = (name) => {
    room += disk.files.get(name)?.length ?? 0;
    remove(name);
  };
  const clock = testClock();
  const { socket, journal, desk, records } = await openOffice(t, disk, clock);
  const feed = feedTo(t, socket);
  assert.equal(await feed.must({ kind: "admin_action" }, 10_000), true);
  room = 0;
  // The reserve has room for what came in the meantime.
  assert.equal(await feed.must({ kind: "admin_action" }, 10_000), true);
  await until(() => journal.isFull && !feed.isUp);
  for (let n = 1; n <= 50; n++) feed.report(eventAt(n));
  room = Infinity;
  clock.ms += 6000;
  desk.tick();
  assert.equal(journal.isFull, false);
  await until(() => feed.isUp && feed.waiting === 0);
  const kinds = records().map(({ kind }) => kind);
  assert.ok(kinds.includes("disk_full"));
  assert.equal(kinds.filter((kind) => kind === "request_blocked").length, 50);
  journal.close();
  assert.equal(exitCodeOf(disk), 0);
});

test("a process that another log does not know begins there as a new one, and nothing of it is refused", async (t) => {
  let office = await openOffice(t);
  const feed = new AuditFeed({
    b: "0123456789abcdef",
    id: 1,
    queueMax: 1000,
    token,
    connect: () => net.connect(office.socket),
  });
  t.after(() => feed.close(0));
  for (let n = 1; n <= 5; n++) assert.equal(await feed.must(eventAt(n), 5000), true);
  // The writer dies; the next one has to begin another log.
  const before = office;
  office = await openOffice(t);
  before.server.close();
  before.hangUp();
  for (let n = 6; n <= 8; n++) assert.equal(await feed.must(eventAt(n), 5000), true);
  assert.equal(office.desk.refused, 0);
  const own = office.records().filter(({ w }) => w !== undefined && w.n > 0);
  assert.deepEqual(
    own.map(({ w }) => w!.n),
    [1, 2, 3],
  );
  assert.notEqual(own[0]!.w!.b, "0123456789abcdef");
  office.desk.close();
  assert.equal(exitCodeOf(office.disk), 0);
});

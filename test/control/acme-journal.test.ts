import assert from "node:assert/strict";
import { test } from "node:test";
import {
  emptyHistory,
  forgetOrder,
  historyOf,
  type Journal,
  noteFailure,
  noteIssued,
  noteOrder,
  orderAllowedMs,
  printJournal,
  prune,
  readJournal,
} from "../../src/control/acme-journal.ts";
import type { AcmeFailure } from "../../src/control/acme-task.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const startMs = 1_800_000_000_000;

/** Orders whenever it is allowed, for this long; returns when. */
function ordersWithin(journal: Journal, forMs: number, conclude: (nowMs: number) => void): readonly number[] {
  const moments: number[] = [];
  for (let nowMs = startMs; nowMs < startMs + forMs; nowMs += minuteMs) {
    if (orderAllowedMs(historyOf(journal, "a"), journal.accounts.get("one") ?? [], nowMs) > nowMs) continue;
    noteOrder(journal, "a", "one", nowMs);
    conclude(nowMs);
    moments.push(nowMs);
  }
  return moments;
}

function perWindow(moments: readonly number[], windowMs: number): number {
  return Math.max(
    ...moments.map((from) => moments.filter((ms) => ms >= from && ms < from + windowMs).length),
  );
}

test("however often it crashes, there are four orders an hour and forty a week", () => {
  const moments = ordersWithin(readJournal(undefined), 14 * dayMs, () => {});
  assert.equal(perWindow(moments, hourMs), 4);
  assert.equal(perWindow(moments, 7 * dayMs), 40);
});

test("four certificates a week are issued for one name, however often they are lost", () => {
  const journal = readJournal(undefined);
  const moments = ordersWithin(journal, 14 * dayMs, (nowMs) =>
    noteIssued(historyOf(journal, "a"), "one", nowMs),
  );
  assert.equal(perWindow(moments, 7 * dayMs), 4);
});

test("orders of all certificates of an account count together", () => {
  const journal = readJournal(undefined);
  let count = 0;
  for (let i = 0; i < 200; i++) {
    const name = `name-${i}`;
    if (
      orderAllowedMs(historyOf(journal, name), journal.accounts.get("one") ?? [], startMs + i) >
      startMs + i
    )
      continue;
    noteOrder(journal, name, "one", startMs + i);
    count++;
  }
  assert.equal(count, 80);
});

test("after failures it waits longer and longer, six hours at most, and as long as the CA says, a day at most", () => {
  const history = emptyHistory();
  const failure = (retryAfterMs?: number): AcmeFailure => ({
    type: "failed",
    reason: "unreachable",
    problem: "",
    retryAfterMs,
  });
  const waits = Array.from({ length: 12 }, () => {
    noteFailure(history, failure(), startMs, 1);
    return (history.nextMs - startMs) / minuteMs;
  });
  assert.deepEqual(waits, [5, 10, 20, 40, 80, 160, 320, 360, 360, 360, 360, 360]);
  noteFailure(history, failure(20 * hourMs), startMs, 1);
  assert.equal(history.nextMs, startMs + 20 * hourMs);
  noteFailure(history, failure(365 * dayMs), startMs, 1);
  assert.equal(history.nextMs, startMs + dayMs);
  noteFailure(emptyHistory(), failure(), startMs, 0);
  const early = emptyHistory();
  noteFailure(early, failure(), startMs, 0);
  assert.equal(early.nextMs, startMs + 4 * minuteMs);
});

test("an order that the CA never heard of does not count", () => {
  const journal = readJournal(undefined);
  noteOrder(journal, "a", "one", startMs);
  forgetOrder(journal, "a", "one");
  assert.deepEqual([historyOf(journal, "a").orders, journal.accounts.get("one")], [[], []]);
});

test("it is read as it was written, whatever names are in it", () => {
  const journal = readJournal(undefined);
  for (const name of ["a", "constructor", "toString"]) noteOrder(journal, name, name, startMs);
  const read = readJournal(JSON.parse(JSON.stringify(printJournal(journal))));
  assert.deepEqual(read.certificates, journal.certificates);
  assert.deepEqual(read.accounts, journal.accounts);
});

test("what is not configured any more is forgotten when it does not count any more", () => {
  const journal = readJournal(undefined);
  noteOrder(journal, "gone", "one", startMs);
  noteOrder(journal, "kept", "two", startMs);
  prune(journal, new Set(["kept"]), startMs + dayMs);
  assert.equal(journal.certificates.size, 2);
  prune(journal, new Set(["kept"]), startMs + 8 * dayMs);
  assert.deepEqual([[...journal.certificates.keys()], journal.accounts.size], [["kept"], 0]);
});

test("a clock that was set back does not lock it", () => {
  const journal = readJournal(undefined);
  for (let i = 0; i < 4; i++) noteOrder(journal, "a", "one", startMs + 365 * dayMs);
  assert.ok(orderAllowedMs(historyOf(journal, "a"), journal.accounts.get("one")!, startMs) <= startMs);
});

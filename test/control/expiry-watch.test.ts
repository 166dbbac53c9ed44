import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { ServedCertificate } from "../../src/cert/inventory.ts";
import { watchExpiry } from "../../src/control/expiry-watch.ts";
import { keptLog } from "./fakes.ts";

const dayMs = 86_400_000;

/** A certificate of `lifeDays`, as from the start of the fake clock. */
function served(name: string, lifeDays: number): ServedCertificate {
  return {
    names: name === "default" ? [] : [name],
    certificates: [
      {
        path: `${name}.crt`,
        key: "ecdsa",
        covers: [],
        issuer: "",
        serial: "",
        sha256: name,
        notBefore: new Date(0).toISOString(),
        notAfter: new Date(lifeDays * dayMs).toISOString(),
      },
    ],
  };
}

/** Runs the watch over `days` and says what was told, with the day. */
function live(list: readonly ServedCertificate[], days: number) {
  mock.timers.enable({ apis: ["setInterval", "Date"], now: 0 });
  try {
    const log = keptLog();
    const gauges = new Map<string, number>();
    const watch = watchExpiry(
      { set: (_name, value, labels) => void gauges.set(labels![0]!, value) },
      { wallMs: () => Date.now() },
      log,
    );
    watch.adopt(list);
    const told: string[] = [];
    const states: string[] = [];
    for (let day = 0; day < days; day++) {
      mock.timers.tick(dayMs);
      for (const { level, path, days_left } of log.lines.splice(0))
        told.push(`day ${day + 1}: ${level} ${path} ${Math.round(Number(days_left))}`);
      states.push(watch.state);
    }
    watch.stop();
    return { told, states, gauges };
  } finally {
    mock.timers.reset();
  }
}

test("a certificate that nobody renews is told of at 21, 14, 7, 3 and 1 days, and when it ends", () => {
  const { told, states, gauges } = live([served("default", 90)], 92);
  assert.deepEqual(told, [
    "day 69: warn default.crt 21",
    "day 76: warn default.crt 14",
    "day 83: warn default.crt 7",
    "day 87: warn default.crt 3",
    "day 89: warn default.crt 1",
    "day 90: error default.crt 0",
  ]);
  assert.equal(states.indexOf("degraded"), 86);
  assert.equal(gauges.get("default"), (90 * dayMs) / 1000);
});

test("one that lives for days is told of when a third is left, and is not degraded from its first day", () => {
  const { told, states } = live([served("a.test", 6)], 5);
  assert.deepEqual(told, ["day 4: warn a.test.crt 2", "day 5: warn a.test.crt 1"]);
  assert.deepEqual(states, ["ok", "ok", "ok", "degraded", "degraded"]);
});

test("the renewed one is told of anew, and ends the degraded state", () => {
  mock.timers.enable({ apis: ["setInterval", "Date"], now: 88 * dayMs });
  try {
    const log = keptLog();
    const watch = watchExpiry({ set: () => {} }, { wallMs: () => Date.now() }, log);
    watch.adopt([served("default", 90)]);
    assert.equal(watch.state, "degraded");
    watch.adopt([served("default", 90)]);
    assert.equal(log.lines.length, 1);
    watch.adopt([served("default", 180)]);
    assert.equal(watch.state, "ok");
    watch.stop();
  } finally {
    mock.timers.reset();
  }
});

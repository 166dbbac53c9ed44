import assert from "node:assert/strict";
import { mock, type TestContext, test } from "node:test";
import { cutConfig } from "../../src/config/parts.ts";
import type { Edge } from "../../src/control/edge.ts";
import type { FromWorker } from "../../src/control/messages.ts";
import { controlWorker } from "../../src/control/worker.ts";
import { goodConfig, minimal } from "../support/config-case.ts";
import { settle } from "./fakes.ts";

const config = goodConfig(minimal.replace("[upstream.app]", "shutdown_grace_ms = 4000\n\n[upstream.app]"));

/** An edge that notes what is asked of it. */
function start(t: TestContext, edge: Partial<Edge> = {}) {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const calls: string[] = [];
  const sent: FromWorker[] = [];
  const exits: number[] = [];
  const fake: Edge = {
    *prepare(generation) {
      calls.push(`prepare ${generation}`);
      yield;
    },
    commit: (generation) => void calls.push(`commit ${generation}`),
    discard: (generation) => void calls.push(`discard ${generation}`),
    open: async (listener, slot, source) =>
      void calls.push(`open ${listener} ${slot} ${JSON.stringify(source)}`),
    close: (listener, slot) => void calls.push(`close ${listener} ${slot}`),
    setStaples: (staples) => void calls.push(`staples ${staples.length}`),
    setTicketKeys: (keys) => void calls.push(`keys ${keys.length}`),
    setHealth: (upstream, url, healthy) => void calls.push(`health ${upstream} ${url} ${healthy}`),
    setAddresses: (host, addresses) => void calls.push(`addresses ${host} ${addresses}`),
    drain: async (graceMs) => {
      calls.push(`drain ${graceMs}`);
      return 3;
    },
    readMetrics: () => [],
    readExemplars: () => [],
    takeSpans: () => [],
    takeDecisions: () => [],
    takeCaptures: () => [],
    setCaptureKey: () => {},
    isWorn: () => false,
    setWithdrawn: (is) => void calls.push(`withdrawn ${is}`),
    setMemory: (share) => void calls.push(`memory ${share}`),
    setLimitSeed: (seed) => void calls.push(`seed ${seed.length}`),
    setStickyRoot: (root) => void calls.push(`sticky root ${root.length}`),
    tellLimits: () => [],
    setAuthKeys: () => {},
    setRevoked: () => {},
    hearLimits: (shares) => void calls.push(`spent ${shares.length}`),
    raiseLimits: (levels) => void calls.push(`levels ${levels.length}`),
    setLimitStore: ({ isUp }) => void calls.push(`store ${isUp}`),
    levelsOf: (keys) => keys.map(() => 1),
    hearPage: (id) => void calls.push(`page ${id}`),
    hearStrict: (answers) => void calls.push(`strict ${answers.length}`),
    setChallenges: (http, tls) => void calls.push(`challenges ${http.length} ${tls.length}`),
    setCachePeers: (places) => void calls.push(`cache peers ${places.length}`),
    purgeCache: ({ what }) => void calls.push(`purge ${what}`),
    forgetCached: (uris) => void calls.push(`forget ${uris.length}`),
    setBans: (banned) => void calls.push(`bans ${banned?.v4.length}`),
    setMeshScores: (scores) => void calls.push(`mesh scores ${scores?.plain.slots.length}`),
    ejectByMesh: (urls) => void calls.push(`mesh ejections ${urls.length}`),
    tellOffences: () => undefined,
    setAudit: (socket) => void calls.push(`audit ${socket}`),
    reopenLog: () => void calls.push("reopen"),
    flushLog: async () => void calls.push("flush"),
    ...edge,
  };
  const channel = {
    send: async (message: FromWorker) => void sent.push(message),
    exit: (code: number) => void exits.push(code),
  };
  return { control: controlWorker(fake, channel), calls, sent, exits };
}

const prepare = { type: "prepare", generation: 1, ...cutConfig(config), addresses: new Map() } as const;

test("a config that the data plane compiles is ready, one that it does not is a failure with its words", async (t) => {
  const good = start(t);
  good.control.receive(prepare, undefined);
  await settle();
  assert.deepEqual(good.sent, [{ type: "ready", generation: 1 }]);
  mock.timers.reset();
  const bad = start(t, {
    *prepare() {
      yield;
      throw new Error("no such cipher");
    },
  });
  bad.control.receive(prepare, undefined);
  await settle();
  assert.deepEqual(bad.sent, [{ type: "failed", generation: 1, message: "no such cipher" }]);
});

test("a worker that compiles goes on hearing; what is discarded meanwhile is compiled no further", async (t) => {
  let steps = 0;
  const { control, sent, calls } = start(t, {
    *prepare() {
      for (; ; steps++) yield;
    },
  });
  control.receive(prepare, undefined);
  control.receive({ type: "metrics", scrape: 1 }, undefined);
  control.receive({ type: "discard", generation: 1 }, undefined);
  const until = steps;
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(until > 0);
  assert.equal(steps, until);
  assert.deepEqual(calls, ["discard 1"]);
  assert.deepEqual(
    sent.map(({ type }) => type),
    ["metrics"],
  );
});

test("parts that a worker holds need not be sent again, until it forgets them", async (t) => {
  const { control, sent } = start(t);
  const none = new Map();
  control.receive(prepare, undefined);
  await settle();
  control.receive({ type: "commit", generation: 1 }, undefined);
  const other = cutConfig(goodConfig(`${minimal}\n[waf_profile.other]\n`));
  control.receive({ type: "prepare", generation: 2, ...other, addresses: none }, undefined);
  await settle();
  control.receive({ type: "discard", generation: 2 }, undefined);
  control.receive({ ...prepare, generation: 3, parts: none }, undefined);
  await settle();
  control.receive({ type: "commit", generation: 3 }, undefined);
  control.receive({ ...prepare, generation: 4, manifest: other.manifest, parts: none }, undefined);
  await settle();
  assert.deepEqual(
    sent.map((message) => [message.type, "generation" in message ? message.generation : 0]),
    [
      ["ready", 1],
      ["committed", 1],
      ["ready", 2],
      ["ready", 3],
      ["committed", 3],
      ["failed", 4],
    ],
  );
});

test("a listener is opened on the handle that came along, else on the address", async (t) => {
  const { control, calls, sent } = start(t);
  const address = { host: "127.0.0.1", port: 1 };
  control.receive({ type: "open", listener: "http", slot: 0, address: undefined }, { fd: 9 });
  control.receive({ type: "open", listener: "https", slot: 0, address }, undefined);
  await settle();
  assert.deepEqual(calls, ['open http 0 {"fd":9}', 'open https 0 {"host":"127.0.0.1","port":1}']);
  assert.deepEqual(
    sent.map(({ type }) => type),
    ["opened", "opened"],
  );
});

test("a listener that cannot be opened is reported, and may be tried again", async (t) => {
  let fail = true;
  const { control, sent } = start(t, {
    open: async () => {
      if (fail) throw new Error("EADDRINUSE");
    },
  });
  const open = { type: "open", listener: "http", slot: 0, address: undefined } as const;
  control.receive(open, {});
  await settle();
  fail = false;
  control.receive(open, {});
  await settle();
  assert.deepEqual(sent, [
    { type: "open_failed", listener: "http", slot: 0, message: "EADDRINUSE" },
    { type: "opened", listener: "http", slot: 0 },
  ]);
});

test("a second copy of a handle is closed, not served twice", async (t) => {
  const { control, calls } = start(t);
  let closed = 0;
  const handle = { close: () => closed++ };
  for (let i = 0; i < 2; i++)
    control.receive({ type: "open", listener: "http", slot: 1, address: undefined }, handle);
  await settle();
  assert.equal(calls.length, 1);
  assert.equal(closed, 1);
});

test("a slot that moves is opened on the new handle", async (t) => {
  const { control, calls } = start(t);
  const [former, next] = [{ close() {} }, { close: () => assert.fail("in use") }];
  control.receive({ type: "open", listener: "http", slot: 1, address: undefined }, former);
  control.receive({ type: "move", listener: "http", slot: 1, address: undefined }, next);
  await settle();
  // The listener closes the former one itself: a "close" here would end the new one.
  assert.deepEqual(calls, ["open http 1 {}", "open http 1 {}"]);
});

test("a slot that was never opened is not closed", (t) => {
  const { control, calls } = start(t);
  control.receive({ type: "close", listener: "http", slot: 5 }, undefined);
  assert.deepEqual(calls, []);
});

test("a drain closes all listeners, its own and adopted ones, waits, flushes, reports and exits 0", async (t) => {
  const { control, calls, sent, exits } = start(t);
  for (const slot of [0, 1])
    control.receive({ type: "open", listener: "http", slot, address: undefined }, {});
  await settle();
  calls.length = 0;
  control.receive({ type: "drain", graceMs: 500 }, undefined);
  await settle();
  assert.deepEqual(calls, ["close http 0", "close http 1", "drain 500", "flush"]);
  const frame = { rows: undefined, values: new Float64Array(0), exemplars: [] };
  assert.deepEqual(sent.at(-1), { type: "drained", cut: 3, frame });
  assert.deepEqual(exits, [0]);
});

test("a worker that lost its primary drains for its config's grace period and ends", async (t) => {
  const { control, calls, exits } = start(t);
  control.receive(prepare, undefined);
  control.receive({ type: "commit", generation: 1 }, undefined);
  control.primaryLost();
  await settle();
  assert.ok(calls.includes("drain 4000"), calls.join());
  assert.deepEqual(exits, [0]);
});

test("a worker that lost its primary ends even when its drain never does", async (t) => {
  const { control, exits } = start(t, { drain: () => new Promise(() => {}) });
  control.receive(prepare, undefined);
  control.receive({ type: "commit", generation: 1 }, undefined);
  control.primaryLost();
  await settle();
  mock.timers.tick(4000);
  assert.deepEqual(exits, []);
  mock.timers.tick(2000);
  assert.deepEqual(exits, [0]);
});

test("a log sink that takes nothing does not hold the exit", async (t) => {
  const { control, exits } = start(t, { flushLog: () => new Promise(() => {}) });
  control.receive({ type: "drain", graceMs: 60_000 }, undefined);
  await settle();
  mock.timers.tick(500);
  await settle();
  assert.deepEqual(exits, [0]);
});

test("a second drain with no grace ends the worker at once", async (t) => {
  const { control, exits } = start(t, { drain: () => new Promise(() => {}) });
  control.receive({ type: "drain", graceMs: 60_000 }, undefined);
  await settle();
  assert.deepEqual(exits, []);
  control.receive({ type: "drain", graceMs: 0 }, undefined);
  await settle();
  assert.deepEqual(exits, [0]);
});

test("what the primary found out is passed on", (t) => {
  const { control, calls } = start(t);
  control.receive({ type: "ticket_keys", keys: Buffer.alloc(48) }, undefined);
  control.receive({ type: "health", upstream: "app", url: "http://a", healthy: false }, undefined);
  control.receive({ type: "addresses", host: "a", addresses: ["10.0.0.1"] }, undefined);
  control.receive({ type: "limit_seed", seed: Buffer.alloc(8) }, undefined);
  control.receive({ type: "sticky_root", root: Buffer.alloc(32) }, undefined);
  control.receive({ type: "limit_spent", shares: [] }, undefined);
  const store = { isUp: true, seed: Buffer.alloc(8), offsetMs: 0 };
  control.receive({ type: "limit_store", state: store }, undefined);
  control.receive({ type: "limit_levels", levels: [] }, undefined);
  control.receive({ type: "strict_answers", answers: [] }, undefined);
  control.receive({ type: "reopen_log" }, undefined);
  control.receive({ type: "discard", generation: 2 }, undefined);
  assert.deepEqual(calls, [
    "keys 48",
    "health app http://a false",
    "addresses a 10.0.0.1",
    "seed 8",
    "sticky root 32",
    "spent 0",
    "store true",
    "levels 0",
    "strict 0",
    "reopen",
    "discard 2",
  ]);
});

test("a worker that has a configuration tells its figures unasked, until it leaves", async (t) => {
  const { control, sent } = start(t);
  control.reportFigures();
  assert.equal(sent.length, 0);
  control.receive(prepare, undefined);
  await settle();
  control.receive({ type: "commit", generation: 1 }, undefined);
  control.reportFigures();
  const told = sent.at(-1)!;
  assert.ok(told.type === "metrics" && told.scrape === 0);
  control.receive({ type: "drain", graceMs: 0 }, undefined);
  await settle();
  const { length } = sent;
  control.reportFigures();
  assert.equal(sent.length, length);
});

test("a worker that is asked tells its decisions at once, also when there are none", (t) => {
  const waiting = [[{ requestId: "a" }], []] as unknown as ReturnType<Edge["takeDecisions"]>[];
  const { control, sent } = start(t, { takeDecisions: () => waiting.shift()! });
  control.receive({ type: "decisions_asked", round: 7 }, undefined);
  control.receive({ type: "decisions_asked", round: 8 }, undefined);
  assert.deepEqual(sent, [
    { type: "decisions", round: 7, decisions: [{ requestId: "a" }] },
    { type: "decisions", round: 8, decisions: [] },
  ]);
});

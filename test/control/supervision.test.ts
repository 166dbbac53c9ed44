import assert from "node:assert/strict";
import { mock, type TestContext, test } from "node:test";
import { cutConfig } from "../../src/config/parts.ts";
import type { FromWorker, PrepareMessage, ToWorker } from "../../src/control/messages.ts";
import type { BoundHandle, ListenerSlots } from "../../src/control/slots.ts";
import { Supervision } from "../../src/control/supervision.ts";
import type { WorkerEvents, WorkerLink } from "../../src/control/worker-link.ts";
import { goodConfig, minimal } from "../support/config-case.ts";
import { keptLog, settle } from "./fakes.ts";

const cut = cutConfig(goodConfig(minimal));

interface FakeWorker {
  readonly link: WorkerLink;
  readonly received: (ToWorker & { readonly handle?: unknown })[];
  say(message: FromWorker): void;
  /** Says what a healthy worker says until it serves. */
  comeUp(generation?: number): void;
  die(signal?: string): void;
  readonly alive: boolean;
}

function start(t: TestContext, workerCount = 2) {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  let nowMs = 0;
  const workers: FakeWorker[] = [];
  const gone: string[] = [];
  const replaced: string[] = [];
  const sampled: number[] = [];
  const log = keptLog();
  const handles = Array.from({ length: workerCount }, (_, slot) => ({ slot }) as unknown as BoundHandle);
  const listener: ListenerSlots = {
    name: "http",
    address: { host: "127.0.0.1", port: 1 },
    asked: { host: "127.0.0.1", port: 1 },
    reserve: () => () => {},
    handle: (slot) => handles[slot],
    surplus: () => [],
    sockets: () => [],
    close() {},
  };
  const run = {
    generation: 1,
    workers,
    gone,
    replaced,
    sampled,
    log,
    supervision: undefined as unknown as Supervision,
    /** Time passes in small steps; `talkative` workers send heartbeats. */
    async pass(ms: number, talkative: readonly FakeWorker[] = workers) {
      for (let passedMs = 0; passedMs < ms; passedMs += 250) {
        nowMs += 250;
        for (const worker of talkative) if (worker.alive) worker.say({ type: "heartbeat" });
        mock.timers.tick(250);
        await settle();
      }
    },
    /** The clock jumps: nothing ran in between. */
    freeze(ms: number) {
      nowMs += ms;
    },
  };
  const startWorker = (slot: number, id: number, startedMs: number, events: WorkerEvents): WorkerLink => {
    const received: FakeWorker["received"] = [];
    let alive = true;
    const link: WorkerLink = {
      id,
      slot,
      pid: 1000 + id,
      startedMs,
      phase: "starting",
      lastHeardMs: startedMs,
      asked: 0,
      ready: 0,
      generation: 0,
      inForce: 0,
      held: new Set(),
      servingSinceMs: Infinity,
      unopened: 0,
      killedFor: "",
      killedCause: undefined,
      send: (message, handle) => void received.push(handle === undefined ? message : { ...message, handle }),
      kill: () => worker.die("SIGKILL"),
    };
    const worker: FakeWorker = {
      link,
      received,
      get alive() {
        return alive;
      },
      say: (message) => events.message(message),
      comeUp(generation = run.generation) {
        events.message({ type: "online" });
        events.message({ type: "ready", generation });
        events.message({ type: "opened", listener: "http", slot });
      },
      die(signal = "SIGKILL") {
        if (!alive) return;
        alive = false;
        events.exit(null, signal);
      },
    };
    workers.push(worker);
    return link;
  };
  run.supervision = new Supervision({
    workerCount,
    startWorker,
    listeners: [listener],
    current: () => ({ generation: run.generation, cut, addresses: new Map() }),
    greeting: () => [{ type: "ticket_keys", keys: Buffer.alloc(48) }],
    onFrame: (worker) => sampled.push(worker),
    onSpans: () => {},
    onDecisions: () => {},
    onCaptures: () => {},
    onKeysWanted: () => {},
    onLimitSpent: () => {},
    onOffences: () => {},
    onStrictAsks: () => {},
    onLimitLevels: () => {},
    onCachePeer: () => {},
    onPageAsked: () => {},
    onProcesses: () => {},
    graceMs: () => 7000,
    onReplaced: (cause) => replaced.push(cause),
    onGone: (_worker, death) => gone.push(death?.signal ?? "expected"),
    clock: { nowMs: () => nowMs, wallMs: () => nowMs },
    log,
  });
  t.after(async () => {
    // Nothing may run on when the test is over.
    run.supervision.killAll("test is over");
    await run.supervision.drain(0);
    mock.timers.reset();
  });
  return run;
}

/** Two workers that serve. */
async function serving(t: TestContext, workerCount = 2) {
  const run = start(t, workerCount);
  const started = run.supervision.start();
  for (const worker of [...run.workers]) worker.comeUp();
  assert.deepEqual(await started, { kind: "serving" });
  for (const worker of run.workers) worker.received.length = 0;
  return run;
}

const types = (worker: FakeWorker) => worker.received.map(({ type }) => type);

const emptyFrame = { rows: undefined, values: new Float64Array(0), exemplars: [] };

test("a new worker is told the generation, then what is known, then its own socket", async (t) => {
  const run = start(t);
  void run.supervision.start();
  const [first, second] = run.workers;
  first!.comeUp();
  assert.deepEqual(types(first!), ["prepare", "commit", "ticket_keys", "open"]);
  assert.deepEqual(first!.received.at(-1)?.handle, { slot: 0 });
  assert.deepEqual(types(second!), []);
  assert.equal(run.supervision.serving, 1);
});

test("a config that the data plane cannot compile fails the start with its words", async (t) => {
  const run = start(t);
  const started = run.supervision.start();
  run.workers[0]!.say({ type: "online" });
  run.workers[0]!.say({ type: "failed", generation: 1, message: "no such cipher" });
  assert.deepEqual(await started, { kind: "refused", message: "no such cipher" });
});

test("a worker that cannot listen fails the start", async (t) => {
  const run = start(t);
  const started = run.supervision.start();
  const [worker] = run.workers;
  worker!.say({ type: "online" });
  worker!.say({ type: "ready", generation: 1 });
  worker!.say({ type: "open_failed", listener: "http", slot: 0, message: "EADDRINUSE" });
  assert.equal((await started).kind, "not_listening");
});

test("workers that die before they serve fail the start after three of them", async (t) => {
  const run = start(t, 1);
  const started = run.supervision.start();
  for (let i = 0; i < 3; i++) {
    run.workers.at(-1)!.die("SIGABRT");
    await run.pass(1000);
  }
  assert.equal((await started).kind, "dying");
});

test("a generation from before the start brings its number of workers, and starts none itself", async (t) => {
  const run = start(t);
  assert.deepEqual(await run.supervision.prepare(candidate, 5000), []);
  run.generation = 2;
  await run.supervision.commit(2);
  run.supervision.rearrange([], 3, 0);
  run.supervision.rearrange([], 1, 0);
  assert.equal(run.workers.length, 0);
  void run.supervision.start();
  assert.deepEqual(
    run.workers.map(({ link }) => link.slot),
    [0],
  );
});

test("a listener that moves is not closed first, one that goes is closed", async (t) => {
  const run = await serving(t);
  const received = () => run.workers.map((worker) => worker.received.splice(0));
  received();
  const handle = { slot: 7 } as unknown as BoundHandle;
  const address = { host: "0.0.0.0", port: 1 };
  const moved: ListenerSlots = {
    name: "http",
    address,
    asked: address,
    reserve: () => () => {},
    handle: () => handle,
    surplus: () => [],
    sockets: () => [],
    close() {},
  };
  run.supervision.rearrange([moved], 2, 0);
  assert.deepEqual(
    received(),
    [0, 1].map((slot) => [{ type: "move", listener: "http", slot, address: undefined, handle }]),
  );
  run.supervision.rearrange([], 2, 0);
  assert.deepEqual(
    received(),
    [0, 1].map((slot) => [{ type: "close", listener: "http", slot }]),
  );
});

test("a dead worker is replaced at once, and a neighbour serves its socket until the new one does", async (t) => {
  const run = await serving(t);
  const [dead, neighbour] = run.workers;
  dead!.die();
  assert.equal(run.workers.length, 3);
  assert.deepEqual(run.gone, ["SIGKILL"]);
  assert.deepEqual(neighbour!.received, [
    { type: "open", listener: "http", slot: 0, address: undefined, handle: { slot: 0 } },
  ]);
  const [, , replacement] = run.workers;
  replacement!.comeUp();
  assert.deepEqual(types(neighbour!), ["open", "close"]);
  assert.equal(run.supervision.serving, 2);
});

test("each unexpected exit leaves one log line with worker, signal and uptime", async (t) => {
  const run = await serving(t);
  await run.pass(1000);
  run.workers[1]!.die("SIGSEGV");
  const lines = run.log.lines.filter((line) => line["event.name"] === "zion.worker.exit");
  assert.equal(lines.length, 1);
  assert.deepEqual(
    [lines[0]!["worker"], lines[0]!["signal"], lines[0]!["uptime_ms"], lines[0]!["restart_in_ms"]],
    [1, "SIGSEGV", 1000, 0],
  );
});

test("a worker that dies again and again is restarted ever more slowly, but never left out", async (t) => {
  const run = await serving(t);
  const steady = run.workers[1]!;
  let previous = run.workers.length;
  for (const delayMs of [0, 100, 500, 1000, 2000, 10_000]) {
    run.workers.findLast(({ link }) => link.slot === 0)!.die();
    await run.pass(Math.max(250, delayMs), [steady]);
    assert.equal(run.workers.length, previous + 1, `after ${delayMs} ms`);
    previous = run.workers.length;
  }
});

test("a worker that is silent for a second is helped out, and left alone again when it speaks", async (t) => {
  const run = await serving(t);
  const [silent, neighbour] = run.workers;
  await run.pass(1000, [neighbour!]);
  assert.deepEqual(types(neighbour!), []);
  await run.pass(500, [neighbour!]);
  assert.deepEqual(types(neighbour!), ["open"]);
  assert.equal(run.supervision.serving, 1);
  await run.pass(250, run.workers);
  assert.deepEqual(types(neighbour!), ["open", "close"]);
  assert.ok(silent!.alive);
});

test("a worker that is silent for five seconds is killed and replaced", async (t) => {
  const run = await serving(t);
  const [silent, neighbour] = run.workers;
  await run.pass(5000, [neighbour!]);
  assert.ok(silent!.alive);
  await run.pass(500, [neighbour!]);
  assert.ok(!silent!.alive);
  assert.equal(run.workers.length, 3);
  assert.equal(
    run.log.lines.find((line) => line["event.name"] === "zion.worker.exit")?.["reason"],
    "no heartbeat",
  );
});

test("operators see each slot with the age of its worker, and how many there were before", async (t) => {
  const run = await serving(t);
  await run.pass(5500, [run.workers[1]!]);
  run.workers.at(-1)!.comeUp();
  await run.pass(1000);
  const [first, second] = run.supervision.workers;
  assert.deepEqual([first!.phase, first!.restarts, first!.adoptedBy], ["serving", 1, []]);
  assert.deepEqual([second!.phase, second!.restarts], ["serving", 0]);
  assert.ok(first!.ageMs < second!.ageMs);
  await run.pass(1500, [run.workers[1]!]);
  assert.deepEqual(
    run.supervision.workers.map(({ stalled }) => stalled),
    [true, false],
  );
});

test("when the primary itself stood still, nobody is killed for silence", async (t) => {
  const run = await serving(t);
  run.freeze(60_000);
  await run.pass(250, []);
  assert.ok(run.workers.every(({ alive }) => alive));
  assert.equal(run.supervision.serving, 2);
});

test("when the adopter dies too, the next neighbour adopts", async (t) => {
  const run = await serving(t, 3);
  const [first, second, third] = run.workers;
  await run.pass(1500, [second!, third!]);
  assert.deepEqual(types(second!), ["open"]);
  second!.die();
  const opened = third!.received.map((message) => (message.type === "open" ? message.slot : -1));
  assert.deepEqual(opened.sort(), [0, 1]);
  assert.ok(first!.alive);
});

test("when all workers are gone, the first that is back serves for the others as well", async (t) => {
  const run = await serving(t);
  for (const worker of [...run.workers]) worker.die();
  await run.pass(500, []);
  const back = run.workers.findLast(({ link }) => link.slot === 1)!;
  back.comeUp();
  const opened = back.received
    .filter(({ type }) => type === "open")
    .map((message) => (message as { slot: number }).slot);
  assert.deepEqual(opened, [1, 0]);
});

test("a worker that does not come up within half a minute is killed", async (t) => {
  const run = start(t);
  void run.supervision.start();
  await run.pass(30_000);
  assert.ok(run.workers[0]!.alive);
  await run.pass(500);
  assert.ok(!run.workers[0]!.alive);
});

/** A number that no key has by default: equal parts are one part. */
const changed = cutConfig(
  goodConfig(minimal.replace("[upstream.app]", "max_headers = 57\n\n[upstream.app]")),
);
const candidate = { generation: 2, cut: changed, addresses: new Map() } as const;

test("a generation is ready when every worker has compiled it", async (t) => {
  const run = await serving(t);
  const votes = run.supervision.prepare(candidate, 5000);
  for (const worker of run.workers) worker.say({ type: "ready", generation: 2 });
  assert.deepEqual(await votes, []);
  run.generation = 2;
  void run.supervision.commit(2);
  for (const worker of run.workers) assert.deepEqual(types(worker), ["prepare", "commit"]);
});

test("one worker that cannot compile a generation is a problem, and so is one that lives and says nothing", async (t) => {
  const run = await serving(t, 4);
  const [ready, failing, dying, mute] = run.workers;
  const votes = run.supervision.prepare(candidate, 500);
  ready!.say({ type: "ready", generation: 2 });
  failing!.say({ type: "failed", generation: 2, message: "bad" });
  dying!.die();
  await run.pass(500);
  assert.deepEqual(await votes, ["bad", "worker 3 did not answer in 500 ms"]);
  run.supervision.discard(2);
  for (const worker of [ready, failing, mute]) assert.equal(types(worker!).at(-1), "discard");
  assert.ok(failing!.alive);
});

test("only parts that a worker does not hold are sent to it", async (t) => {
  const run = await serving(t);
  const [worker] = run.workers;
  const sent = async (generation: number, vote: "ready" | "failed") => {
    const votes = run.supervision.prepare({ ...candidate, generation }, 5000);
    for (const { say } of run.workers) say({ type: vote, generation, message: "bad" });
    await votes;
    return (worker!.received.at(-1) as PrepareMessage).parts.size;
  };
  assert.equal(await sent(2, "failed"), 1, "max_headers is the only part that changed");
  run.supervision.discard(2);
  assert.equal(await sent(3, "failed"), 1, "discarded, so forgotten");
});

test("a worker that ends leaves the vote", async (t) => {
  const run = await serving(t);
  const [ready, dying] = run.workers;
  const votes = run.supervision.prepare(candidate, 5000);
  dying!.die();
  ready!.say({ type: "ready", generation: 2 });
  assert.deepEqual(await votes, []);
});

test("a generation that ends every worker that compiles it is refused", async (t) => {
  const run = await serving(t);
  await run.pass(250);
  const votes = run.supervision.prepare(candidate, 5000);
  await run.pass(250);
  for (const worker of [...run.workers]) worker.die();
  assert.deepEqual(await votes, ["every worker ended while it compiled this configuration"]);
});

test("workers that are stuck, or not there, cannot block the generation that cures them", async (t) => {
  const run = await serving(t);
  const votes = run.supervision.prepare(candidate, 30_000);
  await run.pass(5500, []);
  assert.ok(run.workers.slice(0, 2).every(({ alive }) => !alive));
  assert.deepEqual(await votes, []);
  assert.deepEqual(await run.supervision.prepare(candidate, 30_000), []);
});

test("a commit is over when every worker serves it; one that does not in 2 s is killed", async (t) => {
  const run = await serving(t);
  const [prompt, late] = run.workers;
  const votes = run.supervision.prepare(candidate, 5000);
  for (const worker of run.workers) worker.say({ type: "ready", generation: 2 });
  await votes;
  run.generation = 2;
  const committed = run.supervision.commit(2);
  prompt!.say({ type: "committed", generation: 2 });
  await run.pass(1750);
  assert.ok(late!.alive);
  await run.pass(500);
  await committed;
  assert.ok(prompt!.alive && !late!.alive);
  const exit = run.log.lines.find((line) => line["event.name"] === "zion.worker.exit");
  assert.equal(exit?.["reason"], "generation 2 not in force in time");
});

test("a worker that starts during a reload ends up with the generation that won", async (t) => {
  const run = await serving(t);
  const [dead, other] = run.workers;
  dead!.die();
  const starting = run.workers.at(-1)!;
  starting.say({ type: "online" });
  const votes = run.supervision.prepare(candidate, 5000);
  other!.say({ type: "ready", generation: 2 });
  assert.deepEqual(await votes, []);
  run.generation = 2;
  void run.supervision.commit(2);
  starting.say({ type: "ready", generation: 1 });
  assert.deepEqual(types(starting), ["prepare", "prepare"]);
  starting.say({ type: "ready", generation: 2 });
  assert.equal(starting.link.generation, 2);
});

test("a worker that came up with the old generation while the others voted catches up", async (t) => {
  const run = await serving(t);
  const [dead, other] = run.workers;
  dead!.die();
  const late = run.workers.at(-1)!;
  const votes = run.supervision.prepare(candidate, 5000);
  late.comeUp(1);
  other!.say({ type: "ready", generation: 2 });
  assert.deepEqual(await votes, []);
  late.received.length = 0;
  run.generation = 2;
  void run.supervision.commit(2);
  assert.deepEqual(types(late), ["prepare"]);
  late.say({ type: "ready", generation: 2 });
  assert.deepEqual(types(late), ["prepare", "commit"]);
});

test("a scrape ends when all have answered, or at its deadline", async (t) => {
  const run = await serving(t);
  const [quick, slow] = run.workers;
  const scrape = run.supervision.scrape(500);
  const { scrape: id } = quick!.received[0] as { scrape: number };
  quick!.say({ type: "metrics", scrape: id, frame: emptyFrame });
  let ended = false;
  void scrape.then(() => {
    ended = true;
  });
  await run.pass(250);
  assert.equal(ended, false);
  await run.pass(250);
  assert.equal(ended, true);
  slow!.say({ type: "metrics", scrape: id, frame: emptyFrame });
  assert.deepEqual(run.sampled, [quick!.link.id, slow!.link.id]);
});

test("whoever wants the newest decisions waits for all workers that live, and for no other question", async (t) => {
  const run = await serving(t, 3);
  const [first, second, third] = run.workers;
  let isOver = false;
  const asked = run.supervision.hurryDecisions(500).then(() => {
    isOver = true;
  });
  const { round } = first!.received[0] as { round: number };
  first!.say({ type: "decisions", round, decisions: [] });
  second!.say({ type: "decisions", round: 0, decisions: [] });
  second!.say({ type: "metrics", scrape: 0, frame: emptyFrame });
  third!.die();
  await settle();
  assert.equal(isOver, false);
  second!.say({ type: "decisions", round, decisions: [] });
  await asked;
});

test("figures that nobody asked for are taken, and end no scrape", async (t) => {
  const run = await serving(t);
  const [first] = run.workers;
  const scrape = run.supervision.scrape(500);
  first!.say({ type: "metrics", scrape: 0, frame: emptyFrame });
  assert.equal(run.sampled.length, 1);
  let isOver = false;
  void scrape.then(() => {
    isOver = true;
  });
  await settle();
  assert.equal(isOver, false);
  await run.pass(500);
  await scrape;
});

test("a drain waits for all workers, counts what was cut and replaces nobody", async (t) => {
  const run = await serving(t);
  const drained = run.supervision.drain(10_000);
  for (const worker of run.workers) assert.deepEqual(types(worker), ["drain"]);
  for (const worker of run.workers) {
    worker.say({ type: "drained", cut: 2, frame: emptyFrame });
    worker.die("");
  }
  assert.equal(await drained, 4);
  assert.equal(run.workers.length, 2);
  assert.deepEqual(run.gone, ["expected", "expected"]);
});

test("a worker that does not end in time is killed", async (t) => {
  const run = await serving(t);
  const drained = run.supervision.drain(2000);
  run.workers[0]!.die("");
  await run.pass(2000);
  assert.ok(run.workers[1]!.alive);
  await run.pass(1000);
  assert.ok(!run.workers[1]!.alive);
  await drained;
});

test("a worn worker serves until its replacement does, then drains, and is no crash", async (t) => {
  const run = await serving(t);
  const [worn] = run.workers;
  worn!.say({ type: "worn" });
  worn!.say({ type: "worn" });
  assert.equal(run.workers.length, 3);
  assert.deepEqual(types(worn!), []);
  const replacement = run.workers.at(-1)!;
  replacement.comeUp();
  assert.deepEqual(worn!.received, [{ type: "drain", graceMs: 7000 }]);
  assert.equal(run.supervision.serving, 2);
  worn!.die("");
  assert.deepEqual(run.gone, ["expected"]);
  assert.deepEqual(run.replaced, ["worn"]);
  assert.equal(run.workers.length, 3);
  assert.equal(run.log.lines.filter((line) => line["event.name"] === "zion.worker.exit").length, 0);
});

test("workers that are worn again are replaced one by one, minutes apart", async (t) => {
  const run = await serving(t);
  const [first, second] = run.workers;
  first!.say({ type: "worn" });
  second!.say({ type: "worn" });
  assert.equal(run.workers.length, 3);
  run.workers.at(-1)!.comeUp();
  first!.die("");
  run.workers.at(-1)!.say({ type: "worn" });
  assert.equal(run.workers.length, 3);
  await run.pass(300_000);
  second!.say({ type: "worn" });
  assert.equal(run.workers.length, 4);
});

test("a worn worker that dies before it is relieved is not started twice", async (t) => {
  const run = await serving(t);
  const [worn] = run.workers;
  worn!.say({ type: "worn" });
  worn!.die("SIGABRT");
  assert.equal(run.workers.length, 3);
  run.workers.at(-1)!.comeUp();
  assert.equal(run.supervision.serving, 2);
});

test("a drain waits for a worn worker as well", async (t) => {
  const run = await serving(t);
  const [worn, other] = run.workers;
  worn!.say({ type: "worn" });
  const replacement = run.workers.at(-1)!;
  replacement.comeUp();
  let isOver = false;
  const drained = run.supervision.drain(2000).then(() => {
    isOver = true;
  });
  other!.die("");
  replacement.die("");
  await settle();
  assert.equal(isOver, false);
  worn!.die("");
  await drained;
});

const drains = (worker: Parameters<typeof types>[0]): boolean => types(worker).includes("drain");

test("workers that are renewed leave one after the other, each when its replacement serves", async (t) => {
  const run = await serving(t, 2);
  const [first, second] = run.workers;
  run.supervision.renew();
  assert.equal(run.workers.length, 3);
  await run.pass(500);
  assert.equal(run.workers.length, 3);
  assert.deepEqual([drains(first!), drains(second!)], [false, false]);
  run.workers.at(-1)!.comeUp();
  assert.deepEqual([drains(first!), drains(second!)], [true, false]);
  assert.equal(run.workers.length, 4);
  run.workers.at(-1)!.comeUp();
  assert.ok(drains(second!));
  first!.die("");
  second!.die("");
  await run.pass(500);
  assert.equal(run.workers.length, 4);
  assert.equal(run.supervision.serving, 2);
});

test("a worker that drains and is silent for five seconds is killed, and holds up no generation", async (t) => {
  const run = await serving(t, 1);
  const [stuck] = run.workers;
  run.supervision.renew();
  const replacement = run.workers.at(-1)!;
  replacement.comeUp();
  assert.ok(drains(stuck!));
  const votes = run.supervision.prepare(candidate, 30_000);
  replacement.say({ type: "ready", generation: 2 });
  await run.pass(4750, [replacement]);
  assert.ok(stuck!.alive);
  await run.pass(500, [replacement]);
  assert.ok(!stuck!.alive);
  assert.deepEqual(await votes, []);
  assert.deepEqual(run.gone, ["expected"]);
  assert.equal(run.workers.length, 2);
});

test("a worker that is just starting when all are renewed serves first, and is replaced then", async (t) => {
  const run = await serving(t, 1);
  run.workers[0]!.die("SIGSEGV");
  await run.pass(250);
  const starting = run.workers.at(-1)!;
  run.supervision.renew();
  assert.equal(run.workers.length, 2);
  starting.comeUp();
  assert.equal(run.workers.length, 3);
  run.workers.at(-1)!.comeUp();
  assert.ok(drains(starting));
});

test("workers that are renewed again wait for those that still drain", async (t) => {
  const run = await serving(t, 1);
  const [first] = run.workers;
  run.supervision.renew();
  const second = run.workers.at(-1)!;
  second.comeUp();
  run.supervision.renew();
  await run.pass(250);
  assert.equal(run.workers.length, 2);
  first!.die("");
  await run.pass(250);
  assert.equal(run.workers.length, 3);
  run.workers.at(-1)!.comeUp();
  assert.ok(drains(second));
});

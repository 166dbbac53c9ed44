import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MessageScreen } from "../../src/gate/message-screen.ts";
import { WafEngine } from "../../src/gate/waf-engine.ts";
import { buildRouteWaf } from "../../src/gate/waf-settings.ts";
import { systemClock } from "../../src/std/clock.ts";
import { TimerWheel } from "../../src/std/timer-wheel.ts";
import { frame, masked, readFrame } from "../support/websocket.ts";
import { demoRuleSet } from "./waf-demo-rules.ts";

const waf = buildRouteWaf({}, demoRuleSet());

interface Sent {
  readonly opcode: number;
  readonly payload: string;
}

/** Gives `bytes` to a screen in these pieces, each when it wants one; returns what came out and how it ended. */
async function screen(bytes: Buffer, cuts: readonly number[], messageBytesMax = 1 << 20) {
  const engine = new WafEngine({ clock: systemClock, wheel: new TimerWheel(systemClock), seed: 1 });
  const sent: Sent[] = [];
  let code: number | undefined;
  let ready: () => void = () => undefined;
  const one = new MessageScreen(
    {
      onMessageVerdict(verdict) {
        if (verdict.refused) close(1008);
      },
      onDefect: (cause) => assert.fail(String(cause)),
    },
    engine,
    { waf, route: "r", messageBytesMax },
  );
  const close = (closeCode: number): void => {
    code ??= closeCode;
    one.stop();
    ready();
  };
  one.start({
    sendScreened(out, start, end) {
      const read = readFrame(out.subarray(start, end))!;
      assert.equal(read.size, end - start, "whole frames only");
      assert.ok(read.final);
      sent.push({ opcode: read.opcode, payload: read.payload.toString("latin1") });
      return true;
    },
    onScreened: () => ready(),
    close: (_reason, closeCode) => close(closeCode),
  });
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    const screened = new Promise<void>((resolve) => {
      ready = resolve;
    });
    // The bytes are the reader's again afterwards.
    const piece = Buffer.from(bytes.subarray(start, end));
    const wanted = one.take(piece, 0, piece.length, 0);
    piece.fill(0);
    if (!wanted && code === undefined) await screened;
    if (code !== undefined) break;
    start = end;
  }
  one.stop();
  return { sent, code, held: engine.store.usedBytes };
}

const message = fc.record({
  opcode: fc.constantFrom(1, 2),
  payload: fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.string({ minLength: 1, maxLength: 8 }).map((text) => text.repeat(2000)),
  ),
  fragments: fc.array(fc.nat(50), { maxLength: 3 }),
  ping: fc.boolean(),
});

/** One message as frames, with a ping behind its first fragment. */
function framesOf({
  opcode,
  payload,
  fragments,
  ping,
}: typeof message extends fc.Arbitrary<infer T> ? T : never) {
  const bytes = Buffer.from(payload);
  const ends = [...fragments.map((at) => Math.min(at, bytes.length)), bytes.length].sort((a, b) => a - b);
  const frames: Buffer[] = [];
  let start = 0;
  ends.forEach((end, at) => {
    frames.push(masked(at === 0 ? opcode : 0, bytes.subarray(start, end), at < ends.length - 1));
    if (at === 0 && ping) frames.push(masked(9, "ping"));
    start = end;
  });
  return Buffer.concat(frames);
}

test("messages come out whole, in order and unchanged, however they are cut and fragmented", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 8 }),
      async (messages, cuts) => {
        const { sent, code, held } = await screen(Buffer.concat(messages.map(framesOf)), cuts);
        assert.equal(code, undefined);
        assert.equal(held, 0);
        assert.deepEqual(
          sent.filter(({ opcode }) => opcode < 8),
          messages.map(({ opcode, payload }) => ({
            opcode,
            payload: Buffer.from(payload).toString("latin1"),
          })),
        );
        assert.equal(
          sent.filter(({ opcode }) => opcode === 9).length,
          messages.filter(({ ping }) => ping).length,
        );
      },
    ),
    { numRuns: 60 },
  );
});

test("what is refused does not come out, whatever stands around it", async () => {
  await fc.assert(
    fc.asyncProperty(message, message, fc.array(fc.nat(), { maxLength: 8 }), async (before, after, cuts) => {
      const bad = framesOf({ ...before, payload: `a xyzzy ${before.payload}` });
      const { sent, code, held } = await screen(
        Buffer.concat([framesOf(before), bad, framesOf(after)]),
        cuts,
      );
      assert.equal(code, 1008);
      assert.equal(held, 0);
      assert.deepEqual(
        sent.filter(({ opcode }) => opcode < 8).map(({ opcode }) => opcode),
        [before.opcode],
      );
    }),
    { numRuns: 60 },
  );
});

test("random bytes never throw, and leave no memory behind", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.nat(), { maxLength: 4 }),
      async (bytes, cuts) => {
        const opened = Buffer.concat([masked(1, "begin", true), Buffer.from(bytes)]);
        assert.equal((await screen(opened, cuts, 1000)).held, 0);
      },
    ),
    { numRuns: 200 },
  );
});

test("a message may be as long as the cap, and no longer by any number of fragments", async () => {
  const exact = Buffer.concat([masked(2, Buffer.alloc(600), true), masked(0, Buffer.alloc(400))]);
  assert.equal((await screen(exact, [], 1000)).code, undefined);
  const longer = Buffer.concat([masked(2, Buffer.alloc(600), true), masked(0, Buffer.alloc(401))]);
  assert.equal((await screen(longer, [], 1000)).code, 1009);
  assert.equal((await screen(frame(1, "no mask"), [])).code, 1002);
});

test("messages that are not complete give their memory to others after five seconds, or leave others none", () => {
  const wheel = new TimerWheel(systemClock);
  const engine = new WafEngine({ clock: systemClock, wheel, seed: 1 });
  engine.store.limitBytes = 100_000;
  const open = (): { codes: number[]; begin(): void } => {
    const codes: number[] = [];
    const one = new MessageScreen(
      {
        onMessageVerdict: () => assert.fail("none is complete"),
        onDefect: (cause) => assert.fail(String(cause)),
      },
      engine,
      { waf, route: "r", messageBytesMax: 1 << 20 },
    );
    one.start({
      sendScreened: () => assert.fail("none is complete"),
      onScreened: () => undefined,
      close(_reason, code) {
        codes.push(code);
        one.stop();
      },
    });
    const bytes = masked(2, Buffer.alloc(100_000), true);
    return { codes, begin: () => void one.take(bytes, 0, bytes.length, 0) };
  };
  const [first, second, third] = [open(), open(), open()];
  first.begin();
  second.begin();
  assert.deepEqual([first.codes, second.codes], [[], [1013]]);
  wheel.nowMs += 5_001;
  third.begin();
  assert.deepEqual([first.codes, third.codes], [[1013], []]);
  assert.equal(engine.store.overloads, 2);
});

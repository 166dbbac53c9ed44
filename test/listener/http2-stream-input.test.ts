import assert from "node:assert/strict";
import { test } from "node:test";
import { type InputOwner, StreamInput } from "../../src/listener/http2-stream-input.ts";

interface Bench {
  readonly input: StreamInput;
  /** Pieces as the reader got them. */
  readonly given: Buffer[];
  /** Bytes given back to the connection. */
  back: number;
  /** Bytes of the stream's own window that were opened again. */
  opened: number;
  wants: boolean;
  /** Pieces after which the reader asks to wait. */
  fullAfter: number;
  /** Called with each piece. */
  onGiven(): void;
}

function bench(): Bench {
  const owner = {
    output: {
      openWindow(_id: number, bytes: number) {
        state.opened += bytes;
      },
    },
    takeBody(bytes: number) {
      state.back += bytes;
    },
  } as unknown as InputOwner;
  const given: Buffer[] = [];
  const reader = {
    get wantsInput() {
      return state.wants;
    },
    onInput(bytes: Buffer, start: number, end: number) {
      given.push(Buffer.from(bytes.subarray(start, end)));
      state.onGiven();
      return --state.fullAfter > 0;
    },
  };
  const input = new StreamInput(1, owner, reader, false);
  const state: Bench = { input, given, back: 0, opened: 0, wants: false, fullAfter: Infinity, onGiven() {} };
  return state;
}

function send(input: StreamInput, bytes: Buffer): void {
  assert.ok(input.begin(bytes.length, 0));
  input.take(bytes, 0, bytes.length);
}

test("what waits costs what it is long, however small the pieces it came in", () => {
  const state = bench();
  const content = Buffer.from(Array.from({ length: 60_000 }, (_, at) => at & 255));
  for (let at = 0; at < content.length; at++) send(state.input, content.subarray(at, at + 1));
  assert.equal(state.input.isTaken, false);
  state.wants = true;
  state.input.resume();
  assert.ok(state.given.length <= 8, `${state.given.length} pieces`);
  assert.ok(Buffer.concat(state.given).equals(content));
  assert.equal(state.input.isTaken, true);
});

test("what is lent is given in place, and what is left of it outlives the read", () => {
  for (const takes of [false, true]) {
    const state = bench();
    const content = Buffer.from(Array.from({ length: 40_000 }, (_, at) => (at * 7) & 255));
    const read = Buffer.from(content);
    assert.ok(state.input.begin(read.length, 0));
    state.input.lend(read, 0, read.length);
    assert.equal(state.input.isTaken, false);
    state.wants = takes;
    state.fullAfter = 1;
    if (takes) state.input.resume();
    state.input.settle();
    read.fill(0);
    state.wants = true;
    state.fullAfter = Infinity;
    state.input.resume();
    assert.ok(Buffer.concat(state.given).equals(content));
    assert.equal(state.input.isTaken, true);
    state.input.settle();
    state.input.close();
    assert.equal(state.back, content.length);
  }
});

test("bytes that come while others wait are given behind them", () => {
  const state = bench();
  const content: Buffer[] = [];
  state.wants = true;
  for (let turn = 0; turn < 200; turn++) {
    state.fullAfter = 1;
    for (let piece = 0; piece < 5; piece++) {
      const bytes = Buffer.alloc(1 + ((turn * 37 + piece * 11) % 500), turn + piece);
      content.push(bytes);
      send(state.input, bytes);
    }
    state.fullAfter = turn % 3 === 0 ? 1 : Infinity;
    state.input.resume();
  }
  state.fullAfter = Infinity;
  state.input.resume();
  assert.ok(Buffer.concat(state.given).equals(Buffer.concat(content)));
  state.input.close();
  assert.equal(state.back, Buffer.concat(content).length);
});

test("a reader that wants no more in the midst of what waited gets no more", () => {
  const state = bench();
  send(state.input, Buffer.alloc(60_000));
  state.wants = true;
  state.onGiven = () => {
    state.wants = false;
  };
  state.input.resume();
  assert.equal(state.given.length, 1);
  state.input.close();
  assert.equal(state.back, 60_000);
});

test("a stream that ends while bytes wait gives all of them back, once", () => {
  const state = bench();
  send(state.input, Buffer.alloc(1000));
  assert.ok(state.input.begin(500, 100));
  state.input.close();
  state.input.close();
  assert.equal(state.back, 1500);
});

test("what is thrown away is given back, at once to the connection, and the stream's window stays open", () => {
  for (const isTaken of [false, true]) {
    const state = bench();
    state.wants = isTaken;
    send(state.input, Buffer.alloc(20_000));
    // Of a frame that has come in part, all was counted.
    assert.ok(state.input.begin(30_000, 100));
    state.input.take(Buffer.alloc(10_000), 0, 10_000);
    state.input.discard();
    assert.equal(state.back, 50_000);
    state.input.take(Buffer.alloc(19_900), 0, 19_900);
    for (let more = 0; more < 1000; more++) {
      assert.ok(state.input.begin(16_384, more % 2));
      state.input.take(Buffer.alloc(16_384), 0, 16_384);
    }
    const sent = 50_000 + 1000 * 16_384;
    assert.equal(state.back, sent);
    assert.ok(state.opened <= sent && state.opened > sent - 32_768);
    state.input.close();
    assert.equal(state.back, sent);
    assert.equal(state.given.length, isTaken ? 2 : 0);
  }
});

test("what is lent and thrown away does not wait", () => {
  const state = bench();
  assert.ok(state.input.begin(5000, 0));
  state.input.lend(Buffer.alloc(5000), 0, 5000);
  state.input.discard();
  state.input.settle();
  state.wants = true;
  state.input.resume();
  state.input.close();
  assert.equal(state.back, 5000);
  assert.equal(state.given.length, 0);
});

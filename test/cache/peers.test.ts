import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { judge } from "../../src/cache/judgement.ts";
import {
  ASK,
  BODY,
  END,
  FrameReader,
  frameHeader,
  HEAD_FRAME,
  passedHeadText,
  readAsk,
  STORED_HEAD,
  TOKEN_BYTES,
} from "../../src/cache/peer-frame.ts";
import { CanonicalRequest } from "../../src/http/request.ts";
import { ResponseHead, readResponseHead } from "../../src/http/response-head.ts";
import { openCachePeers } from "../../src/listener/cache-peers.ts";
import type { State } from "../../src/state.ts";
import { systemClock } from "../../src/std/clock.ts";
import { TimerWheel } from "../../src/std/timer-wheel.ts";
import type { FetchGround } from "../../src/upstream/cache-fetch.ts";
import { ownerOf, PeerRing } from "../../src/upstream/cache-peer.ts";

test("who does not know the token gets nothing", async (t) => {
  const socket = `\0zion-test-${randomBytes(8).toString("hex")}`;
  const token = randomBytes(32);
  const server = openCachePeers(socket, () => token, {} as State);
  t.after(() => server.close());
  await once(server, "listening");
  for (const said of [
    randomBytes(32),
    Buffer.concat([token.subarray(0, 31), Buffer.from([token[31]! ^ 1])]),
  ]) {
    const connection = net.connect(socket);
    connection.write(said);
    connection.write(frameHeader(ASK, 0));
    let got = 0;
    connection.on("data", (bytes) => {
      got += bytes.length;
    });
    connection.on("error", () => {});
    await once(connection, "close");
    assert.equal(got, 0);
  }
});

test("frames come out as they were put in, however they are cut", () => {
  const frame = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.uint8Array({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.integer({ min: 1, max: 9 }), (frames, step) => {
      const bytes = Buffer.concat(
        frames.flatMap(([kind, payload]) => [frameHeader(kind, payload.length), payload]),
      );
      const reader = new FrameReader();
      const got: [number, number[]][] = [];
      for (let at = 0; at < bytes.length; at += step)
        assert.ok(
          reader.read(bytes.subarray(at, at + step), (kind, payload) => {
            got.push([kind, [...payload]]);
            return true;
          }),
        );
      assert.deepEqual(
        got,
        frames.map(([kind, payload]) => [kind, [...payload]]),
      );
    }),
  );
  assert.equal(
    new FrameReader().read(frameHeader(ASK, 2_000_000), () => true),
    false,
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void readAsk(Buffer.from(bytes))));
});

test("a worker that answers out of turn is given up, and nobody waits for what it did not say", async (t) => {
  const socket = `\0zion-test-${randomBytes(8).toString("hex")}`;
  const ring = new PeerRing(0, {
    wheel: new TimerWheel(systemClock),
    nowMs: () => performance.now(),
    onDefect: assert.fail,
    onAsked: () => {},
  });
  const places = [0, 1].map((slot) => ({ slot, socket }));
  ring.adopt(places, Buffer.alloc(TOKEN_BYTES));
  let hash = 1;
  while (ownerOf(hash, places)?.slot !== 1) hash++;
  const frame = (kind: number, text = "") =>
    Buffer.concat([frameHeader(kind, text.length), Buffer.from(text)]);
  const head = frame(HEAD_FRAME, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  let says = head;
  const connections: net.Socket[] = [];
  const server = net.createServer((connection) => {
    connections.push(connection);
    connection.on("error", () => {});
    connection.on("data", () => void connection.write(says));
  });
  server.listen(socket);
  t.after(() => {
    for (const connection of connections) connection.destroy();
    server.close();
  });
  await once(server, "listening");
  const ground = {
    route: "r",
    upstream: { name: "u", config: { idleTimeoutMs: 1000 } },
  } as unknown as FetchGround;
  for (const [bytes, heads] of [
    [frame(END), 0],
    [frame(BODY, "x"), 0],
    [Buffer.concat([head, head, frame(END)]), 1],
    [frame(STORED_HEAD), 0],
    [frame(99), 0],
  ] as const) {
    says = bytes;
    const said: string[] = [];
    await new Promise<void>((over) => {
      const told = (what: string, isOver: boolean) => {
        said.push(what);
        if (isOver) over();
        return true;
      };
      ring
        .open(hash, new CanonicalRequest(), ground, false, {
          onFetchHead: () => told("head", false),
          onFetchBody: () => told("body", false),
          onFetchFlush: () => true,
          onFetchTrailers: () => {},
          onFetchEnd: () => told("end", true),
          onFetchFault: () => told("fault", true),
        })!
        .start();
    });
    assert.deepEqual(said, [...Array.from({ length: heads }, () => "head"), "fault"]);
  }
});

test("every worker agrees on the owner of a key, and one that leaves takes only its keys along", () => {
  const places = [0, 1, 2, 3].map((slot) => ({ slot, socket: `${slot}` }));
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 3 }), (hash, gone) => {
      const owner = ownerOf(hash, places)!.slot;
      assert.equal(ownerOf(hash, places.toReversed())!.slot, owner);
      const left = ownerOf(
        hash,
        places.filter(({ slot }) => slot !== gone),
      )!.slot;
      if (owner !== gone) assert.equal(left, owner);
    }),
  );
  const share = [0, 0, 0, 0];
  for (let i = 0; i < 4000; i++) share[ownerOf(Math.imul(i, 0x01000193), places)!.slot]!++;
  assert.ok(Math.min(...share) > 700, `${share}`);
});

test("the head of an answer that only the end of a connection ends does not say more to another worker", () => {
  const head = new ResponseHead();
  const text =
    "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nSurrogate-Key: a\r\nConnection: x, close\r\nX: 1\r\n\r\n";
  assert.ok(readResponseHead(Buffer.from(text), 0, text.length, false, head) > 0);
  const said = passedHeadText(head);
  assert.equal(said.toString(), "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nSurrogate-Key: a\r\n\r\n");
  const again = new ResponseHead();
  readResponseHead(said, 0, said.length, false, again);
  const arrival = { sentMs: 0, arrivedMs: 0, wallSecs: 1_000_000 };
  const rule = { freshMaxSecs: 60, freshDefaultSecs: 0, bodyBytesMax: 10, errors: false };
  assert.equal(judge(again, false, rule, arrival), "unframed");
});

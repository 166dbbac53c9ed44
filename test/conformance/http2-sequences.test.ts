import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  ACK,
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  type FrameClient,
  frame,
  HEADERS,
  head,
  openFrames,
  PADDED,
  PING,
  preface,
  RST_STREAM,
  SETTINGS,
  settings,
  uint32,
  WINDOW_UPDATE,
} from "../support/h2-frames.ts";
import type { Script } from "../support/origin.ts";
import { startBench } from "./bench.ts";

// Whatever a client that keeps to the rules does in whatever order, and whatever the origin makes of it: each stream
// gets its own bytes, no more than its windows allow, and an end; no window is lost or given twice.

const STREAMS = 6;

/** What a stream is about, as its path says it to the origin. */
interface Plan {
  readonly size: number;
  readonly way: "plain" | "chunked" | "early" | "cut" | "close";
}

type Step =
  | { readonly kind: "open" | "end" | "trailers" | "reset"; readonly stream: number }
  | { readonly kind: "data"; readonly stream: number; readonly bytes: number; readonly padding: number }
  | { readonly kind: "widen"; readonly stream: number; readonly bytes: number }
  | { readonly kind: "window"; readonly bytes: number }
  | { readonly kind: "wait"; readonly ms: number };

const stream = fc.nat(STREAMS - 1);
const plan: fc.Arbitrary<Plan> = fc.record({
  size: fc.constantFrom(0, 1, 5000, 70_000, 300_000),
  way: fc.constantFrom("plain", "chunked", "early", "cut", "close"),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("open" as const), stream }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("data" as const),
      stream,
      bytes: fc.constantFrom(1, 9, 300, 16_000),
      padding: fc.constantFrom(0, 0, 255),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("end" as const, "trailers" as const), stream }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reset" as const), stream }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("widen" as const),
      stream: fc.nat(STREAMS),
      bytes: fc.constantFrom(1, 20_000, 100_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("window" as const),
      bytes: fc.constantFrom(0, 10, 65_535, 200_000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(3) }) },
);

/** `/STREAM/SIZE/WAY`: `size` bytes of the stream's letter. */
const answer: Script = async (seen, connection) => {
  const [, id, size, way] = seen.target.split("/");
  if (way !== "early") await seen.body.catch(() => undefined);
  const { socket } = connection;
  if (socket.destroyed) return;
  const body = letterOf(Number(id)).repeat(Number(size));
  if (way === "chunked") {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let at = 0; at < body.length; at += 9000) {
      const piece = body.slice(at, at + 9000);
      socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    }
    socket.write("0\r\nX-Sum: 1\r\n\r\n");
    return;
  }
  const isLast = way === "cut" || way === "close";
  const length = way === "cut" ? body.length + 1 : body.length;
  socket.write(
    `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n${isLast ? "Connection: close\r\n" : ""}\r\n${body}`,
  );
  if (isLast) socket.end();
};

function letterOf(id: number): string {
  return String.fromCharCode(97 + (id % 26));
}

/** What the client knows of a stream of its own. */
interface Own {
  isOpen: boolean;
  isEnded: boolean;
  isReset: boolean;
  sent: number;
}

test("each stream gets its own bytes and its end, in whatever order clients and origins go on", async (t) => {
  const { edge } = await startBench(t, {
    tlsNames: [],
    tls: `alpn = ["h2"]`,
    route: "trailers = true",
    script: answer,
    keepBodies: false,
  });
  const runs = fc.asyncProperty(
    fc.array(plan, { minLength: STREAMS, maxLength: STREAMS }),
    fc.array(step, { minLength: 5, maxLength: 60 }),
    async (plans, steps) => {
      const client = await openFrames(edge.tlsPort, {
        opening: Buffer.concat([preface, frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0)]),
      });
      try {
        await walk(client, plans, steps);
      } finally {
        client.end();
        await client.closed;
      }
    },
  );
  await fc.assert(runs, { numRuns: 100 });
  assert.equal(edge.metric("zion_defects_total"), 0);
});

async function walk(client: FrameClient, plans: readonly Plan[], steps: readonly Step[]): Promise<void> {
  const streams: Own[] = plans.map(() => ({ isOpen: false, isEnded: false, isReset: false, sent: 0 }));
  let opened = 0;
  let sentBytes = 0;
  let widened = 65_535;
  const idOf = (at: number): number => 1 + 2 * at;
  const open = (at: number, isOver: boolean): void => {
    const { size, way } = plans[at]!;
    const fields = head("POST", `/${idOf(at)}/${size}/${way}`, ["te", "trailers"]);
    client.send(frame(HEADERS, END_HEADERS | (isOver ? END_STREAM : 0), idOf(at), block(fields)));
    opened = at + 1;
    streams[at]!.isOpen = true;
    streams[at]!.isEnded = isOver;
  };
  const isTold = (id: number): boolean =>
    client.frames.some(
      (one) =>
        one.stream === id &&
        (one.type === RST_STREAM ||
          (one.type !== RST_STREAM && (one.flags & END_STREAM) !== 0 && one.type !== WINDOW_UPDATE)),
    );
  for (const one of steps) {
    if (one.kind === "wait") {
      await new Promise((resume) => setTimeout(resume, one.ms));
      continue;
    }
    if (one.kind === "window") {
      client.send(frame(SETTINGS, 0, 0, settings([4, one.bytes])));
      continue;
    }
    if (one.kind === "widen") {
      const id = one.stream === STREAMS ? 0 : idOf(one.stream);
      if (id !== 0 && !streams[one.stream]!.isOpen) continue;
      client.send(frame(WINDOW_UPDATE, 0, id, uint32(one.bytes)));
      if (id === 0) widened += one.bytes;
      continue;
    }
    if (one.kind === "open") {
      if (opened < STREAMS) open(opened, one.stream % 2 === 0);
      continue;
    }
    const own = streams[one.stream]!;
    const id = idOf(one.stream);
    if (!own.isOpen || own.isReset) continue;
    if (one.kind === "reset") {
      own.isReset = true;
      client.send(frame(RST_STREAM, 0, id, uint32(8)));
    }
    if (own.isEnded || own.isReset) continue;
    if (one.kind === "data") {
      const payload = Buffer.alloc(one.bytes + (one.padding > 0 ? 1 + one.padding : 0), 7);
      if (own.sent + payload.length > 65_535) continue;
      if (one.padding > 0) payload[0] = one.padding;
      own.sent += payload.length;
      sentBytes += payload.length;
      client.send(frame(DATA, one.padding > 0 ? PADDED : 0, id, payload));
    } else if (one.kind === "end") {
      own.isEnded = true;
      client.send(frame(DATA, END_STREAM, id));
    } else {
      own.isEnded = true;
      client.send(frame(HEADERS, END_HEADERS | END_STREAM, id, block([["x-end", "1"]])));
    }
  }
  // All that is open comes to its end.
  const rest = 2_000_000;
  client.send(frame(WINDOW_UPDATE, 0, 0, uint32(rest)), frame(SETTINGS, 0, 0, settings([4, rest])));
  widened += rest;
  for (const [at, own] of streams.entries()) {
    if (!own.isOpen || own.isReset) continue;
    if (!own.isEnded) client.send(frame(DATA, END_STREAM, idOf(at)));
    await client.wait(() => isTold(idOf(at)));
  }
  client.send(frame(PING, 0, 0, Buffer.from("theend!!")));
  await client.wait(({ type, payload }) => type === PING && payload.latin1Slice() === "theend!!");

  let received = 0;
  for (const [at, own] of streams.entries()) {
    const id = idOf(at);
    const { size, way } = plans[at]!;
    const body = client.body(id);
    received += body.length;
    assert.equal(body.replaceAll(letterOf(id), ""), "", "bytes of another stream");
    assert.ok(body.length <= size);
    if (!own.isOpen || own.isReset) continue;
    const isReset = client.frames.some(
      (one) => one.type === RST_STREAM && one.stream === id && one.payload.readUInt32BE(0) !== 0,
    );
    assert.equal(isReset, way === "cut", `${way} of ${size}`);
    if (way !== "cut") assert.equal(body.length, size);
  }
  assert.ok(received <= widened, "more than the window");
  const back = client.frames
    .filter((one) => one.type === WINDOW_UPDATE && one.stream === 0)
    .reduce((sum, one) => sum + one.payload.readUInt32BE(0), 0);
  assert.ok(back - (1_048_576 - 65_535) <= sentBytes, "more was given back than came");
}

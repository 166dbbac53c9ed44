import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACK,
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  HEADERS,
  head,
  openFrames,
  preface,
  RST_STREAM,
  request,
  SETTINGS,
} from "../support/h2-frames.ts";
import { watchWrites } from "../support/written-messages.ts";
import { type Bench, startBench } from "./bench.ts";

// A head and what follows it in one read: the request is served when its body is known, or the read is over.

async function open(t: Parameters<typeof startBench>[0], bench: Bench) {
  const opening = Buffer.concat([preface, frame(SETTINGS, 0, 0)]);
  const client = await openFrames(bench.edge.tlsPort, { opening });
  t.after(() => client.end());
  client.send(frame(SETTINGS, ACK, 0));
  return client;
}

const secure = { tlsNames: [], tls: `alpn = ["h2"]` };

test("bodies that came with their heads reach an upstream that has to be connected to first", async (t) => {
  const bench = await startBench(t, secure);
  const clients = await Promise.all(Array.from({ length: 20 }, () => open(t, bench)));
  const bodyOf = (at: number): string => String.fromCharCode(65 + at).repeat(900 + at);
  clients.forEach((client, at) => {
    client.send(
      request(1, head("POST", `/a${at}`), bodyOf(at)),
      request(3, head("POST", `/b${at}`, ["content-length", String(900 + at)]), bodyOf(at)),
    );
  });
  for (const client of clients) for (const id of [1, 3]) assert.equal(await client.outcome(id), "200");
  assert.equal(bench.origin.requests.length, 40);
  for (const { target, body } of bench.origin.requests)
    assert.equal(String(await body), bodyOf(Number(target.slice(2))));
});

test("a head and a body that came in one read leave in one write", async (t) => {
  const bench = await startBench(t, secure);
  const client = await open(t, bench);
  // The connection is made by the first, and what it can do is learned from its first write.
  for (const id of [1, 3]) {
    client.send(request(id, head("POST", "/before"), "abc"));
    assert.equal(await client.outcome(id), "200");
  }
  const messages = watchWrites(t);
  client.send(request(5, head("POST", "/x", ["content-length", "10"]), "whole body"));
  client.send(request(7, head("POST", "/y"), "whole body"));
  for (const id of [5, 7]) assert.equal(await client.outcome(id), "200");
  assert.match(messages.find((message) => message.startsWith("POST /x ")) ?? "", /\r\n\r\nwhole body$/);
  assert.match(
    messages.find((message) => message.startsWith("POST /y ")) ?? "",
    /\r\n\r\na\r\nwhole body\r\n0\r\n\r\n$/,
  );
});

test("pieces of one body in one read, an empty one at its end, are one body", async (t) => {
  const bench = await startBench(t, secure);
  const client = await open(t, bench);
  client.send(
    Buffer.concat([
      frame(HEADERS, END_HEADERS, 1, block(head("POST", "/x", ["content-length", "6"]))),
      frame(DATA, 0, 1, Buffer.from("abc")),
      frame(DATA, 0, 1, Buffer.from("def")),
      frame(DATA, END_STREAM, 1),
    ]),
  );
  assert.equal(await client.outcome(1), "200");
  assert.equal(String(await bench.origin.requests[0]!.body), "abcdef");
});

for (const { title, length, pieces } of [
  { title: "no body where one was announced", length: 5, pieces: [""] },
  { title: "less of a body than was announced", length: 5, pieces: ["abc"] },
  { title: "less in two pieces", length: 5, pieces: ["a", "b"] },
  { title: "more than was announced", length: 5, pieces: ["abcdefg"] },
  { title: "more in two pieces", length: 5, pieces: ["abc", "defg"] },
])
  test(`${title}, in one read with its head, is refused`, async (t) => {
    const bench = await startBench(t, secure);
    const client = await open(t, bench);
    client.send(
      Buffer.concat([
        frame(HEADERS, END_HEADERS, 1, block(head("POST", "/x", ["content-length", String(length)]))),
        ...pieces.map((piece, at) =>
          frame(DATA, at === pieces.length - 1 ? END_STREAM : 0, 1, Buffer.from(piece)),
        ),
      ]),
    );
    assert.match(await client.outcome(1), /^(400|reset 1)$/);
    for (const { complete } of bench.origin.requests) assert.equal(complete(), false);
  });

test("a request that is taken back in the read it came in goes nowhere", async (t) => {
  const bench = await startBench(t, secure);
  const client = await open(t, bench);
  client.send(
    Buffer.concat([
      frame(HEADERS, END_HEADERS, 1, block(head("POST", "/gone"))),
      frame(DATA, 0, 1, Buffer.from("abc")),
      frame(RST_STREAM, 0, 1, Buffer.from([0, 0, 0, 8])),
    ]),
  );
  client.send(request(3, head("POST", "/kept"), "abc"));
  assert.equal(await client.outcome(3), "200");
  assert.deepEqual(
    bench.origin.requests.map(({ target }) => target),
    ["/kept"],
  );
});

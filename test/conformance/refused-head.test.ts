import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fields, HEADERS, head as h2Head, openFrames, request } from "../support/h2-frames.ts";
import { ask } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";

// An operator who sees 400s in the log has to find out for which pages.

const told = [
  "http.request.method",
  "http.request.method_original",
  "url.original",
  "http.request.header.host",
  "url.path",
];

test("the line of a refused head says what was asked for, without its query", async (t) => {
  const { edge } = await startBench(t);
  await ask(edge.port, "GET /course/%255Cfrac?token=s3cret HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  await ask(edge.port, 'GET /a"\\\u0001b HTTP/1.1\r\nHost: "\u009b\r\n\r\n');
  await ask(edge.port, "GET /fine HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  while ((await edge.logLines()).length < 3) await new Promise((done) => setTimeout(done, 5));
  const lines = await edge.logLines();
  assert.deepEqual(
    lines.map((line) => told.map((key) => line[key])),
    [
      ["_OTHER", "GET", "/course/%255Cfrac", "shop.example", undefined],
      ["_OTHER", "GET", '/a"\\\\x01b', '"\\x9b', undefined],
      ["GET", undefined, undefined, undefined, "/fine"],
    ],
  );
  assert.doesNotMatch(JSON.stringify(lines), /s3cret/);
});

test("so does that of a head over HTTP/2, also one of which the fields came too early", async (t) => {
  const { edge } = await startBench(t, { server: "h2c = true" });
  const client = await openFrames(edge.port, { secure: false });
  t.after(() => client.end());
  const plain = (fields: Fields): Fields =>
    fields.map(([name, value]) => [name, name === ":scheme" ? "http" : value] as const);
  client.send(request(1, plain(h2Head("GET", "/a%2500?token=s3cret", ["x", "1"]))));
  await client.wait(({ type, stream }) => type === HEADERS && stream === 1);
  client.send(request(3, plain([[":method", "PUT"], ["x", "1"], ...h2Head("GET", "/b")])));
  while ((await edge.logLines()).length < 2) await new Promise((done) => setTimeout(done, 5));
  assert.deepEqual(
    (await edge.logLines()).map((line) => told.map((key) => line[key])),
    [
      ["_OTHER", "GET", "/a%2500", "localhost", undefined],
      ["_OTHER", "PUT", undefined, undefined, undefined],
    ],
  );
});

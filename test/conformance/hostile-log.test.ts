import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import tls from "node:tls";
import { frame, head as h2Head, openFrames, request } from "../support/h2-frames.ts";
import { hostileTexts } from "../support/hostile-text.ts";
import { connect } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";

// What a client puts into a request to forge, hide or break lines of the access log: each exchange stays one line of
// printable ASCII, and what was let through is in it byte for byte.

const places = [
  "path",
  "encoded path",
  "query",
  "encoded query",
  "x-note",
  "user-agent",
  "host",
  "name",
] as const;
type Place = (typeof places)[number];
const logged = 'include_headers = ["x-note"]';

const encoded = (text: string): string =>
  [...Buffer.from(text, "latin1")].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

/** A request with `text` there; the rest is ordinary. */
function bytesWith(text: string, place: Place): Buffer {
  const at = (wanted: Place, usual: string): string => (place === wanted ? text : usual);
  const path = `/${at("path", place === "encoded path" ? encoded(text) : "x")}`;
  const query = at("query", place === "encoded query" ? encoded(text) : "q=1");
  const lines = [
    `GET ${path}?${query} HTTP/1.1`,
    `Host: ${at("host", "a.test")}`,
    `User-Agent: ${at("user-agent", "test")}`,
    `${at("name", "X-Other")}: 1`,
    `X-Note: ${at("x-note", "note")}`,
    "Connection: close",
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

for (const place of places) {
  test(`${hostileTexts.length} hostile texts as ${place} are one event each`, async (t) => {
    const { edge } = await startBench(t, { accessLog: logged, server: 'raw_path_chars = "encode"' });
    for (const text of hostileTexts) {
      const client = await connect(edge.port);
      client.send(bytesWith(text, place));
      await client.untilOver();
    }
    let lines = await edge.logLines();
    while (lines.length < hostileTexts.length) lines = await edge.logLines();
    const file = edge.logPath;
    const count = (pattern: string): number =>
      Number(execFileSync("grep", ["-c", "-a", pattern, file], { encoding: "utf8" }));
    // As other tools see it: whole objects, one a line, nothing but printable ASCII.
    assert.equal(count(""), lines.length);
    assert.equal(count('^{"time":"[ -~]*}$'), lines.length);
    const told = { "x-note": "http.request.header.x-note", "user-agent": "user_agent.original" } as const;
    const shown = lines.filter((line) => line["zion.reason"] === undefined);
    if (place === "x-note" || place === "user-agent") {
      assert.ok(shown.length > 15, `only ${shown.length} were let through`);
      const sent = new Set(hostileTexts.map((text) => text.replace(/^[ \t]+|[ \t]+$/g, "").slice(0, 1024)));
      for (const line of shown) assert.ok(sent.has(String(line[told[place]])), String(line[told[place]]));
    }
    for (const line of lines) assert.equal(line["msg"], "access");
    const refused = lines.length - shown.length;
    assert.equal(edge.metric("zion_log_lines_total"), lines.length, `${refused} of them were refused`);
  });
}

test("hostile texts in HTTP/2 fields are one event each", async (t) => {
  const { edge } = await startBench(t, { accessLog: logged, tlsNames: [], tls: 'alpn = ["h2"]' });
  for (const text of hostileTexts) {
    const client = await openFrames(edge.tlsPort);
    for (const [i, name] of ["x-note", "user-agent", ":path", ":authority", "x\ny"].entries()) {
      const fields = h2Head("GET", "/x").filter(([key]) => key !== name);
      const all = name.startsWith(":")
        ? [[name, text] as const, ...fields]
        : [...fields, [name, text] as const];
      client.send(request(2 * i + 1, all));
      await client.outcome(2 * i + 1);
      if (client.isClosed()) break;
    }
    client.send(frame(7, 0, 0, Buffer.alloc(8)));
    client.end();
  }
  await edge.drain(500);
  // Each is parsed as one JSON object.
  const lines = await edge.logLines();
  assert.ok(lines.length >= hostileTexts.length * 2, `${lines.length}`);
  assert.equal(new Set(lines.map((line) => line["zion.request_id"])).size, lines.length);
});

test("hostile server names of TLS do not come into the log", async (t) => {
  const { edge } = await startBench(t, { tlsNames: [] });
  let shaken = 0;
  for (const text of hostileTexts) {
    // Longer ones, and those with NUL, no client can send.
    if (text.length > 255 || text.includes("\0")) continue;
    const socket = tls.connect({
      port: edge.tlsPort,
      host: "127.0.0.1",
      servername: text,
      rejectUnauthorized: false,
    });
    socket.on("error", () => {});
    socket.on("secureConnect", () => {
      shaken++;
      socket.write("GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    });
    await new Promise((done) => socket.resume().once("close", done));
  }
  let lines = await edge.logLines();
  while (lines.length < shaken) lines = await edge.logLines();
  assert.equal(lines.length, shaken);
  for (const line of lines) assert.doesNotMatch(JSON.stringify(line), /jndi|script|forged|drop table/);
});

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { startBench } from "../conformance/bench.ts";
import { newDirectory } from "../support/directory.ts";
import { type Edge, startEdge } from "../support/edge.ts";
import type { Script } from "../support/origin.ts";
import { ask } from "../support/raw-client.ts";

// A secret in parts, none of which looks like one.

// Made here, so that nobody takes this file for a leak.
const card = `4539 1488 ${"0343 6467"}`;
const masked = "card: 4539 14** **** 6467 end";
const body = `card: ${card} end`;

/** Answers ranges, one or several. */
function parts(type: string): Script {
  return ({ fields }, { socket }) => {
    const range = fields.find(([name]) => name === "range")?.[1];
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    if (range === undefined) {
      const head = `Content-Type: ${type}\r\nCache-Control: max-age=60\r\nContent-Length: ${body.length}`;
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`);
      return;
    }
    const part = first === undefined ? `--b\r\n\r\n${body}` : body.slice(Number(first), Number(last) + 1);
    const own = first === undefined ? "multipart/byteranges; boundary=b" : type;
    const head = `Content-Type: ${own}\r\nContent-Range: bytes ${first}-${last}/${body.length}`;
    socket.write(`HTTP/1.1 206 Partial Content\r\n${head}\r\nContent-Length: ${part.length}\r\n\r\n${part}`);
  };
}

async function get(port: number, target: string, range: string) {
  const answer = await ask(port, `GET ${target} HTTP/1.1\r\nHost: a.test\r\nRange: ${range}\r\n\r\n`);
  return [answer.status, answer.body.toString()];
}

const inspected = (t: TestContext, type: string, keys: string, route = "") =>
  startBench(t, {
    waf: true,
    route,
    script: parts(type),
    tables: `[cache_profile.pages]\n[waf_profile.default]\n${keys}`,
  });

for (const route of ["", 'cache_profile = "pages"'])
  test(`what is inspected comes whole, whatever range of it is asked for${route && ", stored or not"}`, async (t) => {
    const { edge } = await inspected(t, "text/plain", 'inspect_answers = "on"', route);
    for (const range of ["bytes=0-14", "bytes=15-30", "bytes=0-3,4-20", "bytes=-14"])
      assert.deepEqual(await get(edge.port, "/", range), [200, masked], range);
  });

test("a part of a film may be had, a part of a page that has a film's name may not", async (t) => {
  const { edge, origin } = await inspected(t, "video/mp4", 'inspect_answers = "on"');
  assert.deepEqual(await get(edge.port, "/film.mp4", "bytes=0-14"), [206, body.slice(0, 15)]);
  origin.script = parts("text/plain");
  assert.equal((await get(edge.port, "/account/film.mp4", "bytes=0-14"))[0], 502);
  assert.deepEqual(await get(edge.port, "/account/film.mp4", "bytes=0-3,4-20"), [200, masked]);
  assert.equal(edge.metric("zion_answer_inspections_total", "blocked"), 1);
});

test("where leaks are only reported, ranges are what they were", async (t) => {
  const { edge } = await inspected(t, "text/plain", 'inspect_answers = "report"');
  assert.deepEqual(await get(edge.port, "/", "bytes=0-14"), [206, body.slice(0, 15)]);
});

test("files that are inspected come whole, too", async (t) => {
  const folder = newDirectory("ranges");
  writeFileSync(path.join(folder, "page.txt"), body);
  const edge: Edge = await startEdge(`[server]
http_mode = "serve"
[waf_profile.default]
inspect_answers = "on"
[[route]]
path = "/{*rest}"
mode = "static"
serve_dir = ${JSON.stringify(folder)}
waf = true
`);
  t.after(() => edge.stop());
  assert.deepEqual(await get(edge.port, "/page.txt", "bytes=0-14"), [200, masked]);
});

import assert from "node:assert/strict";
import { mkdirSync, utimesSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { ask, startStatic } from "./static-bench.ts";

/** Long enough ago that its tag is a strong one. */
const OLD = new Date("2026-01-02T03:04:05Z");

test("a file is answered with its type, length and validators", async (t) => {
  const { edge } = await startStatic(t, { files: { "a.html": "<p>hi</p>", "b.unknown": "b", c: "c" } });
  const answer = await ask(edge, "/a.html");
  assert.equal(answer.status, 200);
  assert.equal(answer.body, "<p>hi</p>");
  assert.equal(answer.fields.get("content-type"), "text/html; charset=utf-8");
  assert.equal(answer.fields.get("content-length"), "9");
  assert.equal(answer.fields.get("accept-ranges"), "bytes");
  assert.match(answer.fields.get("etag")!, /^(?:W\/)?"[0-9a-z]+-9"$/);
  assert.match(answer.fields.get("last-modified")!, / GMT$/);
  assert.equal(answer.fields.get("cache-control"), undefined);
  // The header profile holds for files, too: nobody guesses at types.
  assert.equal(answer.fields.get("x-content-type-options"), "nosniff");
  for (const name of ["/b.unknown", "/c"])
    assert.equal((await ask(edge, name)).fields.get("content-type"), "application/octet-stream");
});

test("HEAD says what GET would, without the bytes", async (t) => {
  const { edge } = await startStatic(t, { files: { "a.txt": "hello" } });
  const got = await ask(edge, "/a.txt");
  const head = await ask(edge, "/a.txt", "Range: bytes=0-1\r\n", "HEAD");
  assert.equal(head.status, 200);
  assert.equal(head.body, "");
  for (const name of ["content-length", "etag", "last-modified", "content-type"])
    assert.equal(head.fields.get(name), got.fields.get(name));
});

test("files are there for GET and HEAD only", async (t) => {
  const { edge } = await startStatic(t, { files: { "a.txt": "a" } });
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const answer = await ask(edge, "/a.txt", "Content-Length: 0\r\n", method);
    assert.equal(answer.status, 405, method);
    assert.equal(answer.fields.get("allow"), "GET, HEAD");
  }
  assert.equal(edge.metric("zion_reject_total", "method_route"), 4);
});

test("a directory is its index file, after a redirect to its slash, and is never listed", async (t) => {
  const { edge, root } = await startStatic(t, {
    files: { "index.html": "home", "docs/index.html": "docs", "docs/old.htm": "old" },
    route: 'static_index = ["index.html", "old.htm"]',
  });
  mkdirSync(path.join(root, "empty"));
  assert.equal((await ask(edge, "/")).body, "home");
  assert.equal((await ask(edge, "/docs/")).body, "docs");
  const sent = await ask(edge, "/docs?a=//b");
  assert.equal(sent.status, 301);
  assert.equal(sent.fields.get("location"), "/docs/?a=//b");
  assert.equal((await ask(edge, "//docs")).fields.get("location"), "/docs/");
  assert.equal((await ask(edge, "/empty/")).status, 404);
  assert.equal((await ask(edge, "/docs/index.html/")).status, 404);
});

test("links from a route's prefix to the directory: rewrite says what is left of the path", async (t) => {
  const { edge } = await startStatic(t, {
    path: "/assets/{*rest}",
    files: { "app.js": "js", "sub/index.html": "sub" },
    route: '[route.rewrite]\nstrip_prefix = "/assets"',
  });
  const answer = await ask(edge, "/assets/app.js?v=1");
  assert.equal(answer.body, "js");
  assert.equal(answer.fields.get("content-type"), "text/javascript; charset=utf-8");
  assert.equal((await ask(edge, "/assets/sub")).fields.get("location"), "/assets/sub/");
});

test("conditions are looked at in the order of RFC 9110", async (t) => {
  const { edge, write } = await startStatic(t);
  utimesSync(write("a.txt", "hello"), OLD, OLD);
  const etag = (await ask(edge, "/a.txt")).fields.get("etag")!;
  assert.match(etag, /^"/);
  const at = "Fri, 02 Jan 2026 03:04:05 GMT";
  const before = "Fri, 02 Jan 2026 03:04:04 GMT";
  const after = "Friday, 02-Jan-26 03:04:06 GMT";
  const cases: readonly (readonly [fields: string, status: number])[] = [
    [`If-None-Match: ${etag}`, 304],
    [`If-None-Match: "x", W/${etag}`, 304],
    ["If-None-Match: *", 304],
    ['If-None-Match: "x"', 200],
    // The date is not asked where there is a tag.
    [`If-None-Match: "x"\r\nIf-Modified-Since: ${at}`, 200],
    [`If-Modified-Since: ${at}`, 304],
    [`If-Modified-Since: ${after}`, 304],
    [`If-Modified-Since: ${before}`, 200],
    ["If-Modified-Since: yesterday", 200],
    [`If-Match: ${etag}`, 200],
    ["If-Match: *", 200],
    ['If-Match: "x"', 412],
    [`If-Match: W/${etag}`, 412],
    [`If-Match: "x"\r\nIf-None-Match: ${etag}`, 412],
    [`If-Unmodified-Since: ${before}`, 412],
    [`If-Unmodified-Since: ${at}`, 200],
    [`If-Match: ${etag}\r\nIf-Unmodified-Since: ${before}`, 200],
    [`If-Match: ${etag}\r\nIf-None-Match: ${etag}`, 304],
  ];
  for (const [fields, status] of cases) {
    const answer = await ask(edge, "/a.txt", `${fields}\r\n`);
    assert.equal(answer.status, status, fields);
    assert.equal(answer.body, status === 200 ? "hello" : "", fields);
    if (status === 304) assert.equal(answer.fields.get("etag"), etag);
  }
});

test("parts of a file are sent as they are asked for", async (t) => {
  const { edge, write } = await startStatic(t);
  utimesSync(write("a.txt", "0123456789"), OLD, OLD);
  const etag = (await ask(edge, "/a.txt")).fields.get("etag")!;
  const cases: readonly (readonly [fields: string, status: number, body: string, range?: string])[] = [
    ["Range: bytes=0-0", 206, "0", "bytes 0-0/10"],
    ["Range: bytes=7-", 206, "789", "bytes 7-9/10"],
    ["Range: bytes=-3", 206, "789", "bytes 7-9/10"],
    ["Range: bytes=-99", 206, "0123456789", "bytes 0-9/10"],
    ["Range: bytes=5-99", 206, "56789", "bytes 5-9/10"],
    ["Range: bytes=10-", 416, "", "bytes */10"],
    ["Range: bytes=-0", 416, "", "bytes */10"],
    ["Range: bytes=3-2", 200, "0123456789"],
    ["Range: lines=1-2", 200, "0123456789"],
    [`Range: bytes=1-2\r\nIf-Range: ${etag}`, 206, "12", "bytes 1-2/10"],
    ['Range: bytes=1-2\r\nIf-Range: "x"', 200, "0123456789"],
    ["Range: bytes=1-2\r\nIf-Range: Fri, 02 Jan 2026 03:04:05 GMT", 206, "12", "bytes 1-2/10"],
    ["Range: bytes=1-2\r\nIf-Range: Fri, 02 Jan 2026 03:04:06 GMT", 200, "0123456789"],
  ];
  for (const [fields, status, body, range] of cases) {
    const answer = await ask(edge, "/a.txt", `${fields}\r\n`);
    assert.equal(answer.status, status, fields);
    assert.equal(answer.body, body, fields);
    assert.equal(answer.fields.get("content-range"), range, fields);
  }
});

test("several parts come as one multipart body, and a flood of them as the whole file", async (t) => {
  const { edge } = await startStatic(t, { files: { "a.txt": "0123456789".repeat(10) } });
  const answer = await ask(edge, "/a.txt", "Range: bytes=0-1, 98-, 5-6\r\n");
  assert.equal(answer.status, 206);
  const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(answer.fields.get("content-type")!)![1]!;
  assert.equal(Number(answer.fields.get("content-length")), answer.body.length);
  const parts = answer.body.split(`\r\n--${boundary}`);
  assert.equal(parts.at(-1), "--\r\n");
  assert.deepEqual(
    parts.slice(1, -1).map((part) => /Content-Range: (.*)\r\n\r\n([\s\S]*)$/.exec(part)!.slice(1)),
    [
      ["bytes 0-1/100", "01"],
      ["bytes 98-99/100", "89"],
      ["bytes 5-6/100", "56"],
    ],
  );
  for (const flood of [
    Array.from({ length: 17 }, (_, i) => `${i}-${i}`).join(),
    "0-60,0-60",
    "0-,".repeat(16),
  ]) {
    const whole = await ask(edge, "/a.txt", `Range: bytes=${flood}\r\n`);
    assert.equal(whole.status, 200, flood);
    assert.equal(whole.body.length, 100);
  }
});

test("a coded file beside a file is sent in its place to clients that take it", async (t) => {
  const { edge, write } = await startStatic(t, { route: "precompressed = true" });
  for (const [name, content] of [
    ["a.js", "plain"],
    ["a.js.br", "BR"],
    ["a.js.zst", "ZSTD"],
    ["a.js.gz", "GZIP"],
    ["old.js", "new"],
    ["only.js", "only"],
  ] as const)
    utimesSync(write(name, content), OLD, OLD);
  utimesSync(write("old.js.br", "OLD"), OLD, new Date(OLD.getTime() - 1000));
  const cases: readonly (readonly [accepts: string, body: string, coding?: string])[] = [
    ["br, gzip", "BR", "br"],
    ["gzip;q=1, br;q=0.5", "GZIP", "gzip"],
    ["zstd", "ZSTD", "zstd"],
    ["*", "BR", "br"],
    ["br;q=0, *;q=0.1", "plain"],
    ["identity", "plain"],
    ["gzip;q=0", "plain"],
  ];
  for (const [accepts, body, coding] of cases) {
    const answer = await ask(edge, "/a.js", `Accept-Encoding: ${accepts}\r\n`);
    const expected = accepts.startsWith("br;q=0") ? ["ZSTD", "zstd"] : [body, coding];
    assert.deepEqual([answer.body, answer.fields.get("content-encoding")], expected, accepts);
    assert.equal(answer.fields.get("content-type"), "text/javascript; charset=utf-8");
    assert.equal(answer.fields.get("vary"), "Accept-Encoding");
  }
  // One that is older than its file was made from another one.
  assert.equal((await ask(edge, "/old.js", "Accept-Encoding: br\r\n")).body, "new");
  assert.equal((await ask(edge, "/only.js", "Accept-Encoding: br\r\n")).body, "only");
  const tags = await Promise.all(
    ["br", "gzip", "identity"].map(
      async (one) => (await ask(edge, "/a.js", `Accept-Encoding: ${one}\r\n`)).fields.get("etag")!,
    ),
  );
  assert.equal(new Set(tags).size, 3);
  assert.equal(
    (await ask(edge, "/a.js", `Accept-Encoding: br\r\nIf-None-Match: ${tags[0]}\r\n`)).status,
    304,
  );
  assert.equal(
    (await ask(edge, "/a.js", `Accept-Encoding: br\r\nIf-None-Match: ${tags[2]}\r\n`)).status,
    200,
  );
});

test("an application's page answers paths of no file, but no file's", async (t) => {
  const { edge } = await startStatic(t, {
    files: { "index.html": "app", "app.js": "js" },
    route: "spa_fallback = true\nstatic_max_age_secs = 60",
  });
  const page = await ask(edge, "/users/7");
  assert.equal(page.status, 200);
  assert.equal(page.body, "app");
  assert.equal(page.fields.get("content-type"), "text/html; charset=utf-8");
  assert.equal(page.fields.get("cache-control"), "no-cache");
  assert.equal((await ask(edge, "/users/")).body, "app");
  assert.equal((await ask(edge, "/users/jane.doe", "Accept: text/html, */*\r\n")).body, "app");
  assert.equal((await ask(edge, "/gone.js", "Accept: */*\r\n")).status, 404);
  assert.equal((await ask(edge, "/.git/config", "Accept: text/html\r\n")).status, 404);
  assert.equal((await ask(edge, "/app.js")).fields.get("cache-control"), "max-age=60");
});

test("what changed is served within a second, with another tag", async (t) => {
  const { edge, write } = await startStatic(t, {
    route: "static_max_age_secs = 31536000\nstatic_immutable = true",
  });
  utimesSync(write("a.txt", "one"), OLD, OLD);
  const first = await ask(edge, "/a.txt");
  assert.equal(first.fields.get("cache-control"), "max-age=31536000, immutable");
  write("a.txt", "two");
  const until = Date.now() + 20_000;
  let next = await ask(edge, "/a.txt");
  while (next.body !== "two" && Date.now() < until) next = await ask(edge, "/a.txt");
  assert.equal(next.body, "two");
  assert.notEqual(next.fields.get("etag"), first.fields.get("etag"));
  // Another write may follow within the same tick of the file system's clock.
  assert.match(next.fields.get("etag")!, /^W\//);
  assert.ok(edge.metric("zion_static_lookups_total", "disk") >= 2);
});

test("gates, limits, refusals and header edits hold for files as for everything else", async (t) => {
  const { edge } = await startStatic(t, {
    files: { "a.txt": "a", "private.txt": "p" },
    route: 'limits = ["few"]\n[route.response_headers]\nset = { X-Served = "{path}" }',
    tables: `[limit.few]
key = ["address"]
window_secs = 3600
algorithm = "fixed_window"
rate = 3
[[route]]
path = "/waf/{*rest}"
mode = "static"
serve_dir = "/usr/share"
[route.rewrite]
strip_prefix = "/waf"`,
  });
  assert.equal((await ask(edge, "/a.txt")).fields.get("x-served"), "/a.txt");
  const missing = await ask(edge, "/none.txt");
  assert.equal(missing.status, 404);
  assert.match(missing.body, /^[\w ]*\n?/);
  assert.doesNotMatch(missing.body, /none|www/);
  await ask(edge, "/a.txt");
  assert.equal((await ask(edge, "/a.txt")).status, 429);
  assert.equal(
    (await ask(edge, "/waf/x?q=%27%20OR%201%3D1--%20union%20select%20password%20from%20users")).status,
    400,
  );
  assert.equal(edge.metric("zion_reject_total", "waf_patterns"), 1);
});

test("files are compressed as answers of upstreams are, and parts of them never", async (t) => {
  const { edge, write } = await startStatic(t, { tables: "[compression]" });
  utimesSync(write("a.html", "<p>hello</p>".repeat(500)), OLD, OLD);
  const plain = await ask(edge, "/a.html");
  const coded = await ask(edge, "/a.html", "Accept-Encoding: gzip\r\n");
  assert.equal(coded.fields.get("content-encoding"), "gzip");
  assert.equal(gunzipSync(Buffer.from(coded.body, "latin1")).toString(), plain.body);
  const etag = coded.fields.get("etag")!;
  assert.equal(etag, `W/${plain.fields.get("etag")}`);
  assert.equal(
    (await ask(edge, "/a.html", `Accept-Encoding: gzip\r\nIf-None-Match: ${etag}\r\n`)).status,
    304,
  );
  const part = await ask(edge, "/a.html", "Accept-Encoding: gzip\r\nRange: bytes=0-2\r\n");
  assert.deepEqual([part.status, part.body, part.fields.get("content-encoding")], [206, "<p>", undefined]);
});

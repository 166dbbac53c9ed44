import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import { test } from "node:test";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { type BenchOptions, startBench } from "../conformance/bench.ts";
import { rawAnswer, type Script } from "../support/origin.ts";
import { connect } from "../support/raw-client.ts";

const text = (bytes: number): Buffer => {
  let made = "";
  for (let i = 0; made.length < bytes; i++)
    made += `<li class="row" id="row-${i}">${(i * 7919) % 1009} apples</li>\n`;
  return Buffer.from(made.slice(0, bytes));
};

const framings = ["length", "chunked", "close"] as const;
type Framing = (typeof framings)[number];

/** 200 with this body and these fields, framed so. */
function answer(body: Buffer, framing: Framing = "length", ...fields: string[]): Buffer {
  const lines = ["HTTP/1.1 200 OK", "Content-Type: text/html; charset=utf-8", ...fields];
  if (framing === "length") lines.push(`Content-Length: ${body.length}`);
  if (framing === "chunked") lines.push("Transfer-Encoding: chunked");
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
  if (framing !== "chunked") return Buffer.concat([head, body]);
  const parts: Buffer[] = [head];
  for (let at = 0; at < body.length; at += 1000) {
    const part = body.subarray(at, at + 1000);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n"));
  }
  return Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]);
}

function script(body: Buffer, framing: Framing = "length", ...fields: string[]): Script {
  return rawAnswer(answer(body, framing, ...fields), framing === "close" ? "end" : "keep");
}

const compressing = (t: Parameters<typeof startBench>[0], options: BenchOptions & { keys?: string } = {}) =>
  startBench(t, {
    ...options,
    server: `h2c = true\n${options.server ?? ""}`,
    tables: `[compression]\n${options.keys ?? ""}\n${options.tables ?? ""}`,
  });

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

function ask1(port: number, headers: Record<string, string>, method = "GET"): Promise<Got> {
  return new Promise((resolve, reject) => {
    http
      .request({ host: "127.0.0.1", port, path: "/", method, headers, agent: false }, (got) => {
        const parts: Buffer[] = [];
        got.on("data", (part: Buffer) => parts.push(part));
        got.on("error", reject);
        got.on("end", () =>
          resolve({ status: got.statusCode!, headers: got.headers, body: Buffer.concat(parts) }),
        );
      })
      .on("error", reject)
      .end();
  });
}

function ask2(port: number, headers: Record<string, string>, method = "GET"): Promise<Got> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on("error", reject);
    const stream = session.request({ ":path": "/", ":method": method, ...headers });
    const parts: Buffer[] = [];
    let got: Record<string, string | string[] | undefined> = {};
    stream.on("response", (fields) => {
      got = { ...(fields as typeof got) };
    });
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("error", reject);
    stream.on("end", () => {
      session.close();
      resolve({ status: Number(got[":status"]), headers: got, body: Buffer.concat(parts) });
    });
    stream.end();
  });
}

const decoders = {
  br: zlib.brotliDecompressSync,
  zstd: zlib.zstdDecompressSync,
  gzip: zlib.gunzipSync,
} as const;
const codings = ["br", "zstd", "gzip"] as const;

test("every answer decodes to the upstream's bytes, in every coding, framing and protocol", async (t) => {
  const { origin, edge } = await compressing(t);
  for (const bytes of [1024, 5000, 65_536, 65_537, 400_000])
    for (const framing of framings) {
      const body = text(bytes);
      origin.script = script(body, framing);
      for (const coding of codings)
        for (const ask of [ask1, ask2]) {
          const what = `${bytes} ${framing} ${coding} ${ask.name}`;
          const got = await ask(edge.port, { "accept-encoding": coding });
          assert.equal(got.headers["content-encoding"], coding, what);
          assert.equal(got.headers["vary"], "Accept-Encoding", what);
          assert.ok(decoders[coding](got.body).equals(body), what);
          assert.ok(got.body.length < bytes / 2, what);
          const length = got.headers["content-length"];
          if (length !== undefined) assert.equal(Number(length), got.body.length, what);
          else assert.ok(bytes > 65_536 || framing !== "length", `${what}: its length is known`);
        }
    }
  assert.equal(edge.metric("zion_compression_memory_bytes"), 0);
  assert.equal(edge.metric("zion_compression_answers_total"), 90);
  assert.ok(
    edge.metric("zion_compression_bytes_total", "in") >
      3 * edge.metric("zion_compression_bytes_total", "out"),
  );
});

test("what is in the log is what the client got", async (t) => {
  const { edge } = await compressing(t, { script: script(text(30_000)) });
  const got = await ask1(edge.port, { "accept-encoding": "gzip", "x-request-id": "sent-bytes-1" });
  const line = await edge.logLine("sent-bytes-1");
  assert.equal(line["http.response.body.size"], got.body.length);
});

test("what must not or need not be compressed is left as it is", async (t) => {
  const { origin, edge } = await compressing(t, { keys: 'types = ["text/*", "application/grpc"]' });
  const body = text(4096);
  const page = (status: string, ...fields: string[]) =>
    rawAnswer(
      `HTTP/1.1 ${status}\r\n${fields.join("\r\n")}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  const html = "Content-Type: text/html";
  const cases: readonly (readonly [
    skip: string,
    script: Script,
    varies: boolean,
    fields?: Record<string, string>,
  ])[] = [
    ["coded", page("200 OK", html, "Content-Encoding: x-own"), false],
    ["type", page("200 OK", "Content-Type: image/png"), false],
    ["type", page("200 OK", "X-A: b"), false],
    ["status", page("206 Partial Content", html, "Content-Range: bytes 0-4095/9000"), false],
    ["no_transform", page("200 OK", html, "Cache-Control: public, no-transform"), false],
    ["no_transform", page("200 OK", html), false, { "cache-control": "no-transform" }],
    ["small", rawAnswer(`HTTP/1.1 200 OK\r\n${html}\r\nContent-Length: 2\r\n\r\nok`), false],
    ["stream", page("200 OK", "Content-Type: text/event-stream"), false],
    ["status", rawAnswer(`HTTP/1.1 204 No Content\r\n${html}\r\n\r\n`), false],
    ["accept", page("200 OK", html), true, { "accept-encoding": "deflate, br;q=0" }],
    ["breach", page("200 OK", html), true, { cookie: "session=1", "sec-fetch-site": "cross-site" }],
    ["breach", page("200 OK", html), true, { cookie: "session=1" }],
    ["breach", page("200 OK", html), true, { cookie: "s=1", referer: "https://evil.test/?https://a.test/" }],
    ["breach", page("200 OK", html), true, { authorization: "Basic YTpi", "sec-fetch-site": "same-site" }],
  ];
  for (const [skip, next, varies, fields] of cases) {
    origin.script = next;
    const before = edge.metric("zion_compression_skipped_total", skip);
    const got = await ask1(edge.port, { host: "a.test", "accept-encoding": "gzip, br", ...fields });
    assert.notEqual(got.headers["content-encoding"], "gzip", skip);
    assert.notEqual(got.headers["content-encoding"], "br", skip);
    if (got.body.length === body.length) assert.ok(got.body.equals(body), skip);
    assert.equal(got.headers["vary"], varies ? "Accept-Encoding" : undefined, skip);
    assert.equal(edge.metric("zion_compression_skipped_total", skip), before + 1, skip);
  }
  assert.equal(edge.metric("zion_compression_answers_total"), 0);
});

test("own pages, typed addresses and bearers of tokens get compressed answers", async (t) => {
  const { edge } = await compressing(t, { script: script(text(4096)) });
  for (const fields of [
    { cookie: "session=1", "sec-fetch-site": "same-origin" },
    { cookie: "session=1", "sec-fetch-site": "none" },
    { cookie: "session=1", referer: "http://A.test:81/page?x" },
    { authorization: "Bearer abc" },
  ]) {
    const got = await ask1(edge.port, { host: "a.test:81", "accept-encoding": "gzip", ...fields });
    assert.equal(got.headers["content-encoding"], "gzip", JSON.stringify(fields));
  }
});

test("without the guard cookies do not matter, and a route can be left out", async (t) => {
  const { edge } = await compressing(t, {
    keys: "breach_guard = false",
    script: script(text(4096)),
    tables: '[[route]]\npath = "/plain"\nupstream = "app"\nwaf = false\ncompress = false',
  });
  const got = await ask1(edge.port, { "accept-encoding": "gzip", cookie: "session=1" });
  assert.equal(got.headers["content-encoding"], "gzip");
  const raw = await connect(edge.port);
  raw.send("GET /plain HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: gzip\r\n\r\n");
  const plain = await raw.answer();
  raw.destroy();
  assert.deepEqual(
    plain?.fields.filter(([name]) => /content-encoding|vary/.test(name)),
    [],
  );
});

test("the head says what is true of coded bytes", async (t) => {
  const fields = [
    'ETag: "abc"',
    "Accept-Ranges: bytes",
    "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==",
    "Repr-Digest: sha-256=:abc=:",
    "Vary: Origin",
    "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT",
  ];
  const { origin, edge } = await compressing(t, { script: script(text(4096), "length", ...fields) });
  const { headers } = await ask1(edge.port, { "accept-encoding": "gzip" });
  assert.equal(headers["etag"], 'W/"abc"');
  assert.equal(headers["vary"], "Origin, Accept-Encoding");
  assert.equal(headers["last-modified"], "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const gone of ["accept-ranges", "content-md5", "repr-digest"]) assert.equal(headers[gone], undefined);
  const plain = await ask1(edge.port, {});
  assert.equal(plain.headers["etag"], '"abc"');
  assert.equal(plain.headers["accept-ranges"], "bytes");
  assert.equal(plain.headers["vary"], "Origin, Accept-Encoding");

  for (const vary of ["*", "accept-encoding, Origin", "Origin,Accept-Encoding"]) {
    origin.script = script(text(4096), "length", `Vary: ${vary}`, 'ETag: W/"weak"');
    const got = await ask1(edge.port, { "accept-encoding": "gzip" });
    assert.equal(got.headers["vary"], vary);
    assert.equal(got.headers["etag"], 'W/"weak"');
  }
});

test("HEAD says what GET would, but for the length", async (t) => {
  const body = text(4096);
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: "abc"\r\nContent-Length: ${body.length}\r\n\r\n`;
  const { edge } = await compressing(t, {
    script: (request, { socket }) => {
      socket.write(request.method === "HEAD" ? head : head + body.toString());
    },
  });
  for (const ask of [ask1, ask2]) {
    const [got, asked] = [
      await ask(edge.port, { "accept-encoding": "zstd" }),
      await ask(edge.port, { "accept-encoding": "zstd" }, "HEAD"),
    ];
    const names = (fields: Got["headers"]) =>
      Object.entries(fields).filter(
        ([name]) => !/^(?:x-request-id|traceparent|date|content-length|connection|keep-alive)$/.test(name),
      );
    assert.deepEqual(names(asked.headers), names(got.headers));
    assert.equal(asked.headers["content-length"], undefined);
    assert.equal(asked.headers["content-encoding"], "zstd");
    assert.equal(asked.body.length, 0);
  }
});

test("a 304 names the answer that the client has", async (t) => {
  const { edge } = await compressing(t, {
    script: rawAnswer('HTTP/1.1 304 Not Modified\r\nETag: "abc"\r\n\r\n'),
  });
  const weak = await ask1(edge.port, { "accept-encoding": "gzip", "if-none-match": 'W/"abc"' });
  assert.equal(weak.headers["etag"], 'W/"abc"');
  assert.equal(weak.headers["vary"], "Accept-Encoding");
  const strong = await ask1(edge.port, { "accept-encoding": "gzip", "if-none-match": '"abc"' });
  assert.equal(strong.headers["etag"], '"abc"');
});

test("an answer that trickles is not held back", async (t) => {
  for (const coding of codings) {
    let more: (part: string) => void = () => {};
    const { edge } = await compressing(t, {
      script: (_request, { socket }) => {
        socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
        more = (part) =>
          socket.write(part === "" ? "0\r\n\r\n" : `${part.length.toString(16)}\r\n${part}\r\n`);
        more("part 1\n");
      },
    });
    const decoder =
      coding === "br"
        ? zlib.createBrotliDecompress()
        : coding === "zstd"
          ? zlib.createZstdDecompress()
          : zlib.createGunzip();
    const parts: string[] = [];
    decoder.setEncoding("utf8");
    await new Promise<void>((resolve, reject) => {
      http
        .get(
          { port: edge.port, host: "127.0.0.1", headers: { "accept-encoding": coding }, agent: false },
          (got) => {
            assert.equal(got.headers["content-encoding"], coding);
            got.pipe(decoder);
            decoder.on("data", (part: string) => {
              parts.push(part);
              // The next one is only sent when this one has arrived.
              more(parts.length < 4 ? `part ${parts.length + 1}\n` : "");
            });
            decoder.on("end", resolve);
            decoder.on("error", reject);
          },
        )
        .on("error", reject);
    });
    assert.deepEqual(parts, ["part 1\n", "part 2\n", "part 3\n", "part 4\n"]);
  }
});

test("a client that leaves, and an upstream that fails, leave nothing behind", async (t) => {
  const body = text(3_000_000);
  const { origin, edge } = await compressing(t, { script: script(body) });
  for (const asked of ["GET / HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: br\r\n\r\n"]) {
    const client = await connect(edge.port);
    client.send(asked);
    await once(client.socket, "data");
    client.socket.destroy();
  }
  origin.script = (_request, { socket }) => {
    socket.write(answer(body).subarray(0, 1_000_000), () => socket.destroy());
  };
  const cut = await connect(edge.port);
  cut.send("GET / HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: gzip\r\n\r\n");
  assert.equal((await cut.answer())?.end, "cut");
  // Nothing of it went out: the client learns the reason.
  origin.script = (_request, { socket }) => {
    socket.write(answer(text(9000)).subarray(0, 5000), () => socket.destroy());
  };
  const told = await connect(edge.port);
  told.send("GET / HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: gzip\r\n\r\n");
  assert.equal((await told.answer())?.status, 502);
  told.destroy();
  for (let tries = 0; edge.metric("zion_compression_memory_bytes") > 0 && tries < 200; tries++)
    await new Promise((done) => setTimeout(done, 20));
  assert.equal(edge.metric("zion_compression_memory_bytes"), 0);
});

test("beyond the memory for it, answers are sent as they are", async (t) => {
  const body = text(200_000);
  const { origin, edge } = await compressing(t, { keys: "memory_mb = 2" });
  let finish: () => void = () => {};
  origin.script = (_request, { socket }) => {
    const whole = answer(body, "chunked");
    socket.write(whole.subarray(0, 150_000));
    finish = () => socket.write(whole.subarray(150_000));
  };
  const first = await new Promise<http.IncomingMessage>((resolve) => {
    http.get({ port: edge.port, headers: { "accept-encoding": "zstd" }, agent: false }, resolve);
  });
  // It has a compressor until its end; there is memory for one.
  origin.script = script(body);
  const second = await ask1(edge.port, { "accept-encoding": "zstd" });
  assert.equal(second.headers["content-encoding"], undefined);
  assert.equal(second.headers["vary"], "Accept-Encoding");
  assert.ok(second.body.equals(body));
  assert.equal(edge.metric("zion_compression_skipped_total", "memory"), 1);
  finish();
  assert.ok(zlib.zstdDecompressSync(await bodyOf(first)).equals(body));
  assert.equal(edge.metric("zion_compression_memory_bytes"), 0);
});

test("a slow client holds the upstream back", async (t) => {
  // What does not compress.
  const body = Buffer.alloc(24_000_000);
  for (let i = 0, x = 1; i < body.length; i += 4) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
    body.writeUInt32LE(x, i);
  }
  let sent = 0;
  const { edge } = await compressing(t, {
    keys: 'effort = "fast"',
    script: sendLong(body.length, (at) => {
      sent = at;
      return body.subarray(at, at + 65_536);
    }),
  });
  const got = await new Promise<http.IncomingMessage>((resolve) => {
    http.get({ port: edge.port, headers: { "accept-encoding": "zstd" }, agent: false }, resolve);
  });
  for (let before = -1, same = 0; same < 5; before = sent) {
    await new Promise((done) => setTimeout(done, 50));
    same = sent === before ? same + 1 : 0;
  }
  assert.ok(sent < body.length - 1_000_000, `the origin sent ${sent} bytes to a client that reads none`);
  assert.ok(zlib.zstdDecompressSync(await bodyOf(got)).equals(body));
});

test("a long answer goes through without being kept", async (t) => {
  const piece = text(65_536);
  const bytes = 1600 * piece.length;
  const { edge } = await compressing(t, { script: sendLong(bytes, () => piece) });
  const got = await new Promise<http.IncomingMessage>((resolve) => {
    http.get({ port: edge.port, headers: { "accept-encoding": "zstd" }, agent: false }, resolve);
  });
  const before = process.memoryUsage.rss();
  let most = 0;
  let count = 0;
  for await (const part of got.pipe(zlib.createZstdDecompress())) {
    count += (part as Buffer).length;
    most = Math.max(most, process.memoryUsage.rss());
  }
  assert.equal(count, bytes);
  // All 100 MiB pass this process three times: as origin, gateway and client.
  assert.ok(most - before < 64_000_000, `${most - before} bytes more`);
});

/** 200 with so many bytes, as fast as they are taken. */
function sendLong(bytes: number, pieceAt: (at: number) => Buffer): Script {
  return (_request, { socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${bytes}\r\n\r\n`);
    let at = 0;
    const next = (): void => {
      while (at < bytes) {
        const piece = pieceAt(at);
        at += piece.length;
        if (!socket.write(piece)) {
          socket.once("drain", next);
          return;
        }
      }
    };
    next();
  };
}

async function bodyOf(got: http.IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of got) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

test("trailers stay, but for those that are not true any more", async (t) => {
  const body = text(4096);
  const chunks = answer(body, "chunked").toString("latin1").slice(0, -2);
  const { edge } = await compressing(t, {
    route: "trailers = true",
    script: rawAnswer(`${chunks}X-Sum: 1\r\nContent-Digest: sha-256=:x:\r\n\r\n`),
  });
  const client = await connect(edge.port);
  client.send(
    "GET / HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nConnection: TE\r\nAccept-Encoding: gzip\r\n\r\n",
  );
  const got = await client.answer();
  assert.ok(zlib.gunzipSync(got!.body).equals(body));
  const raw = client.received.toString("latin1");
  assert.ok(raw.endsWith("\r\n0\r\nx-sum: 1\r\n\r\n"), raw.slice(-80));
  client.destroy();
});

test("clients of HTTP/1.0 get coded bytes until the end of the connection", async (t) => {
  const body = text(100_000);
  const { edge } = await compressing(t, { script: script(body) });
  const client = await connect(edge.port);
  client.send("GET / HTTP/1.0\r\nHost: a.test\r\nAccept-Encoding: gzip\r\n\r\n");
  const got = await client.answer();
  assert.equal(got?.end, "close");
  assert.ok(zlib.gunzipSync(got!.body).equals(body));
});

test("curl reads every coding that it knows", async (t) => {
  const body = text(300_000);
  const { edge } = await compressing(t, { script: script(body, "chunked") });
  const run = promisify(execFile);
  const version = await run("curl", ["--version"]).catch(() => undefined);
  if (version === undefined) {
    if (process.env["CI"] === "true") assert.fail("curl is missing");
    t.skip("curl is missing");
    return;
  }
  const { stdout } = await run(
    "curl",
    ["-sS", "--compressed", "-w", "\n%header{content-encoding}", `http://127.0.0.1:${edge.port}/`],
    { encoding: "buffer", maxBuffer: 1 << 24 },
  );
  const end = stdout.lastIndexOf(10);
  assert.ok(stdout.subarray(0, end).equals(body));
  assert.match(stdout.subarray(end + 1).toString(), /^(?:br|zstd|gzip)$/);
});

test("what the cache keeps is plain, and coded for each client as it likes", async (t) => {
  const body = text(5000);
  const { origin, edge } = await compressing(t, {
    route: 'mode = "static_cache"\ncache_profile = "pages"',
    tables: "[cache_profile.pages]",
    script: script(body, "length", "Cache-Control: max-age=60", 'ETag: "v1"'),
  });
  for (const coding of ["gzip", "br", "identity", "gzip"] as const) {
    const got = await ask1(edge.port, { "accept-encoding": coding });
    const plain = coding === "identity" ? got.body : decoders[coding](got.body);
    assert.ok(plain.equals(body), coding);
    assert.equal(got.headers["etag"], coding === "identity" ? '"v1"' : 'W/"v1"');
    assert.equal(got.headers["vary"], "Accept-Encoding");
  }
  assert.equal(origin.requests.length, 1);
});

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { type OriginConnection, type OriginRequest, ok, plainAnswer, reset } from "../support/origin.ts";
import { ask, connect, field, type RawClient } from "../support/raw-client.ts";
import { type Bench, type BenchOptions, startBench } from "./bench.ts";
import {
  attacks,
  form,
  json,
  multipart,
  named,
  part,
  percent,
  postRequest,
  unicode,
} from "./waf-bypass-request.ts";

// The WAF's path as an attacker uses it: payloads where buffers meet, peers that leave at the worst moment.

function start(t: TestContext, options: BenchOptions = {}): Promise<Bench> {
  return startBench(t, { waf: true, ...options });
}

const attack = attacks[0]![1];
const line = "It was a bright cold day in April, and the clocks were striking thirteen.\n";

function words(length: number): string {
  return line.repeat(Math.ceil(length / line.length)).slice(0, length);
}

function cut(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

/** Nothing is left of any exchange, and none of them ended in a way that nobody thought of. */
async function settled({ edge }: Bench): Promise<void> {
  const lateMs = Date.now() + 8000;
  while (edge.metric("zion_waf_held_bytes") > 0 || edge.metric("zion_waf_inspections_waiting") > 0) {
    assert.ok(Date.now() < lateMs, `${edge.metric("zion_waf_held_bytes")} bytes are still held`);
    await new Promise((resume) => setImmediate(resume));
  }
  assert.equal(edge.metric("zion_defects_total"), 0);
}

/** A payload in the middle of one long value, as each type carries it. */
const carriers: readonly (readonly [
  type: string,
  of: (before: string, payload: string, after: string) => string,
])[] = [
  ["text/plain", (before, payload, after) => before + payload + after],
  ["application/octet-stream", (before, payload, after) => before + payload + after],
  [json, (before, payload, after) => JSON.stringify({ q: before + payload + after })],
  [
    json,
    (before, payload, after) =>
      `{"q":"${JSON.stringify(before).slice(1, -1)}${unicode(payload)}${JSON.stringify(after).slice(1)}}`,
  ],
  [form, (before, payload, after) => `a=1&q=${percent(before)}${percent(payload)}${percent(after)}`],
  [multipart, (before, payload, after) => `${part(named, before + payload + after)}--b0--\r\n`],
  ["text/xml", (before, payload, after) => `<a><![CDATA[${before + payload + after}]]></a>`],
];

/** Index of the JSON whose payload is in escapes, six bytes for one. */
const ESCAPED = 3;

test("an attack is found wherever windows, blocks, reads and the end of the buffer cut it", async (t) => {
  const bench = await start(t);
  const { edge, origin } = bench;
  for (const [type, of] of carriers) {
    // One string of JSON or value of a form is shorter than the buffer.
    const isBounded = type === json || type === form;
    for (const border of [8192, 16_384, 65_536, ...(isBounded ? [] : [1_048_576])]) {
      // Clean letters before it, so that it begins just before the border, whatever the carrier adds.
      const added = of("", "", "").indexOf('"}') > 0 ? 6 : 0;
      for (const back of [1, 25, 49]) {
        const before = "n".repeat(border - added - back);
        const client = await connect(edge.port, { deadlineMs: 20_000 });
        client.send(postRequest(type, of(before, attack, words(2000))));
        const answer = await client.answer("POST");
        assert.equal(answer?.status, 400, `${type} ${border} - ${back}`);
        const log = await edge.logLine(field(answer, "x-request-id")!);
        assert.equal(log["zion.waf.gate"], "patterns", `${type} ${border} - ${back}`);
        client.destroy();
      }
    }
  }
  for (const request of origin.requests) await assert.rejects(request.body);
  await settled(bench);
});

test("an attack is found in pieces of any size, and in chunks of one byte", async (t) => {
  const bench = await start(t);
  const head = "POST /p HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n";
  for (const [type, of] of carriers) {
    const body = of("", attack, "");
    const chunks = [...body].map((char) => `1\r\n${char}\r\n`).join("");
    assert.equal(
      (await ask(bench.edge.port, `${head}Content-Type: ${type}\r\n\r\n${chunks}0\r\n\r\n`)).status,
      400,
      type,
    );
    for (const size of [1, 7, 100]) {
      const client = await connect(bench.edge.port);
      await client.sendPieces(cut(postRequest(type, body), size));
      assert.equal((await client.answer("POST"))?.status, 400, `${type} ${size}`);
      client.destroy();
    }
  }
  assert.equal(bench.origin.requests.length, 0);
  await settled(bench);
});

test("of an attack in a flowing body nothing reaches the upstream, wherever it stands", async (t) => {
  const bench = await start(t, { route: 'body = "stream"' });
  const { edge, origin } = bench;
  /** By case: bytes before the attack. */
  const clean: number[] = [];
  for (const [type, of] of carriers.filter((_, index) => index !== ESCAPED)) {
    for (const at of [0, 20_000, 100_000]) {
      const before = words(at).replaceAll("\n", " ");
      const body = of(before, attack, words(100_000));
      clean.push(body.length - of("", attack, words(100_000)).length + of("", "", "").length);
      const client = await connect(edge.port, { deadlineMs: 20_000 });
      await client.sendPieces(cut(postRequest(type, body, `X-Case: ${clean.length - 1}`), 8000));
      assert.equal((await client.answer("POST"))?.status, 400, `${type} ${at}`);
      client.destroy();
    }
  }
  await settled(bench);
  assert.equal((await ask(edge.port, postRequest(json, "[]"))).status, 200);
  const seen = origin.requests.slice(0, -1);
  assert.ok(seen.length >= 3, "long bodies did flow");
  for (const request of seen) {
    await assert.rejects(request.body);
    const index = Number(request.fields.find(([name]) => name === "x-case")![1]);
    assert.ok(
      request.bodyBytes() <= clean[index]!,
      `case ${index}: ${request.bodyBytes()} of ${clean[index]}`,
    );
  }
});

const bodies: readonly (readonly [name: string, type: string, body: Buffer, coding: string])[] = [
  ["short", json, Buffer.from(JSON.stringify({ a: words(300) })), ""],
  ["long", "text/plain", Buffer.from(words(90_000)), ""],
  [
    "in gzip",
    "text/plain",
    gzipSync(Buffer.from(Array.from({ length: 9000 }, (_, n) => `${n * 7919}`).join(" "))),
    "gzip",
  ],
  ["hostile", "text/plain", Buffer.from(words(40_000) + attack + words(40_000)), ""],
  ["hostile, in brotli", json, brotliCompressSync(JSON.stringify({ a: attack })), "br"],
  ["not what it says", json, Buffer.from(words(50_000)), "zstd"],
];

function post([, type, body, coding]: (typeof bodies)[number]): Buffer {
  return coding === "" ? postRequest(type, body) : postRequest(type, body, `Content-Encoding: ${coding}`);
}

const modes: readonly (readonly [string, BenchOptions])[] = [
  ["held", {}],
  ["flowing", { route: 'body = "stream"' }],
  ["in shadow", { route: "waf_shadow = true" }],
  ["flowing in shadow", { route: 'waf_shadow = true\nbody = "stream"' }],
];

for (const [mode, options] of modes) {
  test(`a client that leaves at any point leaves nothing behind: bodies ${mode}`, async (t) => {
    const bench = await start(t, options);
    for (const [name, ...rest] of bodies) {
      const bytes = post([name, ...rest]);
      for (const share of [0.01, 0.3, 0.6, 0.9, 0.999, 1]) {
        for (const leave of [(client: RawClient) => client.reset(), (client: RawClient) => client.end()]) {
          const client = await connect(bench.edge.port);
          await client.sendPieces(cut(bytes.subarray(0, Math.ceil(bytes.length * share)), 30_000));
          leave(client);
          if (!client.socket.destroyed) await client.untilOver();
          client.destroy();
        }
      }
    }
    await settled(bench);
    assert.equal((await ask(bench.edge.port, post(bodies[0]!))).status, 200);
  });

  test(`an upstream that answers early, leaves or does not read: bodies ${mode}`, async (t) => {
    const bench = await start(t, { upstream: "request_timeout_ms = 200", ...options });
    const scripts: ((request: OriginRequest, connection: OriginConnection) => void)[] = [
      (_, { socket }) => void socket.write(ok("early")),
      (_, { socket }) => void socket.write(ok("early"), () => socket.end()),
      (_, { socket }) => reset(socket),
      (_, { socket }) => void socket.end(),
      (_, { socket }) => void socket.pause(),
      (_, { socket }) =>
        void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", () => reset(socket)),
    ];
    for (const [index, script] of scripts.entries()) {
      bench.origin.script = script;
      for (const body of bodies) {
        const client = await connect(bench.edge.port);
        await client.sendPieces(cut(post(body), 20_000));
        const answer = await client.answer("POST");
        assert.equal(client.timedOut, false, `${body[0]}, script ${index}: neither an answer nor a close`);
        if (answer !== undefined) assert.ok([200, 400, 502, 503, 504].includes(answer.status));
        client.destroy();
      }
    }
    await settled(bench);
    bench.origin.script = plainAnswer;
    const answers = await Promise.all([1, 2, 3].map(() => ask(bench.edge.port, post(bodies[0]!))));
    assert.ok(answers.some(({ status }) => status === 200));
  });

  test(`requests behind a body are answered in order: bodies ${mode}`, async (t) => {
    const bench = await start(t, options);
    const isShadow = mode.endsWith("shadow");
    const client = await connect(bench.edge.port);
    const get = "GET /last HTTP/1.1\r\nHost: a.test\r\n\r\n";
    // The refused body is here whole when it is refused: the connection may go on.
    const hostile = postRequest(json, JSON.stringify([attack]));
    client.send(Buffer.concat([post(bodies[0]!), hostile, post(bodies[2]!), hostile, Buffer.from(get)]));
    const statuses: (number | undefined)[] = [];
    for (let n = 0; n < 5; n++) statuses.push((await client.answer("POST"))?.status);
    // A flowing body is refused before its end is known: the connection ends with it.
    const expected =
      mode === "held" ? [200, 400, 200, 400, 200] : [200, 400, undefined, undefined, undefined];
    assert.deepEqual(statuses, isShadow ? [200, 200, 200, 200, 200] : expected);
    assert.equal(client.rest.length, 0);
    client.destroy();
    await settled(bench);
  });
}

for (const [mode, options] of modes.slice(2))
  test(`a shadow changes no byte of any body: ${mode}`, async (t) => {
    const bench = await start(t, options);
    for (const body of bodies) {
      for (const size of [1 << 20, 8192, 1500]) {
        bench.origin.forget();
        const client = await connect(bench.edge.port);
        await client.sendPieces(cut(post(body), size));
        assert.equal((await client.answer("POST"))?.status, 200, body[0]);
        assert.ok((await bench.origin.requests[0]!.body).equals(body[2]), `${body[0]} in pieces of ${size}`);
        client.destroy();
      }
    }
    await settled(bench);
  });

test("a body is inspected whatever the method", async (t) => {
  const bench = await start(t);
  for (const method of ["GET", "HEAD", "DELETE", "OPTIONS", "PATCH"]) {
    const request = postRequest(json, JSON.stringify([attack]))
      .toString("latin1")
      .replace("POST", method);
    assert.equal((await ask(bench.edge.port, request, { method })).status, 400, method);
  }
  assert.equal(bench.origin.requests.length, 0);
  await settled(bench);
});

test("a thousand bodies of one byte cost what the limit counts, and give it back", async (t) => {
  const bench = await start(t, { server: "max_connections_per_ip = 2000" });
  const clients: RawClient[] = [];
  for (let n = 0; n < 1000; n++) {
    const client = await connect(bench.edge.port, { deadlineMs: 30_000 });
    client.send(
      "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\nx",
    );
    clients.push(client);
  }
  while (bench.edge.metric("zion_waf_held_bytes") < 1000 * 2048)
    await new Promise((resume) => setImmediate(resume));
  assert.ok(bench.edge.metric("zion_waf_held_bytes") <= 1000 * 16_384);
  assert.equal((await ask(bench.edge.port, post(bodies[0]!))).status, 200);
  for (const client of clients) client.reset();
  await settled(bench);
});

test("damaged requests get an answer or a close, and leave nothing behind", async (t) => {
  const bench = await start(t, {
    server: "header_timeout_ms = 200\nbody_idle_timeout_ms = 200",
    tables: "[waf]\nmax_buffered_mb = 1\n[waf_profile.default]\ninspect_buffer_kb = 16\n",
  });
  let state = 20_261_122;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const good = [
    ...bodies.map(post),
    ...carriers.map(([type, of]) => postRequest(type, of(words(3000), "", words(20_000)))),
    postRequest(json, zstdCompressSync(JSON.stringify([words(9000)])), "Content-Encoding: zstd"),
  ];
  const damage = (bytes: Buffer): Buffer => {
    const at = below(bytes.length);
    const to = Math.min(bytes.length, at + below(40));
    const kept = [
      [bytes.subarray(0, at), bytes.subarray(to)],
      [bytes.subarray(0, to), bytes.subarray(at)],
      [bytes.subarray(0, at), Buffer.from([below(256)]), bytes.subarray(at + 1)],
    ];
    return Buffer.concat(kept[below(kept.length)]!);
  };
  const one = async (): Promise<void> => {
    const bytes = damage(damage(good[below(good.length)]!));
    const client = await connect(bench.edge.port);
    await client.sendPieces(cut(bytes, Math.max(bytes.length / 20, 1 + below(9000))));
    await client.answer("POST");
    assert.equal(client.timedOut, false, bytes.toString("latin1", 0, 200));
    client.destroy();
  };
  for (let round = 0; round < 12; round++) await Promise.all(Array.from({ length: 8 }, one));
  await settled(bench);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { OriginRequest } from "../support/origin.ts";
import { ask, connect, field } from "../support/raw-client.ts";
import { benchConfig, startBench } from "./bench.ts";
import { get, head, post } from "./case.ts";
import { assertIds } from "./run.ts";

// What the upstream is told: printed from the canonical request alone.

const browser = head(
  "GET //a/%7Euser/../b%2fc?q={%7D}&r HTTP/1.1",
  "Host: Shop.Example.:8080",
  "Connection: keep-alive",
  'sec-ch-ua: "Chromium";v="105"',
  "User-Agent:   Mozilla/5.0 (X11)\t",
  "Accept:*/*",
  "X-Forwarded-For: 6.6.6.6",
  "Via: 1.1 evil",
  "is_xhr: 1",
  "Cookie: a=M\xfc; b=2",
  "Accept-Encoding: gzip, deflate, br",
  "X-Empty:",
);

/** Ids and the gateway's own name are random: their form is checked and replaced. */
function stable(text: string): string {
  return text
    .replace(/^Via: 1\.([01]) zion-[\w-]{8,64}$/m, "Via: 1.$1 zion-NAME")
    .replace(/^X-Request-ID: [\w.-]{8,64}$/im, "X-Request-ID: ID")
    .replace(
      /^traceparent: 00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/im,
      "traceparent: TRACE",
    );
}

test("prints a browser's request byte for byte as expected", async (t) => {
  const { edge, origin } = await startBench(t);
  await ask(edge.port, browser);
  assert.equal(
    stable(origin.requests[0]!.head.replaceAll("\r\n", "\n")),
    `GET //a/b%2Fc?q={%7D}&r HTTP/1.1
Host: 127.0.0.1:${origin.port}
sec-ch-ua: "Chromium";v="105"
User-Agent: Mozilla/5.0 (X11)
Accept: */*
Via: 1.1 evil
Cookie: a=M\xfc; b=2
Accept-Encoding: gzip, deflate, br
X-Empty: ${""}
X-Forwarded-For: 127.0.0.1
X-Real-IP: 127.0.0.1
X-Forwarded-Proto: http
Forwarded: for=127.0.0.1;proto=http;host="shop.example:8080"
X-Forwarded-Host: shop.example:8080
X-Forwarded-Port: 8080
Via: 1.1 zion-NAME
X-Request-ID: ID
traceparent: TRACE

`,
  );
});

test("merges slashes only where the route says so", async (t) => {
  const { edge, origin } = await startBench(t, { route: "merge_slashes = true" });
  await ask(edge.port, get("//a///b?x=//y"));
  assert.equal(origin.requests[0]!.target, "/a/b?x=//y");
});

test("keeps the client's Host where the upstream says so", async (t) => {
  const { edge, origin } = await startBench(t, { upstream: "preserve_host = true" });
  await ask(edge.port, head("GET /x HTTP/1.1", "Host: Shop.Example:8080"));
  assert.equal(sentValue(origin.requests[0]!, "host"), "shop.example:8080");
});

test("names the protocol that the request came in by in Via", async (t) => {
  const { edge, origin } = await startBench(t);
  await ask(edge.port, head("GET /x HTTP/1.0"));
  assert.match(sentValue(origin.requests[0]!, "via")!, /^1\.0 zion-/);
  assert.equal(sentValue(origin.requests[0]!, "x-forwarded-host"), undefined);
});

test("refuses its own name in Via with 508, whoever else is there", async (t) => {
  const { edge, origin } = await startBench(t);
  await ask(edge.port, get("/x"));
  const own = sentValue(origin.requests[0]!, "via")!;
  for (const via of [own, `1.0 other, ${own}`, `${own}, 1.1 other`]) {
    const answer = await ask(edge.port, get("/x", "Via: 1.1 first", `Via: ${via}`));
    assert.equal(answer.status, 508);
    assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "loop");
  }
  assert.equal(origin.requests.length, 1);
  assert.equal(edge.metric("zion_loops_detected_total"), 3);
});

test("keeps who passed before in Via, so that a loop through another gateway is seen", async (t) => {
  const { edge, origin } = await startBench(t);
  await ask(edge.port, get("/x", "Via: 1.1 zion-another"));
  const names = origin.requests[0]!.fields.filter(([name]) => name === "via")
    .map(([, value]) => value)
    .join(", ");
  assert.match(names, /^1\.1 zion-another, 1\.1 zion-/);
});

test("keeps a well-formed X-Request-ID and echoes it, replaces others", async (t) => {
  const { edge, origin } = await startBench(t);
  const kept = await ask(edge.port, get("/x", "X-Request-ID: order-42.a_b"));
  assert.equal(field(kept, "x-request-id"), "order-42.a_b");
  assert.equal(sentValue(origin.requests[0]!, "x-request-id"), "order-42.a_b");
  // HD40
  for (const value of [
    "short",
    "x".repeat(65),
    "a%0d%0aX: 1",
    'quote"d-id-1',
    "\x1b[31mred-id",
    "with space id",
    "y".repeat(8000),
  ]) {
    if (value.includes("\x1b")) continue; // a control byte in a value is refused before
    const answer = await ask(edge.port, get("/x", `X-Request-ID: ${value}`));
    assert.equal(answer.status, 200);
    assertIds(answer);
    assert.notEqual(field(answer, "x-request-id"), value);
    assert.equal(sentValue(origin.requests.at(-1)!, "x-request-id"), field(answer, "x-request-id"));
  }
  assert.equal(
    (await ask(edge.port, get("/x", "X-Request-ID: aaaaaaaa", "X-Request-ID: bbbbbbbb"))).fields.filter(
      ([name]) => name === "x-request-id",
    ).length,
    1,
  );
});

test("makes ids that cannot be guessed from each other", async (t) => {
  const { edge } = await startBench(t);
  const ids = new Set<string>();
  const starts = new Set<string>();
  for (let n = 0; n < 50; n++) {
    const answer = await ask(edge.port, get("/x"));
    ids.add(field(answer, "x-request-id")!).add(field(answer, "traceparent")!.slice(3, 35));
    starts.add(field(answer, "x-request-id")!.slice(0, 8)).add(field(answer, "x-request-id")!.slice(-8));
  }
  assert.equal(ids.size, 100);
  assert.equal(starts.size, 100);
});

test("keeps a valid trace and its state, replaces a malformed one without its state", async (t) => {
  const { edge, origin } = await startBench(t);
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const kept = await ask(edge.port, get("/x", `traceparent: ${trace}`, "tracestate: a=1,b@c=2"));
  const upstream = sentValue(origin.requests[0]!, "traceparent")!;
  assert.equal(upstream.slice(3, 35), trace.slice(3, 35));
  assert.equal(field(kept, "traceparent")!.slice(3, 35), trace.slice(3, 35));
  assert.equal(sentValue(origin.requests[0]!, "tracestate"), "a=1,b@c=2");
  // HD41
  const bad = [
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
    `${trace}-${"x".repeat(150)}`,
    "nonsense",
    "",
  ];
  for (const value of bad) {
    const answer = await ask(edge.port, get("/x", `traceparent: ${value}`, "tracestate: a=1"));
    assertIds(answer);
    const request = origin.requests.at(-1)!;
    assert.notEqual(sentValue(request, "traceparent"), value);
    assert.notEqual(sentValue(request, "traceparent")!.slice(3, 35), trace.slice(3, 35));
    assert.equal(sentValue(request, "tracestate"), undefined, `state of ${value}`);
  }
  assert.equal(edge.metric("zion_traces_invalid_total"), bad.length);
  for (const state of [Array.from({ length: 33 }, (_, n) => `k${n}=1`).join(","), `a=${"x".repeat(600)}`]) {
    await ask(edge.port, get("/x", `traceparent: ${trace}`, `tracestate: ${state}`));
    assert.equal(sentValue(origin.requests.at(-1)!, "tracestate"), undefined);
  }
});

test("echoes both ids on refusals", async (t) => {
  const { edge } = await startBench(t, { route: 'hosts = ["a.test"]' });
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  for (const bytes of [
    "BAD\r\n\r\n",
    get("/%zz", "X-Request-ID: order-42.a_b", `traceparent: ${trace}`),
    get("/x", "X-Request-ID: order-42.a_b").replace("a.test", "other.test"),
    post("", "Content-Length: 99999999"),
  ]) {
    const answer = await ask(edge.port, bytes);
    assert.ok(answer.status >= 400);
    assertIds(answer);
  }
  const notFound = await ask(
    edge.port,
    get("/x", "X-Request-ID: order-42.a_b", `traceparent: ${trace}`).replace("a.test", "other.test"),
  );
  assert.equal(notFound.status, 404);
  assert.equal(field(notFound, "x-request-id"), "order-42.a_b");
  assert.equal(field(notFound, "traceparent")!.slice(3, 35), trace.slice(3, 35));
});

const chain = "X-Forwarded-For: 9.9.9.9, 198.51.100.7, 10.0.0.5";

for (const [mode, trusted, expected] of [
  ["rewrite", "[]", { xff: "127.0.0.1", real: "127.0.0.1" }],
  ["append", "[]", { xff: "9.9.9.9, 198.51.100.7, 10.0.0.5, 127.0.0.1", real: "127.0.0.1" }],
  ["drop", "[]", { xff: undefined, real: "127.0.0.1" }],
  ["rewrite", '["127.0.0.1", "10.0.0.0/8"]', { xff: "198.51.100.7", real: "198.51.100.7" }],
  ["append", '["127.0.0.1"]', { xff: "9.9.9.9, 198.51.100.7, 10.0.0.5, 127.0.0.1", real: "10.0.0.5" }],
  ["rewrite", '["0.0.0.0/0"]', { xff: "9.9.9.9", real: "9.9.9.9" }],
] as const) {
  test(`xff_mode ${mode} with trusted_proxies ${trusted}`, async (t) => {
    const { edge, origin } = await startBench(t, {
      server: `xff_mode = "${mode}"\ntrusted_proxies = ${trusted}`,
    });
    const answer = await ask(edge.port, get("/x", chain));
    const request = origin.requests[0]!;
    assert.equal(sentValue(request, "x-forwarded-for"), expected.xff);
    assert.equal(sentValue(request, "x-real-ip"), expected.real);
    assert.equal((await edge.logLine(field(answer, "x-request-id")!))["client.address"], expected.real);
    assert.equal((await edge.logLine(field(answer, "x-request-id")!))["network.peer.address"], "127.0.0.1");
  });
}

test("the access log line stays one line of JSON whatever the client says", async (t) => {
  const { edge } = await startBench(t);
  const answer = await ask(
    edge.port,
    get(
      `/x?${"\\'`{}".repeat(50)}`,
      `User-Agent: "}\\\t\xff\xe9${'"'.repeat(4000)}`,
      `Referer: ${'"'.repeat(2000)}`,
      `Cookie: ${'"'.repeat(4000)}`,
    ),
  );
  assert.equal(answer.status, 200);
  const line = await edge.logLine(field(answer, "x-request-id")!);
  assert.ok(String(line["user_agent.original"]).startsWith('"}\\\t\xff\xe9"'));
});

test("included headers of any size never cost the log line or the worker", async (t) => {
  const names = ["referer", "accept", "accept-language", "x-a", "x-b", "x-c", "x-d", "x-e"];
  const { edge } = await startBench(t, { accessLog: `include_headers = ${JSON.stringify(names)}` });
  const client = await connect(edge.port);
  const large = get(
    `/${"x".repeat(1000)}?${"\\".repeat(1000)}`,
    ...names.map((name) => `${name}: ${'"'.repeat(1500)}`),
  );
  // Lines share a buffer: large ones among small ones meet every fill of it.
  for (let n = 0; n < 60; n++) {
    client.send(n % 20 === 19 ? large : get("/x"));
    assert.equal((await client.answer())?.status, 200);
  }
  client.destroy();
  assert.equal((await edge.logLines()).length, 60);
});

test("the access log hides what [redact] names, from the reload on, and the upstream gets it all", async (t) => {
  const { edge, origin } = await startBench(t);
  const client = await connect(edge.port);
  const queryOfLine = async () => {
    client.send(get("/x?%74oken=abc&q=shoes"));
    return (await edge.logLine(field((await client.answer())!, "x-request-id")!))["url.query"];
  };
  assert.equal(await queryOfLine(), "%74oken=<redacted:3>&q=shoes");
  edge.reload(benchConfig(origin.port, { tables: '[redact]\nquery_params = ["*"]\nip = "truncate"' }));
  assert.equal(await queryOfLine(), "%74oken=<redacted:3>&q=<redacted:5>");
  const line = (await edge.logLines()).at(-1)!;
  assert.equal(line["network.peer.address"], "127.0.0.0/24");
  assert.equal(line["client.address"], "127.0.0.0/24");
  assert.match(origin.requests.at(-1)!.target, /%74oken=abc&q=shoes$/);
  client.destroy();
});

function sentValue(request: OriginRequest, name: string): string | undefined {
  return request.fields.find(([key]) => key === name)?.[1];
}

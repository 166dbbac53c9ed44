import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { ask, connect, field, type RawAnswer } from "../support/raw-client.ts";
import { type BenchOptions, startBench } from "./bench.ts";

// The WAF in the path of a request: what the client, the upstream, the log and the metrics see of it.

const attack = "' UNION SELECT password FROM users-- -";
const html = "<script>alert(document.cookie)</script>";

function post(type: string, body: string | Buffer, more = ""): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
  const head = `POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Type: ${type}\r\n${more}Content-Length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), bytes]);
}

function get(target: string, more = ""): string {
  return `GET ${target} HTTP/1.1\r\nHost: a.test\r\n${more}\r\n`;
}

function start(t: TestContext, options: BenchOptions = {}) {
  return startBench(t, { waf: true, ...options });
}

/** Fixed parts of an answer: without date, request id and traceparent. */
function fixed(answer: RawAnswer): unknown {
  const names = ["date", "x-request-id", "traceparent", "connection"];
  return [answer.statusLine, answer.fields.filter(([name]) => !names.includes(name)), answer.body.toString()];
}

const refusals: readonly (readonly [what: string, request: string | Buffer, gate: string, detail: string])[] =
  [
    ["an attack in the query", get(`/?q=${encodeURIComponent(attack)}`), "patterns", "sqli"],
    ["an attack in the path", get(`/${encodeURIComponent(html)}`), "patterns", "xss"],
    ["an attack in a header", get("/", "X-Api-Version: ${jndi:ldap://x.test/a}\r\n"), "patterns", "lookup"],
    [
      "an attack in a cookie",
      get("/", `Cookie: a=b; q=${encodeURIComponent(attack)}\r\n`),
      "patterns",
      "sqli",
    ],
    [
      "an attack in a form",
      post("application/x-www-form-urlencoded", `a=1&q=${encodeURIComponent(html)}`),
      "patterns",
      "xss",
    ],
    [
      "an attack in JSON",
      post("application/json", JSON.stringify({ user: { q: attack } })),
      "patterns",
      "sqli",
    ],
    ["a type that is not allowed", post("application/x-unheard-of", "x"), "content_type", "ct_unknown"],
    ["a type that is none", post("no type", "x"), "content_type", "ct_syntax"],
    ["JSON that is none", post("application/json", "{'a':1}"), "json", "json_syntax"],
    ["JSON that is too deep", post("application/json", "[".repeat(65)), "json", "json_depth"],
    ["a repeated key", post("application/json", '{"a":1,"a":2}'), "json", "json_dup"],
    [
      "a coding that is unknown",
      post("text/plain", "x", "Content-Encoding: lz4\r\n"),
      "coding",
      "coding_unsupported",
    ],
    [
      "an attack in gzip",
      post("application/json", gzipSync(JSON.stringify({ q: html })), "Content-Encoding: gzip\r\n"),
      "patterns",
      "xss",
    ],
    [
      "a bomb in brotli",
      post("text/plain", brotliCompressSync(Buffer.alloc(40 << 20)), "Content-Encoding: br\r\n"),
      "coding",
      "ratio_cap",
    ],
  ];

test("every gate refuses with the same bytes, says why in the log only, and nothing reaches the upstream", async (t) => {
  const { edge, origin } = await start(t);
  const answers = new Set<string>();
  for (const [what, request, gate, detail] of refusals) {
    const answer = await ask(edge.port, request);
    answers.add(JSON.stringify(fixed(answer)));
    const line = await edge.logLine(field(answer, "x-request-id") ?? "");
    assert.equal(line["zion.waf.gate"], gate, what);
    assert.equal(line["security_rule.ruleset.name"] ?? line["zion.waf.detail"], detail, what);
    assert.equal(line["zion.decision"], "deny", what);
    assert.equal(edge.metric("zion_gate_decisions_total", detail) > 0, true, what);
  }
  assert.equal(answers.size, 1);
  const [statusLine, fields, body] = JSON.parse([...answers][0]!) as [string, [string, string][], string];
  assert.equal(statusLine, "HTTP/1.1 400 Bad Request");
  assert.equal(body, "request rejected");
  assert.deepEqual(
    fields.map(([name]) => name),
    ["content-type", "x-content-type-options", "cache-control", "content-length"],
  );
  assert.equal(origin.requests.length, 0);
  assert.equal(edge.metric("zion_gate_decisions_total"), refusals.length);
});

test("a finding says which rule, where, which bytes and after which decoders", async (t) => {
  const { edge } = await start(t);
  const body = JSON.stringify({ user: { q: "%3Cscript%3Ealert(1)%3C/script%3E" } });
  const answer = await ask(edge.port, post("application/json", body));
  const line = await edge.logLine(field(answer, "x-request-id") ?? "");
  const [finding] = line["zion.waf.findings"] as unknown as Record<string, unknown>[];
  assert.equal(finding!["place"], "json:$.user.q");
  assert.deepEqual(finding!["decoders"], ["percent"]);
  assert.equal(finding!["rule"], line["security_rule.name"]);
  assert.equal((finding!["bytes"] as number[]).length, 2);
  assert.equal(edge.metric("zion_rule_matches_total", String(finding!["rule"])), 1);
  assert.equal(JSON.stringify(line).includes("alert"), false, "the log holds none of the matched text");
});

test("what is no attack goes on byte for byte, in whatever pieces it came", async (t) => {
  const { edge, origin } = await start(t);
  const bodies: [string, string | Buffer][] = [
    ["application/json", JSON.stringify({ text: "select the best of it, or don't -- it's 1 < 2 && a > b" })],
    ["application/x-www-form-urlencoded", "name=O%27Brien&note=100%25+sure"],
    ["text/plain", "plain text ".repeat(9000)],
    [
      "application/octet-stream",
      Buffer.from(Uint8Array.from({ length: 70_000 }, (_, at) => (at * 7919) >> 3)),
    ],
    ["application/json", JSON.stringify(Array.from({ length: 40 }, () => "long ".repeat(10_000)))],
  ];
  for (const [type, body] of bodies) {
    for (const piece of [Infinity, 1000]) {
      origin.forget();
      const bytes = post(type, body);
      const client = await connect(edge.port);
      const size = Math.max(piece, bytes.length / 500);
      const pieces = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      await client.sendPieces(pieces);
      assert.equal((await client.answer("POST"))?.status, 200, `${type} ${bytes.length}`);
      client.destroy();
      const got = await origin.requests[0]!.body;
      assert.ok(got.equals(Buffer.from(body as string, "latin1")), `${type} ${bytes.length}`);
    }
  }
});

test("a chunked body is inspected as well, and nothing is forwarded before its end", async (t) => {
  const { edge, origin } = await start(t);
  const client = await connect(edge.port);
  const head =
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
  await client.sendPieces([head, "8\r\nhello <s\r\n", "6\r\ncript>\r\n"]);
  assert.equal(origin.connections.length, 0);
  client.send("9\r\nalert(1);\r\n9\r\n</script>\r\n0\r\n\r\n");
  assert.equal((await client.answer("POST"))?.status, 400);
  assert.equal(origin.requests.length, 0);
  client.destroy();
});

test("a connection is kept after a refusal whose request was read whole", async (t) => {
  const { edge } = await start(t);
  const client = await connect(edge.port);
  client.send(get(`/?q=${encodeURIComponent(attack)}`));
  assert.equal((await client.answer())?.status, 400);
  client.send(post("application/json", JSON.stringify([attack])));
  assert.equal((await client.answer("POST"))?.status, 400);
  client.send(get("/fine"));
  assert.equal((await client.answer())?.status, 200);
  client.destroy();
});

test("a shadow refuses nothing, changes no byte, and tells what it would have refused", async (t) => {
  const { edge, origin } = await start(t, { route: "waf_shadow = true" });
  for (const [what, request] of refusals) {
    origin.forget();
    const answer = await ask(edge.port, request);
    assert.equal(answer.status, 200, what);
    const line = await edge.logLine(field(answer, "x-request-id") ?? "");
    assert.equal(line["zion.decision"], "shadow", what);
    assert.equal(line["zion.waf.mode"], "shadow", what);
    const bytes = typeof request === "string" ? Buffer.from(request, "latin1") : request;
    const sent = bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
    assert.ok((await origin.requests[0]!.body).equals(sent), what);
  }
  assert.equal(edge.metric("zion_gate_decisions_total", "shadow"), refusals.length);
});

test("a rule in shadow is reported and adds nothing; an excluded or disabled one says nothing", async (t) => {
  const tables = (lines: string): string => `[waf_profile.default]\n${lines}\n`;
  const request = get(`/?q=${encodeURIComponent("${jndi:ldap://x.test/a}")}`);
  for (const [lines, findings] of [
    [tables('shadow_rules = ["lookup"]'), 1],
    [tables('disabled_rules = ["lookup"]'), 0],
    ['[[exclude]]\nrule = "lookup"\nfield = "query:q"\n', 0],
  ] as const) {
    const { edge } = await start(t, { tables: lines });
    const answer = await ask(edge.port, request);
    assert.equal(answer.status, 200, lines);
    const line = await edge.logLine(field(answer, "x-request-id") ?? "");
    assert.equal(((line["zion.waf.findings"] ?? []) as unknown as unknown[]).length, findings, lines);
    assert.equal(line["zion.decision"], "allow");
  }
});

test("points of the head and of the body add up", async (t) => {
  const { edge } = await start(t, { tables: "[waf_profile.default]\nthreshold = 10\n" });
  const head = `POST /?q=${encodeURIComponent(attack)} HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\n`;
  const body = (text: string): string => `${head}Content-Length: ${text.length}\r\n\r\n${text}`;
  assert.equal((await ask(edge.port, body("nothing"))).status, 200);
  assert.equal((await ask(edge.port, body(html))).status, 400);
});

test("a route with waf = false is not inspected", async (t) => {
  const { edge } = await start(t, { waf: false });
  for (const [what, request] of refusals) assert.equal((await ask(edge.port, request)).status, 200, what);
});

test("a reload changes the profile for requests that begin after it", async (t) => {
  const { edge, origin } = await start(t);
  const config = (lines: string): string =>
    `[server]\nhttp_mode = "serve"\n[upstream.app]\nurl = "http://127.0.0.1:${origin.port}"\n[[route]]\npath = "/{*rest}"\nupstream = "app"\n${lines}`;
  const client = await connect(edge.port);
  const body = JSON.stringify([attack]);
  // Its head is judged by the old profile, and so is its body.
  await client.sendPieces([post("application/json", body).subarray(0, -5)]);
  while (edge.metric("zion_waf_held_bytes") === 0) await new Promise((resume) => setImmediate(resume));
  edge.reload(config("waf = false"));
  client.send(body.slice(-5));
  assert.equal((await client.answer("POST"))?.status, 400);
  client.send(post("application/json", body));
  assert.equal((await client.answer("POST"))?.status, 200);
  client.destroy();
});

test("the gateway itself says 100 Continue where it holds the body", async (t) => {
  const { edge, origin } = await start(t);
  const client = await connect(edge.port);
  const body = JSON.stringify([attack]);
  client.send(
    `POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  await client.until(() => client.received.includes("100 Continue"));
  client.send(body);
  const answer = await client.answer("POST");
  assert.deepEqual([answer?.status, answer?.interim], [400, [100]]);
  assert.equal(origin.requests.length, 0);
  client.destroy();
});

test("a held body goes to the other endpoint when the first does not accept connections", async (t) => {
  const { edge, origin } = await start(t, {
    upstream: 'urls = ["http://127.0.0.1:1"]\nhealth = { interval_ms = 0 }',
  });
  for (let n = 0; n < 4; n++) {
    const answer = await ask(edge.port, post("application/json", `{"n":${n}}`));
    assert.equal(answer.status, 200);
    assert.equal(String(await origin.requests[n]!.body), `{"n":${n}}`);
  }
  assert.ok(edge.metric("zion_upstream_retries_total") > 0);
});

test("a session parameter is refused when it comes from elsewhere, not from a page of the same host", async (t) => {
  const { edge } = await start(t);
  const cases: [string, number][] = [
    ["", 400],
    ["Referer: https://evil.test/\r\n", 400],
    ["Referer: https://a.test.evil.test/\r\n", 400],
    ["Referer: https://a.test/login\r\n", 200],
    ["Referer: http://a.test\r\n", 200],
  ];
  for (const [referer, status] of cases)
    assert.equal((await ask(edge.port, get("/?PHPSESSID=4711", referer))).status, status, referer);
});

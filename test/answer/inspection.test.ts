import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { type BenchOptions, startBench } from "../conformance/bench.ts";
import { rawAnswer, type Script } from "../support/origin.ts";
import { connect } from "../support/raw-client.ts";

// Made here, so that nobody takes this file for a leak.
const card = "4539 1488 0343 6467";
const aws = `AKIA${"Q3EGT5QZ7LVW2XYN"}`;
const github = `ghp_${"16C7e42F292c6912E7710c838347Ae178B4a"}`;
const keyBody = `${"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n".repeat(12)}`;
const key = `-----BEGIN ${"PRIVATE"} KEY-----\n${keyBody}-----END ${"PRIVATE"} KEY-----\n`;
const trace =
  "java.lang.NullPointerException\n\tat com.shop.Cart.add(Cart.java:42)\n\tat com.shop.Api.post(Api.java:7)\n";

const inspecting = (t: Parameters<typeof startBench>[0], options: BenchOptions & { keys?: string } = {}) =>
  startBench(t, {
    ...options,
    server: `h2c = true\n${options.server ?? ""}`,
    waf: true,
    tables: `[waf_profile.default]\n${options.keys ?? 'inspect_answers = "on"'}\n${options.tables ?? ""}`,
  });

function page(body: string, status = "200 OK", ...fields: string[]): Script {
  const lines = fields.some((line) => /^content-type/i.test(line))
    ? fields
    : ["Content-Type: text/html", ...fields];
  return rawAnswer(
    `HTTP/1.1 ${status}\r\n${lines.join("\r\n")}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

let asked = 0;

interface Got {
  readonly status: number;
  readonly body: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly id: string;
}

function ask(port: number, headers: Record<string, string> = {}, path = "/"): Promise<Got> {
  const id = `answer-test-${++asked}`;
  return new Promise((resolve, reject) => {
    http
      .get(
        { host: "127.0.0.1", port, path, headers: { ...headers, "x-request-id": id }, agent: false },
        (got) => {
          const parts: Buffer[] = [];
          got.on("data", (part: Buffer) => parts.push(part));
          got.on("error", reject);
          got.on("end", () => {
            const bytes = Buffer.concat(parts);
            const plain = got.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
            resolve({ status: got.statusCode!, body: plain.toString("latin1"), headers: got.headers, id });
          });
        },
      )
      .on("error", reject);
  });
}

interface LoggedFinding {
  readonly rule: string;
  readonly place: string;
  readonly bytes: readonly [number, number];
  readonly shadow?: boolean;
}

const findingsOf = (line: Readonly<Record<string, unknown>>) =>
  (line["zion.waf.findings"] ?? []) as readonly LoggedFinding[];

test("secrets are written over, byte for byte, and the log says where", async (t) => {
  const { edge } = await inspecting(t, { script: page(`a ${card} b ${aws} c ${github} d\n${key}after`) });
  const got = await ask(edge.port);
  assert.equal(got.status, 200);
  assert.ok(
    got.body.startsWith(`a 4539 14** **** 6467 b AKIA${"*".repeat(16)} c ghp_${"*".repeat(36)} d\n`),
    got.body,
  );
  assert.ok(!/[A-Za-z0-9+/]{40}/.test(got.body.slice(90)), got.body);
  assert.ok(got.body.endsWith("-----END PRIVATE KEY-----\nafter"), got.body.slice(-60));
  const line = await edge.logLine(got.id);
  assert.deepEqual(
    findingsOf(line).map(({ rule, place }) => [rule, place]),
    [
      ["answer-card-number", "answer"],
      ["answer-aws-key", "answer"],
      ["answer-github-token", "answer"],
      ["answer-private-key", "answer"],
    ],
  );
  assert.deepEqual(findingsOf(line)[0]!.bytes, [2, 21]);
  assert.equal(edge.metric("zion_answer_inspections_total", "masked"), 1);
  assert.equal(edge.metric("zion_rule_matches_total", "answer-aws-key"), 1);
});

test("a secret that comes in any two pieces is found, and nothing else is touched", async (t) => {
  const secrets = `x ${card} y ${aws}\n${key}`;
  const whole = `${"<p>fine</p>\n".repeat(20)}${secrets}${"<p>fine</p>\n".repeat(20)}`;
  const { edge, origin } = await inspecting(t, {
    // Nothing is held: every border counts.
    keys: 'inspect_answers = "on"\nanswer_window_kb = 1',
  });
  const long = "<p>before</p>\n".repeat(100);
  origin.script = page(long + whole);
  const expected = (await ask(edge.port)).body.slice(long.length);
  assert.ok(!expected.includes(aws) && expected.includes("4539 14** **** 6467"));
  assert.equal(expected.length, whole.length);
  const start = whole.indexOf("x 4539");
  for (let cut = start; cut < start + 160; cut += 3) {
    const body = long + whole;
    origin.script = async (_request, { socket }) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (const part of [long, whole.slice(0, cut), whole.slice(cut)]) {
        socket.write(`${part.length.toString(16)}\r\n${part}\r\n`);
        await new Promise((done) => setImmediate(done));
      }
      socket.write("0\r\n\r\n");
    };
    const got = await ask(edge.port);
    assert.equal(got.body.length, body.length, `cut at ${cut}`);
    assert.equal(got.body.slice(long.length), expected, `cut at ${cut}`);
  }
});

test("a stack trace of a failed application is not sent, one in a page about programming is", async (t) => {
  const { edge, origin } = await inspecting(t, { script: page(trace, "500 Internal Server Error") });
  const refused = await ask(edge.port);
  assert.equal(refused.status, 502);
  assert.doesNotMatch(refused.body, /Cart/);
  const line = await edge.logLine(refused.id);
  assert.equal(line["zion.waf.gate"], "answer");
  assert.equal(line["zion.reason"], "answer_leak");
  assert.deepEqual(
    findingsOf(line).map(({ rule }) => rule),
    ["answer-trace-java"],
  );
  origin.script = page(`<h1>Reading traces</h1><pre>${trace}</pre>`);
  const shown = await ask(edge.port);
  assert.equal(shown.status, 200);
  assert.match(shown.body, /Cart\.java:42/);
  assert.deepEqual(
    findingsOf(await edge.logLine(shown.id)).map(({ shadow }) => shadow),
    [true],
  );
  origin.script = page(
    '<title>Index of /backup</title></head>\n<body>\n<h1>Index of /backup</h1><hr><pre><a href="../">../</a>',
  );
  assert.equal((await ask(edge.port)).status, 502);
  assert.equal(edge.metric("zion_answer_inspections_total", "blocked"), 2);
  assert.equal(edge.metric("zion_answer_held_bytes"), 0);
});

test("what comes behind the window is masked, and not blocked", async (t) => {
  const before = "<p>before</p>\n".repeat(10_000);
  const { edge } = await inspecting(t, {
    script: page(`${before}${trace}${card}`, "500 Internal Server Error"),
  });
  const got = await ask(edge.port);
  assert.equal(got.status, 500);
  assert.ok(got.body.startsWith(before));
  assert.ok(got.body.endsWith("4539 14** **** 6467"), got.body.slice(-40));
  assert.deepEqual(
    findingsOf(await edge.logLine(got.id)).map(({ rule }) => rule),
    ["answer-trace-java", "answer-card-number"],
  );
});

test("profiles, rules and exclusions decide", async (t) => {
  const body = `${card} ${aws}`;
  for (const [keys, more, shown] of [
    ['inspect_answers = "off"', "", body],
    ['mode = "balanced"', "", body],
    ['mode = "aggressive"', "", `4539 14** **** 6467 AKIA${"*".repeat(16)}`],
    ['mode = "aggressive"\ninspect_answers = "off"', "", body],
    ['inspect_answers = "report"', "", body],
    ['inspect_answers = "on"\nshadow_rules = ["answer-aws-key"]', "", `4539 14** **** 6467 ${aws}`],
    ['inspect_answers = "on"\ndisabled_rules = ["answer-credential"]', "", body],
    [
      'inspect_answers = "on"',
      '[[exclude]]\nrule = "answer-card-number"\nroute = "shop"',
      `${card} AKIA${"*".repeat(16)}`,
    ],
    ['inspect_answers = "on"', '[[exclude]]\nrule = "answer-credential"\nfield = "answer"', body],
    ['inspect_answers = "on"\nanswer_types = ["application/json"]', "", body],
  ] as const) {
    const { edge } = await inspecting(t, { keys, tables: more, route: 'name = "shop"', script: page(body) });
    assert.equal((await ask(edge.port)).body, shown, `${keys} ${more}`);
  }
});

test("upstreams are asked for plain answers, and a coded one is counted", async (t) => {
  const { edge, origin } = await inspecting(t, {
    script: page("x", "200 OK", "Content-Encoding: x-own"),
    tables: "[compression]\nmin_bytes = 1",
  });
  await ask(edge.port, { "accept-encoding": "gzip, br" });
  assert.deepEqual(
    origin.requests[0]!.fields.filter(([name]) => name === "accept-encoding"),
    [["accept-encoding", "identity"]],
  );
  assert.equal(edge.metric("zion_answer_uninspected_total", "coded"), 1);
  // The client's wish is known all the same, and the two steps stand in a row.
  origin.script = page(`<p>${card}</p>`);
  const got = await ask(edge.port, { "accept-encoding": "gzip" });
  assert.equal(got.headers["content-encoding"], "gzip");
  assert.equal(got.body, "<p>4539 14** **** 6467</p>");
});

test("a masked number in JSON stays a number, and escapes stay escapes", async (t) => {
  const written = JSON.stringify({
    n: 6011000991300009,
    s: card,
    key: `-----BEGIN ${"EC"} PRIVATE KEY-----\n${keyBody}`,
  });
  const { edge } = await inspecting(t, { script: page(written, "200 OK", "Content-Type: application/json") });
  const got = await ask(edge.port);
  const read = JSON.parse(got.body) as { n: number; s: string; key: string };
  assert.equal(read.n, 6011000000000009);
  assert.equal(read.s, "4539 14** **** 6467");
  assert.ok(!/[A-Za-z0-9]{20}/.test(read.key));
  assert.equal(read.key.split("\n").length, keyBody.split("\n").length + 1);
});

test("over HTTP/2 it is the same: masked, refused, and with the length that was said", async (t) => {
  const { edge, origin } = await inspecting(t, { script: page(`a ${card} b`) });
  const session = http2.connect(`http://127.0.0.1:${edge.port}`);
  t.after(() => session.destroy());
  const get = () =>
    new Promise<readonly [status: unknown, length: unknown, body: string]>((resolve, reject) => {
      const stream = session.request({ ":path": "/" });
      let head: Readonly<Record<string, unknown>> = {};
      let body = "";
      stream.setEncoding("latin1");
      stream.on("response", (fields) => {
        head = fields;
      });
      stream.on("data", (part: string) => (body += part));
      stream.on("end", () => resolve([head[":status"], head["content-length"], body]));
      stream.on("error", reject);
    });
  assert.deepEqual(await get(), [200, String(card.length + 4), "a 4539 14** **** 6467 b"]);
  origin.script = page(trace, "503 Service Unavailable");
  const [status, , body] = await get();
  assert.equal(status, 502);
  assert.doesNotMatch(body, /Cart/);
});

test("server-sent events go on at once, and are masked all the same", async (t) => {
  let more: (part: string) => void = () => {};
  const { edge } = await inspecting(t, {
    script: (_request, { socket }) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
      more = (part) => socket.write(part);
      more("data: 1\n\n");
    },
  });
  const client = await connect(edge.port);
  client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  while (!client.received.includes("data: 1\n\n")) await once(client.socket, "data");
  more(`data: ${card}\n\n`);
  while (!client.received.includes("6467\n\n")) await once(client.socket, "data");
  assert.ok(client.received.includes("data: 4539 14** **** 6467\n\n"));
  client.destroy();
});

test("an answer that trickles is not held for long", async (t) => {
  let more: (part: string) => void = () => {};
  const { edge } = await inspecting(t, {
    script: (_request, { socket }) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
      more = (part) => socket.write(part === "" ? "0\r\n\r\n" : `${part.length.toString(16)}\r\n${part}\r\n`);
      more("part 1\n");
    },
  });
  const parts: string[] = [];
  await new Promise<void>((resolve, reject) => {
    http
      .get({ port: edge.port, host: "127.0.0.1", agent: false }, (got) => {
        got.setEncoding("utf8");
        got.on("data", (part: string) => {
          parts.push(part);
          more(parts.length < 3 ? `part ${parts.length + 1}\n` : "");
        });
        got.on("end", resolve);
        got.on("error", reject);
      })
      .on("error", reject);
  });
  assert.deepEqual(parts, ["part 1\n", "part 2\n", "part 3\n"]);
});

test("a client that leaves, and an upstream that fails, leave nothing behind", async (t) => {
  const { edge, origin } = await inspecting(t);
  origin.script = (_request, { socket }) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9000\r\n\r\nbeginning", () =>
      socket.destroy(),
    );
  };
  // Nothing of it went out.
  assert.equal((await ask(edge.port)).status, 502);
  let seen: () => void = () => {};
  const came = new Promise<void>((done) => {
    seen = done;
  });
  origin.script = (_request, { socket }) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9000\r\n\r\nbeginning", seen);
  };
  const client = await connect(edge.port);
  client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  await came;
  client.socket.destroy();
  for (let tries = 0; edge.metric("zion_answer_held_bytes") > 0 && tries < 200; tries++)
    await new Promise((done) => setTimeout(done, 20));
  assert.equal(edge.metric("zion_answer_held_bytes"), 0);
});

test("an answer that is on its way takes no more of the room in which others are held", async (t) => {
  const { edge, origin } = await inspecting(t);
  origin.script = (_request, { socket }) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 900000\r\n\r\n");
    socket.write("a long answer ".repeat(20_000));
  };
  const client = await connect(edge.port);
  client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  await client.until(() => client.receivedBytes > 200_000);
  assert.equal(edge.metric("zion_route_in_flight"), 1);
  assert.equal(edge.metric("zion_answer_held_bytes"), 0);
  client.destroy();
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { allReasons } from "../../src/reason.ts";
import { type Edge, startEdge } from "../support/edge.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { ask, type ConnectOptions, connect, field, fieldAll, type RawAnswer } from "../support/raw-client.ts";
import type { Case, ForwardCase, RefusalCase } from "./case.ts";

/** The configuration that conformance cases are written for: short time-outs, a body limit of 1 MiB. */
export function conformanceConfig(originPort: number): string {
  return `
[server]
http_mode = "serve"
internal_networks = ["10.0.0.0/8"]
header_timeout_ms = 1000
body_idle_timeout_ms = 1000

[upstream.app]
url = "http://127.0.0.1:${originPort}"

[[route]]
name = "all"
path = "/{*rest}"
upstream = "app"
waf = false
max_body_mb = 1

[[route]]
name = "internal"
path = "/internal/{*rest}"
upstream = "app"
waf = false
internal_only = true
`;
}

/** How the cases reach the data plane. */
export interface Way {
  readonly tls?: boolean;
  /** False: `data` events instead of the shared read buffer. */
  readonly sharedReads?: boolean;
  /** The plain listener serves HTTP/2 by prior knowledge too, and so has to look at the first bytes. */
  readonly h2c?: boolean;
}

/** Where one case is judged. */
interface Bench {
  readonly edge: Edge;
  readonly origin: Origin;
  readonly port: number;
  readonly options: ConnectOptions;
}

/** Runs every case through one gateway, each on a connection of its own; fewer than `minimum` is a failure. */
export function runCases(title: string, cases: readonly Case[], minimum: number, way: Way = {}): void {
  test(title, async (t) => {
    const origin = await startOrigin();
    const text = conformanceConfig(origin.port);
    const config = way.h2c === true ? text.replace("[server]", "[server]\nh2c = true") : text;
    const edge = await startEdge(config, {
      ...(way.sharedReads === undefined ? {} : { sharedReads: way.sharedReads }),
      ...(way.tls === true ? { tlsNames: [] } : {}),
    });
    const bench: Bench =
      way.tls === true
        ? { edge, origin, port: edge.tlsPort, options: { tls: {} } }
        : { edge, origin, port: edge.port, options: {} };
    let executed = 0;
    try {
      for (const one of cases) {
        await t.test(`${one.id} ${JSON.stringify(one.bytes.slice(0, 100))}`, async () => {
          origin.forget();
          if ("refused" in one) await judgeRefusal(one, bench);
          else if ("line" in one) await judgeForwarded(one, bench);
          else await judgeLocal(one.bytes, one.answered, bench);
        });
        executed++;
      }
      assert.ok(executed >= minimum, `only ${executed} cases ran`);
    } finally {
      await edge.stop();
      await origin.close();
    }
  });
}

async function judgeRefusal(one: RefusalCase, bench: Bench): Promise<void> {
  const { edge, port, options } = bench;
  const reason = allReasons.find(({ code }) => code === one.reason);
  assert.ok(reason !== undefined, `no such reason: ${one.reason}`);
  const client = await connect(port, options);
  client.send(one.bytes);
  const answer = await client.answer(methodOf(one.bytes));
  assert.ok(answer !== undefined, `closed without an answer; ${JSON.stringify(await edge.logLines())}`);
  const line = await edge.logLine(field(answer, "x-request-id") ?? "");
  assert.deepEqual([answer.status, line["zion.reason"]], [one.refused, one.reason]);
  assert.equal(line["http.response.status_code"], one.refused);
  assertRefusalShape(answer);
  if (reason.close) {
    assert.deepEqual(fieldAll(answer, "connection"), ["close"]);
    await client.untilOver();
    assert.equal(client.rest.length, 0, "bytes after the refusal");
  }
  client.destroy();
  await assertNothingForwarded(bench, one.upstream === "unfinished");
}

const bodyOfStatus = new Map<number, string>();

/** A refusal says nothing of why, only its status; it can be found again in the log. */
function assertRefusalShape(answer: RawAnswer): void {
  assert.equal(answer.end, "framed");
  const body = answer.body.toString();
  assert.ok(body.length <= 64, body);
  assert.equal(body, bodyOfStatus.get(answer.status) ?? body, "bodies of one status differ");
  bodyOfStatus.set(answer.status, body);
  assertIds(answer);
}

/** Request id and trace context go out on every answer. */
export function assertIds(answer: RawAnswer): void {
  assert.equal(fieldAll(answer, "x-request-id").length, 1);
  assert.match(field(answer, "x-request-id")!, /^[\w.-]{8,64}$/);
  assert.equal(fieldAll(answer, "traceparent").length, 1);
  assert.match(field(answer, "traceparent")!, /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/);
}

/**
 * A good request on a new connection goes through, and it is the only complete one that the origin saw: whatever a
 * refused one might have left in a pool or a buffer would come before it.
 */
async function assertNothingForwarded(bench: Bench, unfinished: boolean): Promise<void> {
  const { origin, port, options } = bench;
  const answer = await ask(port, "GET /sentinel HTTP/1.1\r\nHost: sentinel\r\n\r\n", options);
  assert.equal(answer.status, 200);
  const others = origin.requests.filter(({ target }) => target !== "/sentinel");
  const sentinels = origin.requests.length - others.length;
  assert.equal(sentinels, 1, "sentinels at the origin");
  if (unfinished) {
    assert.ok(others.length <= 1);
    for (const request of others) {
      await request.connection.over;
      assert.equal(request.complete(), false, "a refused body was ended as if it were whole");
    }
    return;
  }
  assert.deepEqual(
    others.map(({ head }) => head),
    [],
  );
  for (const connection of origin.connections) assert.equal(connection.leftover().toString("latin1"), "");
}

async function judgeForwarded(one: ForwardCase, bench: Bench): Promise<void> {
  const { edge, origin, port, options } = bench;
  const answer = await ask(port, one.bytes, { ...options, method: methodOf(one.bytes) });
  const line = await edge.logLine(field(answer, "x-request-id") ?? "");
  assert.deepEqual([answer.status, line["zion.reason"] ?? "", answer.body.toString()], [200, "", "ok"]);
  assertIds(answer);
  assert.equal(origin.requests.length, 1, "requests at the origin");
  const request = origin.requests[0]!;
  const lines = request.head.slice(0, -4).split("\r\n");
  assert.equal(lines[0], one.line);
  for (const expected of one.has ?? []) {
    assert.ok(lines.includes(expected), `${expected} is not in ${request.head}`);
  }
  const names = request.fields.map(([name]) => name);
  for (const name of [...(one.lacks ?? []), "connection", "keep-alive", "te", "expect"]) {
    assert.ok(!names.includes(name), `${name} is in ${request.head}`);
  }
  for (const name of [
    "host",
    "content-length",
    "transfer-encoding",
    "x-forwarded-for",
    "via",
    "x-request-id",
    "traceparent",
  ]) {
    assert.ok(
      names.filter((other) => other === name).length <= 1,
      `${name} more than once in ${request.head}`,
    );
  }
  assert.equal((await request.body).toString("latin1"), one.body ?? "");
  assert.equal(request.connection.leftover().toString("latin1"), "");
}

async function judgeLocal(bytes: string, status: number, bench: Bench): Promise<void> {
  const answer = await ask(bench.port, bytes, { ...bench.options, method: methodOf(bytes) });
  assert.equal(answer.status, status);
  assertIds(answer);
  await assertNothingForwarded(bench, false);
}

/** What the client believes it asked, as far as it tells where an answer's body ends. */
function methodOf(bytes: string): string {
  return bytes.startsWith("HEAD ") ? "HEAD" : "GET";
}

import assert from "node:assert/strict";
import { readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { stampIds } from "../../src/http/id-lines.ts";
import { findRefusedHead } from "../../src/http/refused-head.ts";
import { CanonicalRequest, methodNames } from "../../src/http/request.ts";
import { reasons } from "../../src/reason.ts";
import { AccessLog, endpointLogPiece, routeLogPiece } from "../../src/record/access-log.ts";
import { ecsFields, type LogFormat, lineFields } from "../../src/record/line-names.ts";
import { buildLogSampling, type LogSampling, type SampleRule } from "../../src/record/log-sampling.ts";
import { ExchangeRecord } from "../../src/record/record.ts";
import { buildRedaction, credentialParams, type RedactSettings } from "../../src/record/redaction.ts";
import { decisionNames, decisionOf, RouteCounts } from "../../src/record/route-counts.ts";
import { openRandomPool } from "../../src/std/random-pool.ts";
import { arbitraryHead, damagedHead } from "../support/arbitrary-head.ts";
import { newDirectory } from "../support/directory.ts";
import { readAsHead } from "../support/head-reading.ts";
import { hostileTexts as hostile } from "../support/hostile-text.ts";

const folder = newDirectory("log");

const wallMs = Date.UTC(2026, 0, 2, 3, 4, 5, 67);
const clock = { nowMs: () => 0, wallMs: () => wallMs };
const pool = openRandomPool();
const tls = { protocol: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256" };
const settings: RedactSettings = {
  headers: [],
  queryParams: undefined,
  jsonFields: [],
  ip: "full",
  ipKey: "",
};
const byDefault = buildRedaction(settings);
let files = 0;

function openLog(file: string): AccessLog {
  return new AccessLog(
    {
      path: file,
      format: "otel",
      includeHeaders: [],
      redaction: byDefault,
      mtlsFingerprint: true,
      sampling: undefined,
    },
    clock,
  );
}

interface Line {
  readonly [key: string]: unknown;
}

/** Writes lines with `write` and returns them, parsed: a line that is not one JSON object fails here. */
async function logged(
  write: (log: AccessLog) => void,
  includeHeaders: readonly string[] = [],
  redaction = byDefault,
  { format = "otel", sampling }: { format?: LogFormat; sampling?: LogSampling } = {},
) {
  const file = path.join(folder, `${files++}.log`);
  const log = new AccessLog(
    { path: file, format, includeHeaders, redaction, mtlsFingerprint: true, sampling },
    clock,
  );
  write(log);
  await log.flushed();
  log.close();
  const text = readFileSync(file, "utf8");
  return {
    text,
    lines: text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line),
    log,
  };
}

function requestOf(head: string): CanonicalRequest {
  const request = new CanonicalRequest();
  const bytes = Buffer.from(head, "latin1");
  readAsHead(bytes, request);
  if (request.refusal !== undefined) request.refusedHead = findRefusedHead(bytes, 0, bytes.length);
  stampIds(request, pool, undefined, false);
  request.clientAddress = "192.0.2.7";
  return request;
}

function isWhole(head: string): boolean {
  return readAsHead(Buffer.from(head, "latin1"), new CanonicalRequest()).outcome !== "more";
}

function recordOf(change: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return Object.assign(new ExchangeRecord(1000, 7), change);
}

const peer = () => ({ peerText: "198.51.100.1", secure: true, tls, logPiece: undefined });

/** The line in its plain form: what `write` must say, built by JSON.stringify's rules. */
function plainLine(
  record: ExchangeRecord,
  request: CanonicalRequest,
  nowMs: number,
  hidden: readonly string[] = credentialParams,
): Line {
  const us = (from: number, to: number): number => Math.max(0, Math.round((to - from) * 1000));
  const whole = request.refusal === undefined;
  const query = request.text(request.queryStart, request.queryEnd);
  const agent = fieldOf(request, "user-agent");
  return {
    time: "2026-01-02T03:04:05.067Z",
    level: "info",
    msg: "access",
    "zion.request_id": request.text(request.requestIdStart, request.requestIdEnd),
    trace_id: request.text(request.traceStart + 3, request.traceStart + 35),
    "client.address": request.clientAddress,
    "network.peer.address": "198.51.100.1",
    "url.scheme": "https",
    "tls.protocol.version": tls.protocol,
    "tls.cipher": tls.cipher,
    "http.request.method": whole ? methodNames[request.method] : "_OTHER",
    "http.response.status_code": record.status,
    ...(whole
      ? {
          "server.address": request.hostText(),
          "url.path": request.text(request.pathStart, request.pathEnd).slice(0, 1024),
          ...(query === "" ? {} : { "url.query": plainQuery(query.slice(1, 1025), hidden) }),
          ...(agent === undefined ? {} : { "user_agent.original": agent.slice(0, 1024) }),
        }
      : plainHead(request)),
    "http.route": record.route?.name ?? "-",
    "http.request.body.size": record.requestBytes,
    "http.response.body.size": record.responseBytes,
    "network.protocol.version": request.version === 11 ? "1.1" : request.version === 10 ? "1.0" : "2",
    "zion.duration.total_us": us(record.startedMs, nowMs),
    ...(record.gatedMs === 0 ? {} : { "zion.duration.gates_us": us(record.startedMs, record.gatedMs) }),
    ...(record.answeredMs === 0
      ? {}
      : {
          "zion.duration.connect_us": us(record.gatedMs, record.sentMs),
          "zion.duration.ttfb_us": us(record.sentMs, record.answeredMs),
          "zion.duration.transfer_us": us(record.answeredMs, nowMs),
        }),
    "zion.decision": decisionNames[decisionOf(record)],
    "zion.generation": record.generation,
    ...(record.upstream === undefined
      ? {}
      : {
          "zion.upstream": "app",
          "zion.upstream_addr": record.upstream.url,
          "zion.retries": record.retries,
        }),
    ...(record.cache === "" ? {} : { "zion.cache": record.cache }),
    ...(record.reason === undefined
      ? {}
      : {
          "zion.gate": record.reason.stage,
          "zion.reason": record.reason.code,
          "zion.ended_by": record.reason.blame,
          ...(record.faultDetail === "" ? {} : { "zion.detail": record.faultDetail }),
        }),
  };
}

/** Of a refused head, what there is. */
function plainHead({ refusedHead }: CanonicalRequest): Line {
  const { method = "", target = "", host = "" } = refusedHead ?? {};
  return {
    ...(method === "" ? {} : { "http.request.method_original": method }),
    ...(target === "" ? {} : { "url.original": target }),
    ...(host === "" ? {} : { "http.request.header.host": host }),
  };
}

/** What the log must show of a query, in the form of the rule: names as an application reads them, values hidden. */
function plainQuery(query: string, hidden: readonly string[]): string {
  const all = hidden.includes("*");
  return query
    .split("&")
    .map((pair) => {
      const parts = pair.split(";");
      let shown = "";
      for (const [i, part] of parts.entries()) {
        const [name = "", ...values] = part.split("=");
        const isHidden = all || (values.length > 0 && hidden.includes(nameRead(name)));
        const rest = parts.slice(i).join(";");
        const value = values.length === 0 ? rest : rest.slice(name.length + 1);
        if (isHidden && value !== "")
          return `${shown}${values.length === 0 ? "" : `${name}=`}<redacted:${value.length}>`;
        shown += i < parts.length - 1 ? `${part};` : part;
      }
      return shown;
    })
    .join("&");
}

function nameRead(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " ")).toLowerCase();
  } catch {
    return name.toLowerCase();
  }
}

function fieldOf(request: CanonicalRequest, name: string): string | undefined {
  for (let index = 0; index < request.fieldCount; index++) {
    const [nameStart, nameEnd, valueStart, valueEnd] = request.fields.subarray(index * 6, index * 6 + 4);
    if (request.text(nameStart!, nameEnd!).toLowerCase() === name)
      return request.text(valueStart!, valueEnd!);
  }
  return undefined;
}

type LineField = keyof typeof lineFields;
const wafVerdict = { wafGate: "detect", wafDetail: "x", wafScore: 5, findings: [] } as const;

const url = "http://10.0.0.1:80";
const upstream = { url, logPiece: endpointLogPiece("app", url) };
const route = { name: "shop", counters: new RouteCounts("shop"), logPiece: routeLogPiece("shop") };

test("a line says what the plain form says, whatever the head and however it ended", async () => {
  const endings: readonly Partial<ExchangeRecord>[] = [
    { status: 200, route, upstream, gatedMs: 1000.25, sentMs: 1001, answeredMs: 1004.5, responseBytes: 12 },
    { status: 404, reason: reasons.routeNotFound },
    { status: 200, route, cache: "STALE-WHILE-REVALIDATE", gatedMs: 1000.5 },
    {
      status: 502,
      route,
      upstream,
      reason: reasons.upstreamConnect,
      faultDetail: "ECONNREFUSED",
      retries: 1,
    },
    { status: 0, route, reason: reasons.clientGone, requestBytes: 5, gatedMs: 1000.5 },
  ];
  let lines = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.oneof(arbitraryHead(), damagedHead()), fc.nat(endings.length - 1)), {
        minLength: 20,
      }),
      async (cases) => {
        const expected: Line[] = [];
        const written = await logged((log) => {
          for (const [head, ending] of cases) {
            const request = requestOf(head);
            // Of a head that never came whole there is no exchange, and no line.
            if (!isWhole(head)) continue;
            const record = recordOf(endings[ending]);
            if (request.refusal !== undefined) record.reason = request.refusal;
            log.write(record, request, peer(), 1010.75);
            expected.push(plainLine(record, request, 1010.75));
          }
        });
        assert.deepEqual(written.lines, expected);
        lines += expected.length;
      },
    ),
    { numRuns: 60 },
  );
  assert.ok(lines >= 800, `${lines} lines`);
});

test("in ECS a line says the same, under the names of that schema", async () => {
  const records = [
    recordOf({ status: 200, route, upstream, gatedMs: 1000.25, sentMs: 1001, answeredMs: 1004.5 }),
    recordOf({ status: 404, reason: reasons.routeNotFound, faultDetail: "x" }),
    recordOf({ status: 502, route, upstream, reason: reasons.upstreamConnect, retries: 1, cache: "MISS" }),
    recordOf({ status: 400, route, reason: reasons.wafPatterns, ...wafVerdict }),
    recordOf({ status: 200, route, ...wafVerdict, wafShadow: true }),
  ];
  const heads = ["GET /a?b=c HTTP/1.1\r\nHost: a.test\r\nUser-Agent: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"];
  const types = ["allowed", "denied", "error", "denied", "allowed"];
  for (const head of heads) {
    const request = requestOf(head);
    const write = (log: AccessLog): void => {
      for (const record of records) log.write(record, request, peer(), 1010.75);
    };
    const otel = (await logged(write)).lines;
    const ecs = (await logged(write, [], byDefault, { format: "ecs" })).lines;
    for (const [i, line] of otel.entries()) {
      const renamed = Object.entries(line).map(([key, value]) => [
        lineFields[key as LineField] || key,
        value,
      ]);
      const expected = {
        ...Object.fromEntries(renamed),
        "ecs.version": "8.17.0",
        "tls.version": "1.3",
        "tls.version_protocol": "tls",
        "event.kind": "event",
        "event.category": ["web"],
        "event.type": ["access", types[i]],
        "event.duration": 10_750_000,
      };
      assert.deepEqual(ecs[i], expected);
      for (const name of ecsFields) assert.ok(name in ecs[i]!, name);
    }
  }
});

test("in ECS an address that is hidden is not in a field of type ip", async () => {
  const redaction = buildRedaction({ ...settings, ip: "hmac", ipKey: "k".repeat(16) });
  const request = requestOf("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  const { lines } = await logged((log) => log.write(recordOf(), request, peer(), 1001), [], redaction, {
    format: "ecs",
  });
  assert.match(String(lines[0]!["client.address"]), /^hmac:/);
  assert.match(String(lines[0]!["source.address"]), /^hmac:/);
  assert.ok(!("client.ip" in lines[0]!) && !("source.ip" in lines[0]!));
});

test("a line says which part of its kind it stands for, and those that are left out are counted", async () => {
  const rule: SampleRule = { routes: undefined, decisions: ["allow"], statusClasses: [2], rate: 0.25 };
  const sampling = buildLogSampling([rule])!;
  const { lines, log } = await logged(
    (log) => {
      for (let i = 0; i < 400; i++) {
        const request = requestOf("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        log.write(recordOf({ status: 200 }), request, peer(), 1001);
        if (i < 10)
          log.write(recordOf({ status: 404, reason: reasons.routeNotFound }), request, peer(), 1001);
      }
    },
    [],
    byDefault,
    { sampling },
  );
  const sampled = lines.filter((line) => line["zion.sample_rate"] === 0.25);
  assert.equal(lines.length - sampled.length, 10);
  assert.equal(sampled.length + log.linesSampledOut, 400);
  assert.ok(sampled.length > 40 && sampled.length < 180, `${sampled.length}`);
});

const spelled = fc.constantFrom(
  "token",
  "TOKEN",
  "%74oken",
  "t%6Fken",
  "tokens",
  "toke",
  "%74%6f%6b%65%6e",
  "%2574oken",
);
const words = fc.oneof(
  spelled,
  fc.stringMatching(/^[a-z%+;=0-9.]{0,6}$/),
  fc.constantFrom("my+key", "my%20key", "a", ""),
);
const queries = fc
  .array(fc.tuple(words, fc.constantFrom("=", "=", "", ";", "&"), fc.stringMatching(/^[a-z=;%+0-9]{0,9}$/)))
  .map((pairs) => pairs.map((pair) => pair.join("")).join("&"));

test("a query has the values of no parameter that is to be hidden, however it is spelled", async () => {
  let redacted = 0;
  for (const hidden of [["token", "my key"], ["*"], []]) {
    const redaction = buildRedaction({ ...settings, queryParams: hidden });
    await fc.assert(
      fc.asyncProperty(fc.array(queries, { minLength: 20 }), async (cases) => {
        const expected: Line[] = [];
        const written = await logged(
          (log) => {
            for (const query of cases) {
              const request = requestOf(`GET /a?${query} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
              const record = recordOf({ status: 200 });
              if (request.refusal !== undefined) record.reason = request.refusal;
              log.write(record, request, peer(), 1001);
              expected.push(plainLine(record, request, 1001, hidden));
              const read = request.text(request.queryStart + 1, request.queryEnd);
              // Both logs hide the same.
              if (read.length <= 1024) assert.equal(redaction.query(read), plainQuery(read, hidden));
            }
          },
          [],
          redaction,
        );
        assert.deepEqual(written.lines, expected);
        redacted += written.text.split("<redacted:").length - 1;
      }),
      { numRuns: 30 },
    );
  }
  assert.ok(redacted > 1000, `${redacted} values`);
});

test("by default the values of parameters that carry credentials are hidden", async () => {
  const query = "page=2&access_token=eyJh.x&q=shoes&sig=abc;x=1&token=";
  const request = requestOf(`GET /a?${query} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
  const { lines } = await logged((log) => log.write(recordOf({ status: 200 }), request, peer(), 1001));
  assert.equal(lines[0]!["url.query"], "page=2&access_token=<redacted:6>&q=shoes&sig=<redacted:7>&token=");
});

test("included headers and addresses are hidden as [redact] says, on connections of before, too", async () => {
  const redaction = buildRedaction({ ...settings, headers: ["x-key"], ip: "truncate" });
  const request = requestOf("GET / HTTP/1.1\r\nHost: a.test\r\nX-Key: abc\r\nX-Note: x\r\n\r\n");
  const connection = peer();
  const write = (log: AccessLog): void => log.write(recordOf({ status: 200 }), request, connection, 1001);
  const before = await logged(write, ["x-key"]);
  assert.equal(before.lines[0]!["network.peer.address"], "198.51.100.1");
  const { lines } = await logged(write, ["x-key", "x-note"], redaction);
  assert.equal(lines[0]!["client.address"], "192.0.2.0/24");
  assert.equal(lines[0]!["network.peer.address"], "198.51.100.0/24");
  assert.equal(lines[0]!["http.request.header.x-key"], "<redacted:3>");
  assert.equal(lines[0]!["http.request.header.x-note"], "x");
});

test("a query of many short values leaves room for the rest of the line", async () => {
  const redaction = buildRedaction({ ...settings, queryParams: ["*"] });
  const agent = '"'.repeat(1024);
  const request = requestOf(
    `GET /${"p".repeat(1000)}?${"a&".repeat(200)} HTTP/1.1\r\nHost: a.test\r\nUser-Agent: ${agent}\r\n\r\n`,
  );
  const { lines } = await logged(
    (log) => log.write(recordOf({ status: 200 }), request, peer(), 1001),
    [],
    redaction,
  );
  assert.ok(lines[0]!["url.query"] === "<redacted:1>&".repeat(200));
  assert.equal(lines[0]!["user_agent.original"], agent);
});

test("hostile values stay one event each, in ASCII without control characters", async () => {
  assert.ok(hostile.length >= 40);
  const written = await logged(
    (log) => {
      for (const value of hostile) {
        const request = requestOf("GET / HTTP/1.1\r\nHost: a.test\r\nX-Note: x\r\nUser-Agent: y\r\n\r\n");
        for (let index = 1; index <= 2; index++) {
          // The head parser refuses most of these; the log must not depend on it.
          const bytes = Buffer.from(value, "latin1");
          request.reserve(bytes.length);
          request.arena.set(bytes, request.arenaEnd);
          request.fields[index * 6 + 2] = request.arenaEnd;
          request.fields[index * 6 + 3] = request.arenaEnd + bytes.length;
          request.arenaEnd += bytes.length;
        }
        log.write(recordOf({ status: 200 }), request, peer(), 1001);
      }
    },
    ["x-note"],
  );
  assert.equal(written.lines.length, hostile.length);
  assert.doesNotMatch(written.text, /[^\x20-\x7e\n]/);
  written.lines.forEach((line, i) => {
    assert.equal(line["user_agent.original"], hostile[i]!.slice(0, 1024));
    assert.equal(line["http.request.header.x-note"], hostile[i]!.slice(0, 1024));
    assert.equal(line["zion.decision"], "allow");
  });
});

test("lines that the sink cannot take are dropped and counted, never kept", () => {
  const log = openLog(path.join(folder, "slow.log"));
  const request = requestOf(`GET /?${"q".repeat(900)} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
  // No turn of the event loop: nothing can be written meanwhile.
  for (let i = 0; i < 5000; i++) log.write(recordOf({ status: 200 }), request, peer(), 1001);
  assert.ok(log.linesDropped > 3000, `${log.linesDropped} dropped`);
  log.close();
});

test("after a rotation lines go to the new file, and none is lost", async () => {
  const file = path.join(folder, "rotated.log");
  const log = openLog(file);
  const request = requestOf("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  log.write(recordOf({ status: 201 }), request, peer(), 1001);
  await log.flushed();
  renameSync(file, `${file}.1`);
  log.write(recordOf({ status: 202 }), request, peer(), 1001);
  log.reopen();
  log.write(recordOf({ status: 203 }), request, peer(), 1001);
  await log.flushed();
  log.close();
  const statuses = [`${file}.1`, file].flatMap((name) =>
    [...readFileSync(name, "utf8").matchAll(/"http.response.status_code":(\d+)/g)].map(([, code]) => code),
  );
  assert.deepEqual(statuses, ["201", "202", "203"]);
  assert.ok(readFileSync(file, "utf8").includes("203"));
});

test("a log that is closed writes what it holds, and to no other file", async () => {
  const file = path.join(folder, "closed.log");
  const log = openLog(file);
  const request = requestOf(`GET /?${"q".repeat(900)} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
  for (let i = 0; i < 300; i++) log.write(recordOf({ status: 200 }), request, peer(), 1001);
  log.close();
  // It gets the descriptor's number if that is free too early.
  const next = await logged((other) => other.write(recordOf({ status: 204 }), request, peer(), 1001));
  await log.flushed();
  assert.deepEqual(
    next.lines.map((line) => line["http.response.status_code"]),
    [204],
  );
  assert.equal(readFileSync(file, "utf8").split("\n").length - 1, 300);
});

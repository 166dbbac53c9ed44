import assert from "node:assert/strict";
import { test } from "node:test";
import { readAnswer } from "../../bench/load/client.ts";
import { compareSeen } from "../../bench/load/correctness.ts";
import { smallAnswer } from "../../bench/load/origin.ts";
import {
  getLarge,
  getSmall,
  postSmall,
  printRequest,
  type Traffic,
  uploadTraffic,
  wafGet,
  wafPostForm,
  wafPostJson,
} from "../../bench/load/traffic.ts";
import { attacks } from "../../bench/load/waf-check.ts";
import { type Seen, shortened } from "../../bench/load/witness.ts";
import { readAsHead } from "../support/head-reading.ts";

test("the benchmark sends what its tables say", () => {
  const get = printRequest(getSmall, "localhost:8443");
  assert.equal(get.split("\r\n").length - 3, 14, "fields");
  assert.ok(get.length >= 850 && get.length <= 950, `a head of ${get.length} B`);
  assert.equal(Buffer.byteLength(postSmall.body), 1024);
  assert.equal(typeof JSON.parse(postSmall.body), "object");
  assert.equal(Buffer.byteLength(smallAnswer), getSmall.answerBytes);
  assert.equal(typeof JSON.parse(smallAnswer), "object");
});

test("what a WAF is timed with has the size and the values that the tables say", () => {
  const get = printRequest(wafGet, "localhost:8443");
  assert.equal(get.split("\r\n").length - 3, 15, "fields");
  assert.equal([...new URL(wafGet.target, "http://x.test").searchParams].length, 3);
  for (const { body } of [wafPostJson, wafPostForm]) assert.equal(Buffer.byteLength(body), 1024);
  const form = [...new URLSearchParams(wafPostForm.body).values()];
  assert.equal(form.length, 20);
  assert.equal(leaves(JSON.parse(wafPostJson.body)), 20);
  const upload = uploadTraffic();
  assert.equal(Buffer.byteLength(upload.body), 10_000_000);
  assert.ok(leaves(JSON.parse(upload.body)) > 200_000);
  assert.deepEqual(upload.fields.at(-1), ["Content-Length", "10000000"]);
});

test("a long body is compared by its digest", () => {
  const body = "x".repeat(100_000);
  assert.equal(shortened(body.slice(0, 65_536)), body.slice(0, 65_536));
  assert.ok(shortened(body).length < 200);
  assert.notEqual(shortened(body), shortened(`${body.slice(1)}y`));
});

test("our head parser accepts every request of the benchmark", () => {
  const timed = [getSmall, getLarge, postSmall, wafGet, wafPostJson, wafPostForm];
  for (const traffic of [...timed, ...Object.values(attacks)]) {
    const reading = readAsHead(Buffer.from(printRequest(traffic, "localhost:8443"), "latin1"));
    assert.equal(reading.outcome, "accepted", traffic.target);
  }
});

test("the witness finds every way a request can arrive changed", () => {
  assert.deepEqual(compareSeen(postSmall, seen(), "localhost:1", false), []);
  const changes: readonly Partial<Seen>[] = [
    { method: "PUT" },
    { target: postSmall.target.split("?")[0]! },
    { body: postSmall.body.slice(1) },
    { fields: { ...seen().fields, cookie: "session=other" } },
    { fields: { ...seen().fields, "x-forwarded-for": "10.0.0.1, 127.0.0.1" } },
    { fields: { ...seen().fields, "x-forwarded-proto": "https" } },
    { fields: { ...seen().fields, "x-forwarded-host": "elsewhere" } },
  ];
  for (const change of changes) {
    const wrong = compareSeen(postSmall, { ...seen(), ...change }, "localhost:1", false);
    assert.equal(wrong.length, 1, JSON.stringify(change).slice(0, 80));
  }
});

test("an answer counts once its last byte is there", () => {
  const text = "HTTP/1.1 200 OK\r\nX-Origin: bench\r\nContent-Length: 5\r\n\r\nhello";
  for (let end = 0; end < text.length; end++) assert.equal(readAnswer(text.slice(0, end)), undefined);
  const answer = readAnswer(text);
  assert.equal(answer?.status, 200);
  assert.equal(answer?.fields.get("x-origin"), "bench");
  assert.equal(answer?.body, "hello");
  assert.equal(readAnswer("HTTP/1.1 200 OK\r\n\r\nhello"), undefined, "no length, no end");
});

/** Strings, numbers, booleans and nulls in a value. */
function leaves(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((sum, one) => sum + leaves(one), 0);
}

function seen(traffic: Traffic = postSmall): Seen {
  const forwarded = {
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "http",
    "x-forwarded-host": "localhost:1",
  };
  const own = Object.fromEntries(traffic.fields.map(([name, value]) => [name.toLowerCase(), value]));
  return {
    method: traffic.method,
    target: traffic.target,
    body: traffic.body,
    fields: { ...own, ...forwarded },
  };
}

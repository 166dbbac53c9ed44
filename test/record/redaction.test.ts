import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { buildRedaction, credentialParams, type RedactSettings } from "../../src/record/redaction.ts";

const nothing: RedactSettings = { headers: [], queryParams: [], jsonFields: [], ip: "full", ipKey: "" };

test("values of listed query parameters are taken out, whatever their spelling", () => {
  const { query } = buildRedaction({ ...nothing, queryParams: ["token"] });
  assert.equal(
    query("a=1&token=secret&TOKEN=x&%74oken=yz&tokens=2"),
    "a=1&token=<redacted:6>&TOKEN=<redacted:1>&%74oken=<redacted:2>&tokens=2",
  );
  assert.equal(query("%zz=1&token"), "%zz=1&token");
});

test("with * no value stays, and what has no name is a value", () => {
  const { query } = buildRedaction({ ...nothing, queryParams: ["*"] });
  assert.equal(query("a=1&secret&b=a=b"), "a=<redacted:1>&<redacted:6>&b=<redacted:3>");
});

test("a long query is cut before it is sealed", () => {
  const { query } = buildRedaction(nothing);
  assert.equal(query("x".repeat(2000)), `${"x".repeat(1024)}<cut:976>`);
});

test("addresses are whole, a prefix, or a keyed hash", () => {
  assert.equal(buildRedaction(nothing).address("203.0.113.9"), "203.0.113.9");
  const { address: prefix } = buildRedaction({ ...nothing, ip: "truncate" });
  assert.deepEqual(["203.0.113.9", "2001:db8:aaaa:bbbb::1", "x"].map(prefix), [
    "203.0.113.0/24",
    "2001:db8:aaaa::/48",
    "",
  ]);
  const hashed = (ipKey: string) => buildRedaction({ ...nothing, ip: "hmac", ipKey }).address("203.0.113.9");
  assert.match(hashed("k".repeat(16)), /^hmac:[0-9a-f]{16}$/);
  assert.notEqual(hashed("k".repeat(16)), hashed("l".repeat(16)));
});

test("listed headers and fields are taken out at any depth", () => {
  const redaction = buildRedaction({ ...nothing, headers: ["x-key"], jsonFields: ["password"] });
  assert.ok(redaction.hidesHeader("X-Key"));
  assert.ok(!redaction.hidesHeader("X-Other"));
  assert.deepEqual(redaction.data({ a: [{ password: "hunter2", b: 1 }], password: { c: 1 } }), {
    a: [{ password: "<redacted:7>", b: 1 }],
    password: "<redacted:7>",
  });
});

test("the parameters that are hidden by default are those that logs.md names", () => {
  const page = readFileSync(new URL("../../docs/operating/logs.md", import.meta.url), "utf8");
  const [, list = ""] = /Without `query_params`[^:]*:([^"]*?)`query_params = /.exec(page) ?? [];
  assert.deepEqual(
    [...list.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    credentialParams,
  );
});

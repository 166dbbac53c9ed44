import assert from "node:assert/strict";
import { test } from "node:test";
import { anonymise } from "../../src/cli/support-dump.ts";

const key = new Uint8Array(32);

test("a certificate cannot be found by its fingerprint or serial number", () => {
  const sha256 = "ab".repeat(32);
  for (const serial of ["0A12", "123456789"]) {
    const certificate = { key: "ecdsa-p256", sha256, serial, not_after: "2030-01-01T00:00:00.000Z" };
    const shown = anonymise({ certificates: [certificate] }, key);
    const text = JSON.stringify(shown);
    assert.ok(!text.includes(sha256) && !text.includes(serial), text);
    assert.ok(text.includes("ecdsa-p256"));
  }
});

test("what was equal stays equal, and names are no keys of tables", () => {
  const shown = anonymise({ a: "shop", b: "shop", request_ms_by_route: { shop: { p50: 1 } } }, key) as {
    readonly a: string;
    readonly b: string;
    readonly request_ms_by_route: object;
  };
  assert.equal(shown.a, shown.b);
  assert.deepEqual(Object.keys(shown.request_ms_by_route), [shown.a]);
});

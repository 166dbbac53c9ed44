import assert from "node:assert/strict";
import { test } from "node:test";
import { editDestination, type SentAddress } from "../../src/http/destination.ts";
import { CanonicalRequest, FIELD_SLOTS, FORWARD, VALUE_END, VALUE_START } from "../../src/http/request.ts";
import type { TargetEdit } from "../../src/http/target-edit.ts";
import { reasons } from "../../src/reason.ts";
import { readAsHead } from "../support/head-reading.ts";

interface Asked {
  readonly method?: string;
  readonly host?: string;
  readonly secure?: boolean;
  readonly edit?: TargetEdit;
  readonly address?: SentAddress;
}

/** What the upstream gets for these. */
function sent(
  destinations: readonly string[],
  {
    method = "COPY",
    host = "dav.test",
    secure = true,
    edit,
    address = { secure: false, host: "" },
  }: Asked = {},
): readonly string[] | string {
  const request = new CanonicalRequest();
  request.secure = secure;
  const lines = destinations.map((one) => `destination: ${one}\r\n`).join("");
  readAsHead(
    Buffer.from(`${method} /a HTTP/1.1\r\nHost: ${host}\r\n${lines}A: b\r\n\r\n`, "latin1"),
    request,
  );
  assert.equal(request.refusal, undefined);
  const refusal = editDestination(request, edit, address);
  if (refusal !== undefined) return refusal.code;
  const left: string[] = [];
  for (let at = 0; at < request.fieldCount; at++) {
    const slot = at * FIELD_SLOTS;
    const start = request.fields[slot]!;
    if (request.fields[slot + FORWARD] === 0 || !/^destination:/i.test(request.text(start, start + 12)))
      continue;
    left.push(request.text(request.fields[slot + VALUE_START]!, request.fields[slot + VALUE_END]!));
  }
  return left;
}

const prefixed: TargetEdit = { stripPrefix: "/dav", replace: undefined, addPrefix: "/x", query: undefined };

test("a destination on the server that the request came to names the upstream's, as it is asked", () => {
  assert.deepEqual(sent(["https://dav.test/a/b%20c"]), ["http://dav.test/a/b%20c"]);
  assert.deepEqual(sent(["HTTPS://DAV.test:443/%7Eb"], { method: "MOVE" }), ["http://DAV.test:443/~b"]);
  assert.deepEqual(sent(["https://dav.test/b"], { host: "dav.test:443" }), ["http://dav.test/b"]);
  const plain = { secure: false, host: "dav.test:8080" };
  const address = { secure: true, host: "10.0.0.1:8443" };
  assert.deepEqual(sent(["http://dav.test:8080/b"], { ...plain, address }), ["https://10.0.0.1:8443/b"]);
  assert.deepEqual(sent(["http://[::1]/b"], { secure: false, host: "[::1]" }), ["http://[::1]/b"]);
  assert.deepEqual(sent(["https://dav.test//evil.test/b"]), ["http://dav.test/evil.test/b"]);
});

test("its path becomes what the target would have become", () => {
  assert.deepEqual(sent(["https://dav.test/dav/b"], { edit: prefixed }), ["http://dav.test/x/b"]);
  assert.equal(sent(["https://dav.test/a%2500"], { edit: prefixed }), reasons.rewrittenTarget.code);
});

test("what names another server, or cannot be read, stays", () => {
  for (const one of [
    "http://dav.test/b",
    "https://other.test/b",
    "https://dav.test:8443/b",
    "https://me@dav.test/b",
    "https://dav.test",
    "https://dav.test/b?c",
    "https://dav.test/b#c",
    "ftp://dav.test/b",
    "b",
    "/b",
    "*",
  ])
    assert.deepEqual(sent([one]), [one]);
  assert.deepEqual(sent(["/b", "/c"]), ["/b", "/c"]);
  assert.deepEqual(sent([]), []);
});

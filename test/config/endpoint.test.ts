import assert from "node:assert/strict";
import { test } from "node:test";
import { readEndpoint } from "../../src/config/endpoint.ts";

test("reads what an upstream member can be", () => {
  const where = (text: string): unknown => {
    const reading = readEndpoint(text);
    if (!("value" in reading)) return reading.problem;
    const { scheme, host, port, socketPath } = reading.value;
    return `${scheme} ${host} ${port} ${socketPath}`.trimEnd();
  };
  assert.equal(where("http://10.0.0.5:8080"), "http 10.0.0.5 8080");
  assert.equal(where("HTTPS://App.internal/"), "https app.internal 443");
  assert.equal(where("http://[2001:DB8::0:1]"), "http 2001:db8::1 80");
  assert.equal(where("unix:/run/app.sock"), "http  0 /run/app.sock");
});

const refused: readonly (readonly [text: string, suggestion: string | undefined])[] = [
  ["10.0.0.5:8080", "http://10.0.0.5:8080"],
  ["app", "http://app"],
  ["http://user:pass@a:1/x", "http://a:1"],
  ["http://a/api", "http://a"],
  ["http://a?x", "http://a"],
  ["http://a#x", "http://a"],
  ["http://a:0", undefined],
  ["http://a:65536", undefined],
  ["http://a:", undefined],
  ["http://", undefined],
  ["file:///etc/passwd", undefined],
  ["gopher://a", undefined],
  ["http://169.254.169.254", undefined],
  ["http://[fd00:ec2::254]", undefined],
  ["http://metadata.google.internal", undefined],
  ["http://0x7f.1", "http://127.0.0.1:80"],
  ["http://2130706433", undefined],
  ["http://h10.0.1.10", undefined],
  ["http://a b", undefined],
  ["http://[::1", undefined],
  ["http://a:1:2", undefined],
  ["unix:run/app.sock", "unix:/run/app.sock"],
  ["unix:///run/app.sock", "unix:/run/app.sock"],
  [`unix:/${"x".repeat(107)}`, undefined],
  ["unix:", undefined],
  ["", undefined],
];

for (const [text, suggestion] of refused) {
  test(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    const reading = readEndpoint(text);
    assert.ok("problem" in reading);
    assert.equal(reading.suggestion, suggestion);
    if (suggestion !== undefined) assert.ok("value" in readEndpoint(suggestion));
  });
}

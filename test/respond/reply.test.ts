import assert from "node:assert/strict";
import { test } from "node:test";
import { CanonicalRequest } from "../../src/http/request.ts";
import { ResponseHead } from "../../src/http/response-head.ts";
import { isTemplateProblem, parseTemplate } from "../../src/http/template.ts";
import { replyHead } from "../../src/respond/reply.ts";

/** Location of a redirect to `to` of a request without Host, or why there is none that could be sent. */
function location(to: string, path: string, query = ""): string | undefined {
  const template = parseTemplate(to);
  assert.ok(!isTemplateProblem(template));
  const request = new CanonicalRequest(path.length + query.length);
  request.arenaEnd = request.arena.latin1Write(path + query);
  request.pathStart = 0;
  request.pathEnd = request.queryStart = path.length;
  request.queryEnd = request.arenaEnd;
  const reply = { status: 302, location: template, contentType: "", body: Buffer.alloc(0) };
  const head = replyHead(reply, request, { route: "app", params: new Map() });
  return head instanceof ResponseHead
    ? /^Location: (.*)\r$/m.exec(head.source.toString("latin1"))![1]
    : head.code;
}

test("no fact makes the path of a redirect look like a host", () => {
  assert.equal(location("/{uri}", "/evil.test", "?a"), "/evil.test?a");
  assert.equal(location("/{query}", "/x", "?/evil.test"), "/evil.test");
  assert.equal(location("{path}{query}", "/", "?//evil.test"), "/evil.test");
  assert.equal(location("/{query}", "/x", "?\\evil.test"), "/%5Cevil.test");
  assert.equal(location("https://a.test/{uri}", "/b", ""), "https://a.test//b");
});

test("a request without Host is sent to no host that its path could name", () => {
  assert.equal(location("https://{host}{uri}", "/evil.test/a"), "host");
  assert.equal(location("https://{host}:8443/{query}", "/a"), "host");
});

test("a redirect that would be longer than clients read is none", () => {
  // Escaped, each of these bytes is three.
  assert.equal(location("/{query}", "/x", `?${"|".repeat(20_000)}`), "uri_len");
  assert.equal(location("/{query}", "/x", `?${"|".repeat(5000)}`)?.length, 15_001);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type FtwStage, readFtwFile } from "../../src/explain/ftw-file.ts";
import { WishProblem } from "../../src/explain/wish.ts";

/** One test of one stage, with these lines in its input and output. */
function stage(input: readonly string[], output: readonly string[] = []): FtwStage {
  const lines = ["rule_id: 942100", "tests:", "  - test_id: 7", "    stages:", "      - input:"];
  lines.push("          dest_addr: 127.0.0.1", ...input.map((line) => `          ${line}`));
  if (output.length > 0) lines.push("        output:", ...output.map((line) => `          ${line}`));
  return readFtwFile(lines.join("\n"))[0]!;
}

const bytesOf = ({ asked }: FtwStage): string =>
  asked.kind === "request" ? Buffer.from(asked.bytes).toString("latin1") : `lost: ${asked.why}`;

test("a stage is printed as go-ftw sends it", () => {
  const get = stage(["headers:", "  Host: localhost", '  Accept: "*/*"', 'uri: "/?a=%00"']);
  assert.equal(get.id, "942100-7");
  assert.equal(
    bytesOf(get),
    "GET /?a=%00 HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\n\r\n",
  );
  const post = stage(["method: POST", 'data: "a=1 or 1"', "protocol: https"]);
  assert.equal(
    bytesOf(post),
    "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\nConnection: close\r\n\r\na=1+or+1",
  );
  assert.equal(post.asked.kind === "request" && post.asked.secure, true);
  const json = stage(["method: POST", "headers:", "  Content-Type: application/json", `data: '{"a":"ü"}'`]);
  assert.match(bytesOf(json), /Content-Length: 10\r\n/);
});

test("what is to be sent broken is not repaired", () => {
  const bare = ["method: POST", "version: HTTP/1.0", "autocomplete_headers: false", "data: abc"];
  assert.equal(bytesOf(stage(bare)), "POST / HTTP/1.0\r\n\r\nabc");
  const encoded = Buffer.from("GET /\r\n\r\n").toString("base64");
  assert.equal(bytesOf(stage([`encoded_request: ${encoded}`])), "GET /\r\n\r\n");
  assert.equal(
    bytesOf(stage(["stop_magic: true", "headers:", "  Content-Length: 3", "data: abcd"])),
    "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcd",
  );
});

test("a rule that is to fire is to refuse, one that is not to fire is to let pass", () => {
  const expectations: readonly [readonly string[], boolean | undefined][] = [
    [["log:", "  expect_ids: [942100]"], false],
    [["log:", "  expect_ids:", "    - 942100", "  no_expect_ids: [1]"], false],
    [["log:", "  no_expect_ids: [942100]"], true],
    [["log_contains: 'id \"942100\"'"], false],
    [["no_log_contains: 'id \"942100\"'"], true],
    [["status: 403"], false],
    [["status: [200, 404]"], undefined],
    [["status: 200"], true],
    [["expect_error: true"], false],
    [["retry_once: true"], undefined],
    [[], undefined],
  ];
  for (const [output, isAllowed] of expectations)
    assert.equal(stage(["uri: /"], output).isAllowed, isAllowed, output.join(" "));
});

test("what one request does not decide is said to be undecidable, with the reason", () => {
  assert.match(bytesOf(stage(["follow_redirect: true"])), /^lost: a test with follow_redirect/);
  assert.match(bytesOf(stage(["save_cookie: true"])), /^lost: a test with save_cookie/);
  assert.doesNotMatch(bytesOf(stage(["save_cookie: false"])), /^lost/);
  const answers = ["log:", "  expect_ids: [951100]"];
  assert.match(bytesOf(stage(["uri: /reflect"], answers)), /^lost: a test of what an upstream answers/);
});

test("stages are asked about one by one, also in the older form", () => {
  const text = `---
tests:
  - test_title: 920100-1
    stages:
      - stage:
          input: {uri: /one}
          output: {status: 200}
      - stage:
          input: {uri: /two}
`;
  assert.deepEqual(
    readFtwFile(text).map((one) => [one.id, bytesOf(one).split(" ")[1], one.isAllowed]),
    [
      ["920100-1 stage 1", "/one", true],
      ["920100-1 stage 2", "/two", undefined],
    ],
  );
});

test("what is no file of tests is named with its line, whatever stands in it", () => {
  const problem = (text: string): string => {
    try {
      readFtwFile(text);
    } catch (error) {
      assert.ok(error instanceof WishProblem);
      return error.message;
    }
    return "none";
  };
  assert.match(problem("a: [1"), /^line \d+: /);
  assert.match(problem("services: {}"), /has none/);
  assert.match(
    problem("tests:\n  - test_id: 1\n    stages:\n      - output: {}\n"),
    /^line 4: a stage without/,
  );
  fc.assert(
    fc.property(fc.string(), fc.json(), (text, json) => {
      problem(text);
      problem(`tests: [{stages: [{input: ${json}, output: ${json}}]}]`);
    }),
  );
});

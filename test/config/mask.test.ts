import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isSecretName, linesForUpstreams, linesInsideStrings, maskLine } from "../../src/config/mask.ts";

const masked: readonly (readonly [line: string, shown: string])[] = [
  ['secret = "abc"', 'secret = "…"'],
  ["ip_hmac_key='abc' # why", 'ip_hmac_key="…" # why'],
  ['"api_key" = "a\\"b"', '"api_key" = "…"'],
  ['key = "abc" def', 'key = "…"'],
  ['key = "abc', 'key = "…"'],
  ["key = abc", 'key = "…"'],
  ['keys = ["abc", "def"]', 'keys = "…"'],
  ['key = ["adress", "path:id"]', 'key = ["adress", "path:id"]'],
  ['secret = """abc', 'secret = "…"'],
  ["secret abc", "secret …"],
  ["secret: abc", "secret …"],
  ['x = { url = "http://h", password = "abc", y = 1 }', 'x = { url = "http://h", password = "…", y = 1 }'],
  ['auth.token = "abc"', 'auth.token = "…"'],
  ['url = "https://user:abc@host/x"', 'url = "https://…@host/x"'],
  ['url = "https://user:a/b@c#@host/x"', 'url = "https://…@host/x"'],
  ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "…"],
  ["-----BEGIN PRIVATE KEY-----", "…"],
  ['key_path = "a.key"', 'key_path = "a.key"'],
  ['secret_env = "NAME"', 'secret_env = "NAME"'],
  ['secret_env = "the-secret-itself"', 'secret_env = "…"'],
  ['hash_key = "path"', 'hash_key = "path"'],
  ["keepalive = 1", "keepalive = 1"],
  ['Authorization = "Bearer abc"', 'Authorization = "…"'],
  ['request_headers.set.X-Who = "abc"', 'request_headers.set.X-Who = "…"'],
  ['request_headers = { set = { X-Who = "abc" } }', 'request_headers = "…"'],
];

for (const [line, shown] of masked) {
  test(`shows ${JSON.stringify(line)} as ${JSON.stringify(shown)}`, () => {
    assert.equal(maskLine(line).text, shown);
  });
}

test("columns before, in and after a masked value map to where they are shown", () => {
  const { map } = maskLine('a = 1, key = "abcdef", b = 2');
  assert.equal(map(4), 4);
  assert.equal(map(13), 13);
  assert.equal(map(16), 13);
  assert.equal(map(21), 16);
  assert.equal(map(23), 18);
});

test("no value of a secret is ever shown, whatever it holds", () => {
  const value = fc
    .stringMatching(/^[ -~]{6,30}$/)
    .map((text) => `${text.replace(/[^a-zA-Z0-9]/g, "~")}SECRET`);
  fc.assert(
    fc.property(
      fc.constantFrom("secret", "password", "api_key", "token", "private", "x.hmac"),
      value,
      fc.constantFrom('"', "'", ""),
      (name, text, quote) => {
        assert.ok(!maskLine(`${name} = ${quote}${text}${quote}`).text.includes("SECRET"));
        assert.ok(!maskLine(`${name} = ${quote}${text}`).text.includes("SECRET"));
      },
    ),
  );
});

test("knows lines that begin inside a multi-line string", () => {
  assert.deepEqual(
    [...linesInsideStrings(['a = """x', "y", 'z"""', "b = 1", "c = '''", '"""', "'''"])],
    [2, 3, 6, 7],
  );
});

test("names of files, variables and settings are no secrets", () => {
  assert.deepEqual(
    ["client_key_path", "write_token_env", "keepalive_timeout_ms", "session_tickets", "hash_key"].filter(
      (name) => isSecretName(name),
    ),
    [],
  );
  assert.deepEqual(
    ["key", "ip_hmac_key", "SECRET", "clientSecret", "passwd"].filter((name) => !isSecretName(name)),
    [],
  );
});

test("values in tables of what only upstreams get are masked, whatever their names; facts of the request are not", () => {
  const lines = [
    "[route.request_headers.set]",
    'X-Who = "abc"',
    'X-Ip = "{client_ip}"',
    "[route.waf]",
    'profile = "abc"',
  ];
  const found = linesForUpstreams(lines);
  assert.deepEqual([...found], [2, 3]);
  assert.deepEqual(
    lines.map((line, i) => maskLine(line, found.has(i + 1)).text),
    [lines[0], 'X-Who = "…"', lines[2], lines[3], lines[4]],
  );
});

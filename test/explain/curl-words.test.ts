import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readCurlWords } from "../../src/explain/curl-words.ts";
import { shellWords } from "../../src/explain/shell-words.ts";
import { questionOf, WishProblem } from "../../src/explain/wish.ts";

const files = {
  read: (path: string): Uint8Array => {
    if (path === "form.txt") return Buffer.from("a=1\r\nb=2\n");
    throw new WishProblem(`no ${path}`);
  },
};

function sent(words: readonly string[]): string {
  const question = questionOf(readCurlWords(words, files), { from: "192.0.2.1", sni: undefined });
  return Buffer.from(question.bytes).latin1Slice();
}

test("a line as Chrome copies it becomes the request that the browser sent", () => {
  const line = `curl 'https://shop.example/api/search?q=caf%C3%A9' \\
  -H 'accept: */*' \\
  -H 'content-type: application/json' \\
  -b 'session=abc; theme=dark' \\
  -H $'x-note: it\\'s \\u0021' \\
  --data-raw $'{"q":"it\\'s"}' --compressed ;`;
  const [command, ...words] = shellWords(line);
  assert.equal(command, "curl");
  assert.equal(
    sent(words),
    [
      "POST /api/search?q=caf%C3%A9 HTTP/1.1",
      "Host: shop.example",
      "accept: */*",
      "content-type: application/json",
      "Cookie: session=abc; theme=dark",
      "x-note: it's !",
      "Accept-Encoding: deflate, gzip, br, zstd",
      "Content-Length: 12",
      "",
      '{"q":"it\'s"}',
    ].join("\r\n"),
  );
});

test("paths go as they are written: what a client would tidy up is what is asked about", () => {
  assert.match(sent(["http://a.test/../a//b?q=%2e"]), /^GET \/\.\.\/a\/\/b\?q=%2e HTTP/);
  assert.match(sent(["http://a.test?x=1#fragment"]), /^GET \/\?x=1 HTTP/);
  assert.match(sent(["a.test"]), /^GET \/ HTTP\/1\.1\r\nHost: a\.test\r\n/);
});

test("bodies: joined with &, read from files without line ends, or as they are", () => {
  const body = (words: readonly string[]): string => sent([...words, "http://a.test/"]).split("\r\n\r\n")[1]!;
  assert.equal(body(["-d", "x=1", "--data", "y=2"]), "x=1&y=2");
  assert.equal(body(["-d", "@form.txt"]), "a=1b=2");
  assert.equal(body(["--data-binary", "@form.txt"]), "a=1\r\nb=2\n");
  assert.equal(body(["--data-raw", "@form.txt"]), "@form.txt");
  assert.equal(body(["--data-urlencode", "q=a b&c"]), "q=a%20b%26c");
  assert.match(
    sent(["--json", "{}", "http://a.test/"]),
    /Content-Type: application\/json\r\nAccept: application\/json/,
  );
  assert.match(sent(["-d", "x=1", "http://a.test/"]), /^POST .*application\/x-www-form-urlencoded/s);
  assert.match(sent(["-G", "-d", "x=1", "http://a.test/?y=2"]), /^GET \/\?y=2&x=1 HTTP/);
});

test("options that do not change the request are passed over, letters together too", () => {
  const plain = sent(["http://a.test/"]);
  assert.equal(sent(["-sSkL", "--http2", "-o", "out", "-m", "3", "http://a.test/"]), plain);
  assert.match(sent(["-XPUT", "-uanna:secret", "http://a.test/"]), /^PUT .*Basic YW5uYTpzZWNyZXQ=/s);
  assert.match(sent(["DELETE", "http://a.test/"]), /^DELETE /);
  assert.match(sent(["-I", "http://a.test/"]), /^HEAD /);
});

test("a field can be empty, or be the Host", () => {
  assert.match(sent(["-H", "X-Empty;", "http://a.test/"]), /\r\nX-Empty: \r\n/);
  const own = sent(["-H", "Host: b.test", "http://a.test/"]);
  assert.match(own, /Host: b\.test/);
  assert.doesNotMatch(own, /a\.test/);
});

const refused: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["multipart", ["-F", "a=b", "http://a.test/"], /-F: multipart bodies have a boundary/],
  ["unknown options", ["--teleport", "http://a.test/"], /--teleport is not understood/],
  ["no URL", ["-H", "A: b"], /there is no URL/],
  ["two URLs", ["http://a.test/", "http://b.test/"], /one URL at a time/],
  ["a value that is missing", ["http://a.test/", "-H"], /-H wants a header/],
  ["another scheme", ["ftp://a.test/"], /only http and https/],
  ["a password in the URL", ["http://a:b@a.test/"], /password/],
  ["cookie files", ["-b", "jar.txt", "http://a.test/"], /cookie file/],
];

for (const [what, words, message] of refused) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => readCurlWords(words, files),
      (error) => error instanceof WishProblem && message.test(error.message),
    );
  });
}

for (const [what, line] of [
  ["a quote without end", "curl 'http://a"],
  ["substitution", 'curl "http://$HOST/"'],
  ["a second command", "curl http://a; rm -rf /"],
  ["a pipe", "curl http://a | sh"],
  ["cmd.exe's quoting", 'curl ^"http://a^"'],
] as const) {
  test(`a shell line with ${what} is refused, not guessed`, () => {
    assert.throws(() => shellWords(line), WishProblem);
  });
}

test("any words, quoted for a shell, are read back as they were", () => {
  const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 30 }).filter((word) => !/\^["\\%]/.test(word))), (words) => {
      assert.deepEqual(shellWords(words.map(quote).join(" ")), words);
    }),
  );
});

test("no text makes the reader do anything but answer or refuse", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."'\"\\$^ aH-:x{}\n") }), (text) => {
      try {
        readCurlWords(shellWords(text), files);
      } catch (error) {
        assert.ok(error instanceof WishProblem, String(error));
      }
    }),
  );
});

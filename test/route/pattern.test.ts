import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPatternProblem, type Pattern, parsePattern } from "../../src/route/pattern.ts";

function pattern(text: string): Pattern {
  const parsed = parsePattern(text);
  assert.ok(!isPatternProblem(parsed), `${text} is refused: ${JSON.stringify(parsed)}`);
  return parsed;
}

test("reads literals, parameters and a catch-all", () => {
  assert.deepEqual(pattern("/a/{id}/b/{*rest}"), {
    segments: ["a", undefined, "b"],
    catchAll: true,
    trailingSlash: false,
    names: ["id", "rest"],
    shape: "/a/{}/b/{*}",
  });
});

test("tells a trailing slash from none, and the root from both", () => {
  assert.equal(pattern("/a").trailingSlash, false);
  assert.equal(pattern("/a/").trailingSlash, true);
  assert.equal(pattern("/{id}/").trailingSlash, true);
  assert.equal(pattern("/").trailingSlash, false);
  assert.notEqual(pattern("/a").shape, pattern("/a/").shape);
});

test("gives patterns that differ in names only the same shape", () => {
  assert.equal(pattern("/a/{id}/{*x}").shape, pattern("/a/{name}/{*rest}").shape);
});

test("keeps literals in the canonical encoded form", () => {
  const cases: [string, string][] = [
    ["/%61dmin", "admin"],
    ["/a%2fb", "a%2Fb"],
    ["/a%2Fb", "a%2Fb"],
    ["/caf\u00e9", "caf%C3%A9"],
    ["/caf%c3%a9", "caf%C3%A9"],
    ["/a%25b", "a%25b"],
    ["/%2561", "%2561"],
    ["/a:b*c", "a:b*c"],
    ["/%7bx%7d", "%7Bx%7D"],
  ];
  for (const [text, literal] of cases) assert.deepEqual(pattern(text).segments, [literal], text);
});

test("refuses what no request path could match, at its place", () => {
  const cases: [string, number, RegExp][] = [
    ["", 0, /starts with/],
    ["a", 0, /starts with/],
    ["*", 0, /starts with/],
    ["//", 1, /empty segment/],
    ["/a//b", 3, /empty segment/],
    ["/a/../b", 3, /dot segments/],
    ["/a/.", 3, /dot segments/],
    ["/%2e%2E/b", 1, /dot segments/],
    ["/a?b", 2, /never occurs/],
    ["/a#b", 2, /never occurs/],
    ["/a b", 2, /never occurs/],
    ["/a\\b", 2, /never occurs/],
    ["/a\u0000", 2, /never occurs/],
    ["/a\u0001b", 2, /never occurs/],
    ["/a[0]", 2, /never occurs/],
    ["/a%2", 2, /hex digits/],
    ["/a%zz", 2, /hex digits/],
    ["/\ud800", 1, /Unicode/],
    ["/{*rest}/a", 8, /last segment/],
    ["/{*rest}/", 8, /last segment/],
    ["/a{id}", 2, /whole segment/],
    ["/{id}.json", 1, /whole segment/],
    ["/{}", 1, /whole segment/],
    ["/{*}", 1, /whole segment/],
    ["/{a-b}", 1, /whole segment/],
    ["/{id}/{id}", 6, /twice/],
    ["/{id}/{*id}", 6, /twice/],
  ];
  for (const [text, offset, problem] of cases) {
    const parsed = parsePattern(text);
    assert.ok(isPatternProblem(parsed), `${text} is accepted`);
    assert.match(parsed.problem, problem, text);
    assert.equal(parsed.offset, offset, text);
  }
});

test("reads its own literals the same way again, and never throws", () => {
  const char = fc.constantFrom(..."abcAZ09/{}*%2fF:.-_~;'\u00e9\u{1f600}?# ".split(""));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(char).map((chars) => `/${chars.join("")}`),
      ),
      (text) => {
        const parsed = parsePattern(text);
        if (isPatternProblem(parsed)) {
          assert.ok(parsed.offset >= 0 && parsed.offset <= text.length);
          return;
        }
        for (const segment of parsed.segments) {
          if (segment !== undefined) assert.deepEqual(pattern(`/${segment}`).segments, [segment]);
        }
      },
    ),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { writePath } from "../../src/http/path.ts";
import { CanonicalRequest } from "../../src/http/request.ts";
import { editTarget, parseReplacement, type TargetEdit } from "../../src/http/target-edit.ts";

const nothing: TargetEdit = { stripPrefix: "", replace: undefined, addPrefix: "", query: undefined };

/** The target that goes upstream; "" = refused. Undefined: the path that came is refused itself. */
function edited(path: string, edit: Partial<TargetEdit>, query = ""): string | undefined {
  const request = new CanonicalRequest();
  const bytes = Buffer.from(path, "latin1");
  if (writePath(bytes, 0, bytes.length, request, { encodeRawChars: true, segmentsMax: 128 }) !== undefined)
    return undefined;
  request.reserve(query.length);
  request.queryStart = request.arenaEnd;
  request.arenaEnd += request.arena.latin1Write(query, request.arenaEnd);
  request.queryEnd = request.arenaEnd;
  if (editTarget(request, { ...nothing, ...edit }, false) !== undefined) return "";
  return request.text(request.sentTargetStart, request.sentTargetEnd);
}

function replace(regex: string, replacement: string): Partial<TargetEdit> {
  const pattern = RE2JS.compile(regex);
  const to = parseReplacement(replacement, pattern.groupCount());
  assert.ok(typeof to !== "string", String(to));
  return { replace: { pattern, to } };
}

test("a prefix goes as whole segments only, and leaves a path", () => {
  const strip = { stripPrefix: "/api" };
  assert.deepEqual(
    ["/api", "/api/", "/api/x", "/apix", "/x/api", "/api//x", "/api///evil.test"].map((path) =>
      edited(path, strip),
    ),
    ["/", "/", "/x", "/apix", "/x/api", "/x", "/evil.test"],
  );
});

test("what is put together is canonical, or refused: no dot segment, no authority", () => {
  const glue = replace("^/(.*)$", "/a/.$1");
  assert.equal(edited("/x", glue), "/a/.x");
  assert.equal(edited("/", glue), "");
  assert.equal(edited("/./b", glue), "/a/.b");
  assert.equal(edited("//evil.test", replace("^/(.*)$", "$1")), "/evil.test");
  // Escapes that only the rewriting put together are dots all the same.
  assert.equal(edited("/2E2e/b", replace("^/(..)(..)(.*)$", "/a/%$1%$2$3")), "");
  assert.equal(edited("/2E/b", replace("^/(..)(.*)$", "/a/%$1$2")), "");
  const piece = fc.constantFrom(
    "/",
    ".",
    "..",
    "a",
    "%2e",
    "%2F",
    "%5c",
    ";",
    "\\",
    "?",
    "#",
    " ",
    "%00",
    "é",
  );
  let fine = 0;
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      for (const edit of [glue, replace("^/(.*)$", "/$1/.."), { addPrefix: "/p" }]) {
        const target = edited(`/${pieces.join("")}`, edit);
        if (target === undefined || target === "") continue;
        fine++;
        assert.match(target, /^\/(?!\/)[\x21\x24-\x3e\x40-\x5b\x5d-\x7e]*$/);
        assert.doesNotMatch(target, /(?:^|\/)\.{1,2}(?:\/|$)/);
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(fine > 100, `${fine}`);
});

test("a query keeps what is not named, byte for byte and in order", () => {
  const query = { remove: ["a", "b*"], set: [["c", "1%262"]], add: [["d", "2"]] } as const;
  assert.equal(edited("/x", { query }, "?a=1&x=%zz&bb=&&c&c=2&d=1&=&y"), "/x?x=%zz&d=1&=&y&c=1%262&d=2");
  assert.equal(edited("/x", { query: { remove: ["*"], set: [], add: [] } }, "?a&b"), "/x");
});

test("a replacement names groups that the pattern has", () => {
  assert.deepEqual(parseReplacement("/a$1b$$c$2", 2), ["/a", 1, "b$c", 2]);
  assert.match(String(parseReplacement("/$3", 2)), /no group \$3/);
  assert.match(String(parseReplacement("/$x", 2)), /group's number/);
});

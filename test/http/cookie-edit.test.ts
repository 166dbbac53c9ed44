import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { removeCookie } from "../../src/http/cookie-edit.ts";
import { readHead } from "../../src/http/head.ts";
import { CanonicalRequest, FIELD_SLOTS, FORWARD, NAME_START, VALUE_END } from "../../src/http/request.ts";

const limits = {
  headBytesMax: 16_384,
  fieldsMax: 100,
  valueBytesMax: 8192,
  targetBytesMax: 8192,
  queryParamsMax: 100,
  path: { encodeRawChars: false, segmentsMax: 64 },
};

/** Cookie lines that go upstream. */
function left(cookies: readonly string[], name: string): readonly string[] {
  const head = Buffer.from(
    `GET / HTTP/1.1\r\nHost: a.test\r\n${cookies.map((value) => `Cookie: ${value}\r\n`).join("")}X-After: 1\r\n\r\n`,
  );
  const request = new CanonicalRequest(head.length, 8);
  assert.ok(readHead(head, 0, head.length, request, limits) > 0, request.refusal?.code);
  removeCookie(request, name);
  const lines: string[] = [];
  for (let slot = 0; slot < request.fieldCount * FIELD_SLOTS; slot += FIELD_SLOTS)
    if (request.fields[slot + FORWARD] === 1)
      lines.push(request.text(request.fields[slot + NAME_START]!, request.fields[slot + VALUE_END]!));
  return lines.filter((line) => line.startsWith("Cookie: "));
}

test("every cookie of the name goes, all others stay as they were", () => {
  const pair = fc
    .tuple(
      fc.constantFrom("keep", "Keep", "keep2", "a", "", "xkeep"),
      fc.constantFrom("", "=", "=1", "=keep=1", "=a b"),
    )
    .map(([name, value]) => name + value);
  const line = fc.array(pair, { minLength: 1, maxLength: 4 }).map((pairs) => pairs.join("; "));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const isKept = (one: string): boolean => one !== "keep" && !one.startsWith("keep=");
      const wanted = lines.flatMap((text) => text.split("; ").filter((one) => isKept(one) && one !== ""));
      const found = left(lines, "keep").flatMap((text) =>
        text
          .slice(8)
          .split(/; ?/)
          .filter((one) => one !== ""),
      );
      assert.deepEqual(found.toSorted(), wanted.toSorted());
    }),
  );
});

test("a field that held nothing else does not go as an empty one", () => {
  assert.deepEqual(left(["keep=1"], "keep"), []);
  assert.deepEqual(left(["keep=1; b=2", "c=3"], "keep").toSorted(), ["Cookie: b=2", "Cookie: c=3"]);
});

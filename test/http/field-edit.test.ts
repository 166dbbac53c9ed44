import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { editAnswerFields, type FieldLine, prepareEdits } from "../../src/http/field-edit.ts";
import { CanonicalRequest, FIELD_SLOTS, FORWARD, NAME_START, VALUE_END } from "../../src/http/request.ts";
import { ResponseHead, readResponseHead } from "../../src/http/response-head.ts";

const scope = { route: "app", params: new Map() };

const line = (name: string, value: string, how: FieldLine["how"], secureOnly = false): FieldLine => ({
  name,
  value: { parts: [{ text: value, fact: "", name: "" }], fixed: value },
  how,
  secureOnly,
});

/** Lines of the answer as they are printed. */
function edited(
  fields: readonly string[],
  remove: readonly string[],
  lines: readonly FieldLine[],
  secure = false,
): readonly string[] {
  const head = new ResponseHead();
  const text = Buffer.from(`HTTP/1.1 200 OK\r\n${fields.map((one) => `${one}\r\n`).join("")}\r\n`, "latin1");
  assert.ok(readResponseHead(text, 0, text.length, true, head) > 0, head.fault);
  const request = new CanonicalRequest();
  request.secure = secure;
  editAnswerFields(head, prepareEdits(remove, lines), request, scope);
  const kept: string[] = [];
  for (let i = 0; i < head.fieldCount; i++) {
    const slot = i * FIELD_SLOTS;
    if (head.fields[slot + FORWARD] === 1)
      kept.push(text.latin1Slice(head.fields[slot + NAME_START]!, head.fields[slot + VALUE_END]!));
  }
  return [...kept, ...head.addedLines.split("\r\n").slice(0, -1)];
}

/** The same said plainly. */
function oracle(
  fields: readonly string[],
  remove: readonly string[],
  lines: readonly FieldLine[],
): readonly string[] {
  const nameOf = (field: string): string => field.split(":", 1)[0]!.toLowerCase();
  const goes = (name: string): boolean =>
    remove.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : one === name)) ||
    lines.some(({ name: other, how }) => how === "set" && other.toLowerCase() === name);
  const kept = fields.filter((field) => !goes(nameOf(field)));
  const added = lines.filter(
    ({ name, how }) => how !== "default" || !kept.some((field) => nameOf(field) === name.toLowerCase()),
  );
  return [...kept, ...added.map(({ name, value }) => `${name}: ${value.fixed}`)];
}

test("edits do what they say, whatever the names", () => {
  const name = fc.constantFrom("A", "a", "Ab", "aB", "X-A", "x-ab", "X-Abc", "B");
  const how = fc.constantFrom("set", "add", "default") as fc.Arbitrary<FieldLine["how"]>;
  let changed = 0;
  fc.assert(
    fc.property(
      fc.array(name.map((one) => `${one}: 1`)),
      fc.array(fc.constantFrom("a", "ab", "x-*", "x-ab*", "b")),
      fc.array(fc.tuple(name, how).map(([one, mode]) => line(one, "2", mode))),
      (fields, remove, lines) => {
        const expected = oracle(fields, remove, lines);
        if (expected.length !== fields.length) changed++;
        assert.deepEqual(edited(fields, remove, lines), expected);
      },
    ),
    { numRuns: 1000 },
  );
  assert.ok(changed > 200, `${changed}`);
});

test("a line for TLS alone is not sent over plain HTTP", () => {
  const lines = [line("Strict-Transport-Security", "max-age=1", "default", true)];
  assert.deepEqual(edited([], [], lines), []);
  assert.deepEqual(edited([], [], lines, true), ["Strict-Transport-Security: max-age=1"]);
});

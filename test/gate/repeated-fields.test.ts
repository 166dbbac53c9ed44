import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RepeatedFields } from "../../src/gate/repeated-fields.ts";
import { readHead } from "../../src/http/head.ts";
import { CanonicalRequest } from "../../src/http/request.ts";
import { defaultLimits } from "../support/head-reading.ts";

const limits = { ...defaultLimits, fieldsMax: 1000, headBytesMax: 65_536 };

function requestOf(names: readonly string[]): CanonicalRequest {
  const lines = ["GET / HTTP/1.1", "Host: a", ...names.map((name) => `${name}: x`)];
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  const request = new CanonicalRequest();
  assert.ok(readHead(bytes, 0, bytes.length, request, limits) > 0, request.refusal?.code);
  return request;
}

/** Indexes of the fields of each repeated name, in the order of their first ones. `Host` is the field 0. */
function groupsOf(repeated: RepeatedFields): number[][] {
  const groups: number[][] = [];
  for (let name = 0; name < repeated.names; name++) {
    const group = [repeated.first(name)];
    for (let next = repeated.next(group[0]!); next !== 0; next = repeated.next(next)) group.push(next);
    if (group.length > 1) groups.push(group);
  }
  return groups;
}

test("fields of one name are found in order, whatever their case, as by comparing each with each", () => {
  // One for all heads, as in a worker: what an earlier one left must not matter.
  const repeated = new RepeatedFields(4711);
  const name = fc.oneof(
    fc.constantFrom("X-A", "x-a", "X-B", "x-ab", "X-A-", "_x"),
    fc.stringMatching(/^x[a-zA-Z-]{1,3}$/),
    fc.stringMatching(/^[a-z]{60,70}$/),
  );
  let met = 0;
  fc.assert(
    fc.property(fc.array(name, { maxLength: 40, size: "max" }), (names) => {
      const plain = new Map<string, number[]>();
      names.forEach((one, index) => {
        const key = one.toLowerCase();
        plain.set(key, [...(plain.get(key) ?? []), index + 1]);
      });
      const wanted = [...plain.values()].filter((group) => group.length > 1);
      met += wanted.length;
      assert.ok(repeated.read(requestOf(names)));
      assert.deepEqual(groupsOf(repeated), wanted);
    }),
    { numRuns: 2000 },
  );
  assert.ok(met > 1000, `only ${met} repeated names`);
});

test("a head of as many fields as a configuration may allow is read whole", () => {
  const repeated = new RepeatedFields(1);
  const names = Array.from({ length: 999 }, (_, n) => `X-Client-Fact-${n % 998}`);
  assert.ok(repeated.read(requestOf(names)));
  assert.deepEqual(groupsOf(repeated), [[1, 999]]);
});

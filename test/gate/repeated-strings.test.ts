import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { JSON_STRING, Place } from "../../src/body/place.ts";
import { RepeatedStrings } from "../../src/gate/repeated-strings.ts";
import { Inspector } from "../../src/waf/inspector.ts";
import { compileProfile, type ProfileOptions } from "../../src/waf/profile.ts";
import { Scratch } from "../../src/waf/scratch.ts";
import { shippedRuleSet, WafBench } from "./waf-corpus.ts";

const ruleSet = shippedRuleSet();
const scratch = new Scratch(ruleSet);

/** What an inspector says of these strings, and how many it was spared; `repeats`: through RepeatedStrings. */
function inspect(strings: readonly string[], options: ProfileOptions, repeats: RepeatedStrings | undefined) {
  const inspector = new Inspector(scratch);
  inspector.begin(compileProfile(ruleSet, options));
  const place = new Place();
  place.kind = JSON_STRING;
  const inspected: string[] = [];
  const value = inspector.value.bind(inspector);
  inspector.value = (bytes, start, end, at) => {
    inspected.push(Buffer.from(bytes.subarray(start, end)).toString("latin1"));
    value(bytes, start, end, at);
  };
  repeats?.clear();
  for (const text of strings) {
    const bytes = Buffer.from(`"${text}"`, "latin1");
    if (repeats === undefined) inspector.value(bytes, 1, bytes.length - 1, place);
    else repeats.take(inspector, bytes, 1, bytes.length - 1, place);
  }
  const { score, findings, workUnits, bytes, detections, exhausted, refused, done } = inspector;
  const said = { score, findings, workUnits, bytes, detections, exhausted, refused, done };
  return { said, inspected };
}

const clean = [
  ...["London", "2025-01-02T03:04:05.678Z", "12 St James's Square", "a", "", "4711", "C:\\Temp\\x.txt"],
  ...["Please leave the parcel with the neighbour, thank you very much.", "ada@example.org", "a + b = c"],
  ...["dGhpcyBpcyBzb21lIHRleHQ=", '{"a":"b"}', "%20%41", "&amp;", "${name}", "x".repeat(64), "y".repeat(65)],
];
const hostile = ["' or 1=1 --", "<script>alert(1)</script>", "../../../etc/passwd", "%2527%2520or%25201=1"];
const cost = fc.record({
  workBase: fc.constantFrom(0, 100, 5_000, 524_288),
  workPerByte: fc.constantFrom(0, 4, 16, 64, 512),
  threshold: fc.constantFrom(5, 1_000),
  allFindings: fc.boolean(),
});

test("a string that comes again changes no verdict, score, finding or count of work", () => {
  const repeats = new RepeatedStrings();
  const text = fc.oneof(
    { weight: 40, arbitrary: fc.constantFrom(...clean) },
    { weight: 1, arbitrary: fc.constantFrom(...hostile) },
    { weight: 8, arbitrary: fc.string({ unit: fc.constantFrom(..."ab'\"(;%2\\u<") }) },
  );
  let spared = 0;
  fc.assert(
    fc.property(fc.array(text, { maxLength: 80 }), cost, (strings, options) => {
      const plain = inspect(strings, options, undefined);
      const short = inspect(strings, options, repeats);
      assert.deepEqual(short.said, plain.said);
      spared += plain.inspected.length - short.inspected.length;
    }),
    { numRuns: 400 },
  );
  assert.ok(spared > 0);
});

test("a string that was clean twice in a body is not inspected again in it, but in the next one", () => {
  const repeats = new RepeatedStrings();
  const few = clean.slice(0, 3);
  const strings = Array.from({ length: 30 }, (_, index) => few[index % 3]!);
  assert.deepEqual(inspect(strings, {}, repeats).inspected, [...few, ...few]);
  const { inspected } = inspect(strings, {}, repeats);
  for (const text of few) assert.ok(inspected.includes(text), text);
});

test("strings that come once do not push out those that come in every record", () => {
  const repeats = new RepeatedStrings();
  const records = Array.from({ length: 2_000 }, (_, id) => [
    `ada${id}@example.org`,
    "London",
    `zone-${id % 17}`,
  ]);
  const { inspected } = inspect(records.flat(), {}, repeats);
  const again = inspected.filter((text) => !text.startsWith("ada")).length;
  assert.ok(again < 400, `${again} of 4,000 were inspected`);
});

test("strings of which few come again are no longer looked up", () => {
  const repeats = new RepeatedStrings();
  const strings = Array.from({ length: 600 }, (_, index) => `value ${index}`);
  const { inspected } = inspect([...strings, "twice", "twice"], {}, repeats);
  assert.equal(inspected.length, 602);
});

test("an attack among strings that repeat is found, however late it stands", () => {
  const bench = new WafBench(ruleSet);
  const records = Array.from({ length: 2_000 }, (_, id) => ({
    id,
    city: "London",
    state: "open",
    note: "none",
  }));
  const give = (body: unknown) =>
    bench.give({
      method: "POST",
      headers: [["Content-Type", "application/json"]],
      body: Buffer.from(JSON.stringify(body)),
    });
  assert.equal(give(records).refused, false);
  for (const attack of hostile)
    assert.equal(give([...records, { city: attack }, ...records]).refused, true, attack);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DETECTIONS_MAX, type Detection } from "../../../src/waf/detection.ts";
import { attacks } from "./query-attacks.ts";
import { benignTexts } from "./query-benign.ts";
import { detectionsOf, isLoose, kindsOf, queryDetectors } from "./query-detectors.ts";

const all = Object.values(queryDetectors);

test("ordinary texts, code, filters and SQL lessons are silent at sensitivity 1", () => {
  assert.ok(benignTexts.length >= 150);
  const alarms = benignTexts.flatMap((text) =>
    all.flatMap((detector) =>
      kindsOf(detector, text)
        .filter((kind) => !isLoose(kind))
        .map((kind) => `${kind}: ${text}`),
    ),
  );
  assert.deepEqual(alarms, []);
});

for (const [name, texts] of Object.entries(attacks))
  test(`each ${name} attack is recognised with certainty`, () => {
    const detector = queryDetectors[name as keyof typeof attacks];
    const missed = texts.filter((text) => kindsOf(detector, text).every(isLoose));
    assert.deepEqual(missed, []);
  });

test("the attacks are more than 150 and none is benign too", () => {
  const texts = Object.values(attacks).flat();
  assert.ok(texts.length >= 150);
  const benign = new Set(benignTexts);
  assert.deepEqual(
    texts.filter((text) => benign.has(text)),
    [],
  );
});

test("an attack is found after any data that a quote can close", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-zA-Z0-9 .,@_-]{0,80}$/), (data) => {
      for (const rest of ["' or 4=4-- ", "' union select 1,2-- ", '" and sleep(4)#']) {
        const kinds = kindsOf(queryDetectors.sql, data + rest);
        assert.ok(kinds.some((kind) => !isLoose(kind)));
      }
    }),
    { numRuns: 200 },
  );
});

test("white space and comments between the words change nothing", () => {
  const gap = fc.constantFrom(" ", "\t", "\n", "\r\n", "/**/", "/*a*/", "\u00a0", "  ", "\v", "\f");
  fc.assert(
    fc.property(gap, gap, gap, (a, b, c) => {
      for (const words of [
        ["1", "union", "select", "null"],
        ["x'", "or", "4=4", "-- "],
        ["1;", "drop", "table", "invoices"],
      ]) {
        const text = words[0] + a + words[1] + b + words[2] + c + (words[3] ?? "");
        assert.ok(
          kindsOf(queryDetectors.sql, text).some((kind) => !isLoose(kind)),
          text,
        );
      }
    }),
  );
});

test("any text: known kinds, offsets inside it, a bounded list, and triggers that lose nothing", () => {
  const pieces = fc.constantFrom(
    ...[
      "'",
      '"',
      "`",
      "(",
      ")",
      ";",
      "--",
      "#",
      "/*",
      "*/",
      "/*!",
      "or",
      "and",
      "union",
      "select",
      "from",
      " ",
      "1",
    ],
    ...[
      "=",
      "||",
      ",",
      "sleep(",
      "$ne",
      "{",
      "}",
      "[",
      "]",
      ":",
      "*",
      "|",
      "&",
      "//",
      "name()",
      "\n",
      "\r\n",
      "bcc: a@b",
    ],
    ...[
      "if(",
      "case",
      "when",
      "like",
      "user",
      "x",
      "@@v",
      "0x1f",
      "1e5",
      "::int",
      "drop table",
      "return ",
      "this.a",
      "-",
    ],
    ...["exec", "into", "having", "order by", "\\", "\0", "é"],
  );
  const value = fc.oneof(
    fc.string(),
    fc.array(pieces, { maxLength: 40 }).map((list) => list.join("")),
  );
  fc.assert(
    fc.property(value, (source) => {
      const text = Buffer.from(source, "utf8").toString("latin1");
      const lower = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
      for (const detector of all) {
        const found: Detection[] = [];
        detector.detect({ text, lower }, found);
        assert.ok(found.length <= DETECTIONS_MAX);
        for (const { kind, start, end } of found) {
          assert.ok(kind in detector.kinds, kind);
          assert.ok(start >= 0 && start <= end && end <= text.length, `${kind} ${start} ${end}`);
        }
        if (found.length > 0) assert.deepEqual(detectionsOf(detector, source), found);
      }
    }),
    { numRuns: 2000 },
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DETECTIONS_MAX, type Detection } from "../../../src/waf/detection.ts";
import { markupDetectors } from "./markup-detectors.ts";

const piece = fc.constantFrom(
  "<", ">", "<script", "<style>", "</script>", "<a ", " onx=", "on", "=", '"', "'", "`", "javascript:", "java\t", "alert(", "(", ")", "[]", "![]", "{{",
  "}}", "${", "<%", "\r\n", "a:", "HTTP/1.1", " ", "/", "\\", "/*", "*/", "<!--#", "\xbc", "\xe5\x98\x8a", "document.", "window[", "&#", "x", "7*7", "expression(", "data:",
); // biome-ignore format: a list
const texts = fc.oneof(
  fc.array(piece, { maxLength: 60 }).map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 200 }),
);

test("no text makes a detector throw, report outside the text, report an unknown kind or report too much", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const latin = Buffer.from(text, "latin1").toString("latin1");
      const lower = latin.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
      for (const detector of markupDetectors) {
        const found: Detection[] = [];
        detector.detect({ text: latin, lower }, found);
        assert.ok(found.length <= DETECTIONS_MAX);
        for (const { kind, start, end } of found) {
          assert.ok(kind in detector.kinds, kind);
          assert.ok(
            start >= 0 && start <= end && end <= latin.length,
            `${kind} ${start} ${end} of ${latin.length}`,
          );
        }
        // The engine calls no detector without a trigger.
        const triggered = detector.triggers.some((trigger) => lower.includes(trigger));
        if (!triggered) assert.deepEqual(found, [], JSON.stringify(latin));
      }
    }),
    { numRuns: 2000 },
  );
});

test("earlier findings of other detectors neither count nor change", () => {
  const before: Detection = { kind: "sql.union_select", start: 0, end: 1 };
  for (const detector of markupDetectors) {
    const found = [before];
    const text =
      "<img src=x onerror=alert(1)>{{7*7}}<!--#exec cmd=x-->\r\nset-cookie: a nikto/1 alert(document.cookie)";
    detector.detect({ text, lower: text }, found);
    assert.equal(found[0], before);
    assert.ok(found.length > 1, detector.name);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DETECTIONS_MAX, type Detection, type Detector } from "../../../src/waf/detection.ts";
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

/** Openers, literals and runs that detectors look for: what a text is made of that is to keep them busy. */
const costly = [
  "<", "<a ", "x<", "<a<", "<a b=", "<a b='", '<a "', "<a/b=", "<p style='a:", "<script>", "<script ", "</script>", "<style>@import ", "<s c r i p t ", "<!--", "<!--[if ",
  "<!--#exec ", "<esi:x ", "<?import ", "<x:include ", "<iframe src=//a ", " on", " onx=", "onclick=alert", "javascript:", "script:", "java&#9;", "&#00000", "expression", "data:,",
  "'", '"', "`", "'+alert(", "alert.call.", "[]", "![]", "[[", "(", ")(", "window[", "top.", "a=eval;", ".find(alert", "constructor.", "/*", "//", "{{", "{{7*7", "{{7*7}}", "${", "<%",
  "{%", "#{", "@(", "[(", "{$", "#set(", "__class", "|attr(", "?new(", "{if ", "\r\nset-", "\nlocation:", "\r\na", "\n%0", "\xe5\x98\x8a", " http/1.1", "GET / http/1.1", "\xbcscript", "&#", "1*", "nikto",
]; // biome-ignore format: a list
const runs = [
  "",
  " ".repeat(99),
  "\n".repeat(20),
  "a".repeat(300),
  "(".repeat(60),
  "=".repeat(30),
  "<".repeat(40),
  "'",
  ">",
];

test("four times as much text costs no detector more than about four times as much", () => {
  const slow: string[] = [];
  for (const opener of costly) {
    for (const run of runs) {
      const unit = opener + run;
      for (const detector of markupDetectors) {
        // Three chances, least of five: what stands is the detector's own growth, not the machine's other work.
        for (let chance = 0; chance < 3; chance += 1) {
          const small = leastNs(detector, unit, 2048);
          const large = leastNs(detector, unit, 8192);
          if (large <= small * GROWTH_MAX + NOISE_NS) break;
          if (chance === 2)
            slow.push(`${detector.name}: ${JSON.stringify(unit.slice(0, 40))} ${small} ns, ${large} ns`);
        }
      }
    }
  }
  assert.deepEqual(slow, []);
});

/** Quadratic growth is 16. */
const GROWTH_MAX = 10;
const NOISE_NS = 300_000;

function leastNs(detector: Detector, unit: string, length: number): number {
  const text = unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
  const lower = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  let least = Infinity;
  for (let turn = 0; turn < 5; turn += 1) {
    const start = process.hrtime.bigint();
    detector.detect({ text, lower }, []);
    least = Math.min(least, Number(process.hrtime.bigint() - start));
  }
  return least;
}

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applySuggestions } from "../../src/config/fix.ts";
import { minimal, parseText } from "../support/config-case.ts";

function fix(text: string): { readonly text: string; readonly lines: readonly number[] } {
  const { diagnostics } = parseText(text);
  const { text: fixed, applied } = applySuggestions(text, diagnostics);
  return { text: fixed, lines: applied.map(({ line }) => line) };
}

test("misspelt keys, tables and values become the names that were meant, and nothing else changes", () => {
  const wrong = minimal
    .replace("listen_http", "listen_htpp")
    .replace("upstream = ", "upstreem = ")
    .concat('load = 1 # kept\r\n[acces_log]\npath = "-" # ü and kept\n');
  const { text, lines } = fix(wrong);
  assert.equal(
    text,
    wrong
      .replace("listen_htpp", "listen_http")
      .replace("upstreem", "upstream")
      .replace("acces_log", "access_log"),
  );
  assert.equal(lines.length, 3);
});

test("a value is replaced within its own kind of quotes", () => {
  const wrong = `${minimal}methods = ['GTE', "PSOT"]\n`;
  assert.ok(fix(wrong).text.endsWith(`methods = ['GET', "POST"]\n`));
});

test("two slips in one line are both put right", () => {
  const wrong = minimal.replace(
    /url = .*\n/,
    'url = "http://127.0.0.1:3000"\nhealth = { patth = "/", intervall_ms = 5000 }\n',
  );
  assert.match(fix(wrong).text, /health = \{ path = "\/", interval_ms = 5000 \}/);
});

test("where the nearest name is unknown, the file stays as it is", () => {
  const wrong = `${minimal}zzzzzzzzzzz = 1\n`;
  assert.deepEqual(fix(wrong), { text: wrong, lines: [] });
});

test("whatever is misspelt, what comes out has no fewer meanings: a second run changes nothing", () => {
  let changed = 0;
  fc.assert(
    fc.property(
      fc.constantFrom("listen_http", "upstream", "path", "url", "server", "route"),
      fc.nat(),
      fc.constantFrom("x", "_", ""),
      (word, at, letter) => {
        const place = at % word.length;
        const wrong = minimal.replace(word, word.slice(0, place) + letter + word.slice(place + 1));
        const once = fix(wrong);
        if (once.lines.length > 0) changed++;
        assert.equal(fix(once.text).text, once.text);
      },
    ),
    { numRuns: 100 },
  );
  assert.ok(changed > 20, `${changed}`);
});

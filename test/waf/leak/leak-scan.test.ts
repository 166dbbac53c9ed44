import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { readRuleFiles, shippedRules } from "../../../src/config/shipped-rules.ts";
import { buildRuleSet, kindsOfDetectors } from "../../../src/waf/compile.ts";
import { detectors } from "../../../src/waf/detectors.ts";
import { cardAt } from "../../../src/waf/leak/card.ts";
import { isAnswerRule } from "../../../src/waf/leak/leak-rules.ts";
import { LeakScan, LOOK_BYTES, openBytes } from "../../../src/waf/leak/leak-scan.ts";
import { parseRules } from "../../../src/waf/parse-rules.ts";
import { compileProfile } from "../../../src/waf/profile.ts";

const { rules } = parseRules(readRuleFiles(shippedRules), new Set(kindsOfDetectors(detectors).keys()));
const ruleSet = buildRuleSet(rules, detectors);
const profile = compileProfile(ruleSet, { mode: "aggressive" });

interface Found {
  readonly rule: string;
  readonly start: number;
}

/** What is found when the text comes in pieces of these sizes. */
function lookAt(text: string, sizes: readonly number[]): Found[] {
  const scan = new LeakScan(profile, ruleSet.leaks!, "", 0);
  const bytes = Buffer.from(text, "latin1");
  const found: Found[] = [];
  let sent = 0;
  for (let at = 0, i = 0; at < bytes.length; i++) {
    at = Math.min(bytes.length, at + Math.max(1, sizes[i % sizes.length]!));
    const from = Math.max(0, sent - LOOK_BYTES);
    const isLast = at === bytes.length;
    const work = bytes.subarray(from, at);
    for (const leak of scan.look(work, from, isLast))
      found.push({ rule: ruleSet.rules[leak.rule]!.id, start: from + leak.start });
    sent = isLast ? at : Math.max(sent, at - Math.min(openBytes(work), at - sent));
  }
  return found.sort((a, b) => a.start - b.start);
}

const leaks = rules
  .filter(isAnswerRule)
  .flatMap(({ action, block }) =>
    action === "mask" ? block.map(({ bytes }) => Buffer.from(bytes).toString("latin1")) : [],
  );
const filler = fc.constantFrom(
  "<p>some text</p>\n",
  "x".repeat(700),
  " ",
  '{"a":[1,2,3]}',
  "4539",
  "-----",
  "eyJ ",
  "at ",
);

test("what is covered is found alike, however the answer is cut", () => {
  const texts = fc.array(fc.oneof(filler, fc.constantFrom(...leaks)), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(
      texts,
      fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 5 }),
      (parts, sizes) => {
        // With a space between: two words that touch are another word.
        const text = parts.join(" ");
        const isCovered = ({ rule }: Found): boolean =>
          rules.find(({ id }) => id === rule)!.action === "mask";
        assert.deepEqual(
          lookAt(text, sizes).filter(isCovered),
          lookAt(text, [text.length]).filter(isCovered),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test("no bytes make it throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      lookAt(Buffer.from(bytes).toString("latin1"), [100]);
    }),
  );
});

test("a page of nothing but triggers is looked at so far and no farther", () => {
  for (const text of ["AKIA ", "ghp_", ".java:1) ", "-----BEGIN ", 'File "a", line 1']) {
    const scan = new LeakScan(profile, ruleSet.leaks!, "", 0);
    scan.look(Buffer.from(text.repeat(65_536 / text.length)), 0, false);
    assert.ok(scan.exhausted || /java|File/.test(text), text);
  }
});

/** Number with its check digit. */
function withCheck(body: string): string {
  for (let digit = 0; digit < 10; digit++) {
    const number = `${body}${digit}`;
    let sum = 0;
    for (const [i, char] of [...number].reverse().entries()) {
      const value = Number(char) * (i % 2 === 0 ? 1 : 2);
      sum += value > 9 ? value - 9 : value;
    }
    if (sum % 10 === 0) return number;
  }
  throw new Error("unreachable");
}

test("a card number is found by issuer, length and check digit, and any other digit makes it none", () => {
  const digits = (count: number) =>
    fc
      .array(fc.integer({ min: 0, max: 9 }), { minLength: count, maxLength: count })
      .map((all) => all.join(""));
  const cards = fc.oneof(
    digits(14).map((rest) => `4${rest}`),
    digits(13).map((rest) => `53${rest}`),
    digits(12).map((rest) => `37${rest}`),
    digits(11)
      .map((rest) => `36${rest}`)
      .map((body) => body),
  );
  fc.assert(
    fc.property(cards, fc.nat(13), fc.integer({ min: 1, max: 9 }), (body, place, by) => {
      const card = withCheck(body);
      if (/^(\d)\1*$/.test(card)) return;
      assert.deepEqual(cardAt(`is ${card}.`, 3), { start: 3, end: 3 + card.length });
      assert.equal(cardAt(`x${card}`, 1), undefined);
      const at = 2 + (place % (card.length - 2));
      const other = `${card.slice(0, at)}${(Number(card[at]) + by) % 10}${card.slice(at + 1)}`;
      assert.equal(cardAt(other, 0), undefined, other);
    }),
  );
});

const root = path.resolve(import.meta.dirname, "../../..");
const actionsIn = (
  patterns: readonly string[],
): { readonly files: number; readonly fired: readonly string[] } => {
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: root }));
  const fired = files.flatMap((file) =>
    lookAt(readFileSync(path.join(root, file)).toString("latin1"), [65_536]).map(
      ({ rule }) => `${rules.find(({ id }) => id === rule)!.action} ${rule} ${file}`,
    ),
  );
  return { files: files.length, fired };
};

test("documents about programming are left alone", () => {
  const { files, fired } = actionsIn([
    "node_modules/*/*.md",
    "node_modules/@*/*/*.md",
    "docs/**/*.md",
    "README.md",
  ]);
  assert.ok(files > 100, `only ${files} documents found`);
  assert.deepEqual(fired, []);
});

test("in logs, prose and code nothing is covered, and traces are reported", () => {
  const { fired } = actionsIn(["test/eval/benign/**/*.txt"]);
  assert.deepEqual(
    fired.filter((line) => !line.startsWith("block_errors ")),
    [],
  );
  assert.ok(fired.length > 0);
});

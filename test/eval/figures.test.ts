import assert from "node:assert/strict";
import { test } from "node:test";
import { barsOf } from "./bars.ts";
import type { EvalCase } from "./case.ts";
import { regressions } from "./comparison.ts";
import { type Corpus, type CorpusName, sample } from "./corpora.ts";
import { type Figures, figuresOf } from "./figures.ts";
import { replaceTables, tablesOf } from "./page.ts";
import type { Judged, Verdict } from "./verdict.ts";

test("cases are counted by category and expectation, the wrong ones by id", () => {
  const { rows } = of("gotestwaf", [
    ["xss", "block", "waf"],
    ["xss", "block", "refused"],
    ["xss", "block", "forwarded"],
    ["texts", "pass", "waf"],
    ["texts", "pass", "timeout"],
  ]);
  assert.deepEqual(rows, [
    {
      category: "texts",
      expect: "pass",
      n: 2,
      waf: 1,
      refused: 0,
      clean: 0,
      lost: 1,
      wrong: [
        { id: "texts-3", why: "patterns a-rule" },
        { id: "texts-4", why: "patterns a-rule" },
      ],
    },
    {
      category: "xss",
      expect: "block",
      n: 3,
      waf: 1,
      refused: 1,
      clean: 0,
      lost: 0,
      wrong: [{ id: "xss-2", why: "" }],
    },
  ]);
});

test("malformed JSON that another gate refuses is wrong", () => {
  const { rows } = of("json-suite", [["json/must-reject", "block", "waf"]]);
  assert.equal(rows[0]!.wrong.length, 1);
});

test("bars take the share of cases, the mean over classes and the worst class", () => {
  const bars = barsOf(
    run(
      of("payload-lists", [
        ...Array.from({ length: 9 }, () => ["a", "block", "waf"] as const),
        ["b", "block", "waf"],
        ["b", "block", "forwarded"],
      ]),
    ),
  );
  assert.deepEqual(
    bars.map(({ what, value, met }) => [what, value, met]),
    [
      ["blocked, mean over classes", 75, false],
      ["blocked, worst class", 50, false],
    ],
  );
});

test("a bar on benign requests counts lost ones too", () => {
  const [bar] = barsOf(run(of("benign-browsing", [["a", "pass", "other"]])));
  assert.equal(bar!.value, 1);
  assert.equal(bar!.met, true);
});

test("one case more is noise, two are a regression, and a bar that was met stays met", () => {
  const browsing = (wrong: number): Figures =>
    run(
      of(
        "benign-browsing",
        Array.from({ length: 10 }, (_, i) => ["a", "pass", i < wrong ? "waf" : "forwarded"] as const),
      ),
    );
  assert.deepEqual(regressions(browsing(1), browsing(2)), []);
  assert.deepEqual(regressions(browsing(3), browsing(1)), []);
  assert.equal(regressions(browsing(1), browsing(3)).length, 2);
  assert.match(regressions(browsing(4), browsing(5)).join(), /bar of ≤ 4 was met/);
  assert.deepEqual(regressions(browsing(0), run()), []);
});

test("losses spread over categories are a regression of the corpus", () => {
  const lists = (verdict: Verdict): Figures =>
    run(
      of("crs-attacks", [
        ["a", "block", verdict],
        ["b", "block", verdict],
      ]),
    );
  assert.match(regressions(lists("waf"), lists("forwarded")).join("\n"), /^crs-attacks: 2 wrong, were 0$/m);
});

test("the page keeps what stands around the tables", () => {
  const begin = "<!-- eval:begin: written by `npm run eval -- --write` -->";
  const page = `before\n${begin}\nold\n<!-- eval:end -->\nafter\n`;
  const once = replaceTables(page, tablesOf(run(of("crs-attacks", [["a", "block", "waf"]]))));
  assert.match(once, /^before\n/);
  assert.match(once, /\| a \| block \| 1 \| 1 \| 1 \| 0 \| 100\.0 % \| 0 \|/);
  assert.match(once, /<!-- eval:end -->\nafter\n$/);
  assert.doesNotMatch(once, /old/);
  assert.equal(replaceTables(once, "x"), replaceTables(page, "x"));
  assert.throws(() => replaceTables("no markers", "x"));
});

test("a sample has some of every category, is spread evenly, and is the same every time", () => {
  const cases = [
    ...Array.from({ length: 90 }, (_, i) => caseOf(i, "big", "block")),
    ...Array.from({ length: 10 }, (_, i) => caseOf(100 + i, "small", "block")),
    caseOf(999, "one", "pass"),
  ];
  const ids = sample(cases, 20).map(({ id }) => id);
  assert.deepEqual(
    ids,
    sample(cases, 20).map(({ id }) => id),
  );
  assert.ok(ids.length >= 20 && ids.length <= 23, String(ids.length));
  for (const category of ["big", "small", "one"]) assert.ok(ids.some((id) => id.startsWith(category)));
  assert.deepEqual(sample(cases, 1000), cases);
});

type Given = readonly [category: string, expect: EvalCase["expect"], verdict: Verdict];

function of(name: CorpusName, given: readonly Given[]) {
  const judged: Judged[] = given.map(([category, expect, verdict], i) => ({
    one: caseOf(i, category, expect),
    verdict,
    status: 0,
    gate: "patterns",
    rule: "a-rule",
  }));
  const corpus: Corpus = { name, cases: judged.map(({ one }) => one), leftOut: [] };
  return figuresOf(corpus, judged);
}

function run(...corpora: readonly ReturnType<typeof of>[]): Figures {
  return { schema: 1, date: "2026-01-01T00:00:00Z", commit: "c", node: "v24", target: "t", corpora };
}

function caseOf(i: number, category: string, expect: EvalCase["expect"]): EvalCase {
  return {
    id: `${category}-${i}`,
    category,
    expect,
    method: "GET",
    target: "/",
    headers: [],
    body: Buffer.alloc(0),
  };
}

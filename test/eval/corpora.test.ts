import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fullForm, needsShared } from "../support/shared.ts";
import { type Corpus, type CorpusName, readCorpus, sample } from "./corpora.ts";
import { type Figures, figuresOf } from "./figures.ts";
import { gatewayTarget } from "./gateway-target.ts";

/** Cases of each corpus, and those of the short form; the framing corpus has a test of its own in test/conformance. */
const corpora: readonly (readonly [name: CorpusName, all: number, short: number])[] = [
  ["crs-attacks", 584, 150],
  ["crs-near-misses", 308, 308],
  ["gotestwaf", 820, 250],
  ["payload-lists", 1081, 220],
  ["benign-browsing", 4000, 500],
  ["json-suite", 314, 314],
];

/** Cases of a corpus that may be worse than the committed figures say. */
const SLACK = 1;

test("through the gateway, the corpora fare no worse than docs/detection.md says", async (t) => {
  const shared = needsShared(t);
  if (shared === undefined) {
    t.diagnostic("no shared corpora: the generator and the rules' own examples are tested all the same");
    return;
  }
  const chosen = corpora.map(([name, all, short]) => {
    const corpus = readCorpus(name, shared);
    assert.equal(corpus.cases.length, all, name);
    return fullForm ? corpus : shorten(corpus, short);
  });
  await assertNoWorse(t, chosen);
  t.diagnostic(chosen.map(({ name, cases }) => `${name} ${cases.length}`).join(", "));
});

test("through the gateway, our own benign traffic fares no worse than docs/detection.md says", async (t) => {
  const corpus = readCorpus("generator", undefined);
  const chosen = fullForm ? corpus : shorten(corpus, 1200);
  await assertNoWorse(t, [chosen]);
  t.diagnostic(`${chosen.cases.length} of ${corpus.cases.length} requests`);
});

/** Every benign text is kept: their bars are the tight ones. */
function shorten(corpus: Corpus, count: number): Corpus {
  const texts = corpus.name === "gotestwaf" ? corpus.cases.filter(({ expect }) => expect === "pass") : [];
  const rest = corpus.cases.filter((one) => !texts.includes(one));
  const cases = [...texts, ...sample(rest, count - texts.length)];
  assert.ok(cases.length >= count, `${corpus.name}: only ${cases.length} cases`);
  return { ...corpus, cases };
}

async function assertNoWorse(
  t: Parameters<typeof gatewayTarget>[0] & { diagnostic(text: string): void },
  chosen: readonly Corpus[],
): Promise<void> {
  const committed = readCommitted();
  const judged = await gatewayTarget(t).judgeAll(chosen.flatMap(({ cases }) => cases));
  const worse: string[] = [];
  let from = 0;
  for (const corpus of chosen) {
    const { rows } = figuresOf(corpus, judged.slice(from, from + corpus.cases.length));
    from += corpus.cases.length;
    const known = new Set(
      committed.corpora
        .filter(({ corpus: name }) => name === corpus.name)
        .flatMap((one) => one.rows.flatMap(({ wrong }) => wrong.map(({ id }) => id))),
    );
    const fresh = rows.flatMap(({ wrong }) => wrong).filter(({ id }) => !known.has(id));
    for (const { id, why } of fresh)
      t.diagnostic(`worse than before: ${corpus.name} ${id} ${why || "forwarded"}`);
    if (fresh.length > SLACK) worse.push(`${corpus.name}: ${fresh.map(({ id }) => id).join(" ")}`);
  }
  assert.deepEqual(worse, []);
}

function readCommitted(): Figures {
  const file = path.join(import.meta.dirname, "figures.json");
  assert.ok(existsSync(file), "`npm run eval -- --write` has not been run");
  return JSON.parse(readFileSync(file, "utf8")) as Figures;
}

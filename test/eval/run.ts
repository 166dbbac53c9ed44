import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { parseArgs } from "node:util";
import { sharedFolder } from "../support/shared.ts";
import { barsOf } from "./bars.ts";
import { regressions } from "./comparison.ts";
import { type Corpus, type CorpusName, corpusNames, isOwn, readCorpus } from "./corpora.ts";
import { type CorpusFigures, type Figures, figuresOf } from "./figures.ts";
import { framingTarget, gatewayTarget } from "./gateway-target.ts";
import { replaceTables, tablesOf } from "./page.ts";
import { processTarget } from "./process-target.ts";

const usage = `npm run eval [-- options]: gives the corpora to the gateway and prints what it refused
  --write          also write docs/detection.md and test/eval/figures.json; every corpus, through the gateway
  --corpus NAME    only this one; may be repeated (${corpusNames.join(", ")})
  --list           also print the ids that are wrong
  --in-process     the WAF in this process, without sockets: for quick looks
Exit code: 1 when a figure is worse than the committed one by more than one case, or a bar is missed that was met;
2 for bad use.`;

const root = path.resolve(import.meta.dirname, "../..");
const figuresFile = path.join(root, "test/eval/figures.json");
const pageFile = path.join(root, "docs/detection.md");

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (options === undefined) {
    console.log(usage);
    return 2;
  }
  const shared = sharedFolder();
  if (shared === undefined)
    console.log("no shared corpora here (../shared or $ZION_SHARED): the generator alone");
  const wanted = options.corpora.filter((name) => shared !== undefined || isOwn(name));
  const cleanups: (() => unknown)[] = [];
  const t: Pick<TestContext, "after"> = {
    after: (fn) => void cleanups.push(() => (fn as (() => unknown) | undefined)?.()),
  };
  try {
    const figures = await measure(t, wanted, shared, options.inProcess);
    report(figures, options.list);
    const before = committed();
    const worse = before === undefined || options.inProcess ? [] : regressions(before, figures);
    for (const line of worse) console.log(`worse: ${line}`);
    if (options.write) write(figures);
    return worse.length > 0 && !options.write ? 1 : 0;
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

async function measure(
  t: Pick<TestContext, "after">,
  names: readonly CorpusName[],
  shared: string | undefined,
  inProcess: boolean,
): Promise<Figures> {
  const corpora: CorpusFigures[] = [];
  const target = inProcess ? processTarget() : gatewayTarget(t);
  const plain = names.filter((name) => name !== "desync").map((name) => readCorpus(name, shared));
  // One gateway for all of them, as in real life.
  const judged = await target.judgeAll(plain.flatMap(({ cases }) => cases));
  let from = 0;
  for (const corpus of plain) {
    corpora.push(figuresOf(corpus, judged.slice(from, from + corpus.cases.length)));
    from += corpus.cases.length;
  }
  if (names.includes("desync") && !inProcess) {
    const desync: Corpus = readCorpus("desync", shared);
    corpora.push(figuresOf(desync, await framingTarget(t, shared!).judgeAll(desync.cases)));
  }
  corpora.sort((a, b) => corpusNames.indexOf(a.corpus) - corpusNames.indexOf(b.corpus));
  return {
    schema: 1,
    date: new Date().toISOString(),
    commit: commitName(),
    node: process.version,
    target: target.name,
    corpora,
  };
}

function report(figures: Figures, list: boolean): void {
  console.log(tablesOf(figures));
  for (const { corpus, rows } of list ? figures.corpora : []) {
    for (const { expect, wrong } of rows) {
      for (const { id, why } of wrong) {
        const what = expect === "block" ? "missed" : "refused";
        console.log(`${corpus}: ${what} ${id}${why === "" ? "" : ` (${why})`}`);
      }
    }
  }
  const missed = barsOf(figures).filter(({ met }) => !met);
  console.log(
    missed.length === 0
      ? "every bar that was measured is met"
      : `bars missed: ${missed.map(({ id }) => id).join("; ")}`,
  );
}

function write(figures: Figures): void {
  writeFileSync(figuresFile, `${JSON.stringify(figures, undefined, 2)}\n`);
  writeFileSync(pageFile, replaceTables(readFileSync(pageFile, "utf8"), tablesOf(figures)));
  console.log("written: docs/detection.md, test/eval/figures.json");
}

/** The figures of the last `--write`; undefined when there are none. */
function committed(): Figures | undefined {
  return existsSync(figuresFile) ? (JSON.parse(readFileSync(figuresFile, "utf8")) as Figures) : undefined;
}

function commitName(): string {
  const git = (...args: string[]): string =>
    spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout ?? "";
  const changed = git("status", "--porcelain", "--", "src", "rules").trim() !== "";
  return `${git("rev-parse", "--short=10", "HEAD").trim() || "unknown"}${changed ? " with changes" : ""}`;
}

interface Options {
  readonly write: boolean;
  readonly list: boolean;
  readonly inProcess: boolean;
  readonly corpora: readonly CorpusName[];
}

function parse(args: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        write: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        "in-process": { type: "boolean", default: false },
        corpus: { type: "string", multiple: true, default: [] },
      },
    });
    const names = values.corpus as CorpusName[];
    if (names.some((name) => !corpusNames.includes(name))) return undefined;
    // Only what went through the gateway is published, and all of it: one date and one commit stand above the tables.
    if (values.write && (values["in-process"] || names.length > 0 || sharedFolder() === undefined))
      return undefined;
    const corpora = names.length === 0 ? corpusNames : names;
    return { write: values.write, list: values.list, inProcess: values["in-process"], corpora };
  } catch {
    return undefined;
  }
}

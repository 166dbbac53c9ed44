import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Corpus, type CorpusName, corpusNames, isOwn, readCorpus } from "../test/eval/corpora.ts";
import type { CorpusFigures, Figures } from "../test/eval/figures.ts";
import { figuresOf } from "../test/eval/figures.ts";
import { startMarkingOrigin } from "../test/eval/gateway-target.ts";
import { Lane } from "../test/eval/lane.ts";
import { type Judged, judge } from "../test/eval/verdict.ts";
import { sharedFolder } from "../test/support/shared.ts";
import { type CandidateName, startCandidate } from "./load/candidate.ts";
import { makeCertificate } from "./load/certificate.ts";
import { describeMachine, type Machine } from "./load/machine.ts";
import { apacheRules, isInstalled, nginxRules } from "./load/modsecurity.ts";
import { allowedCpus } from "./load/run-all.ts";

/**
 * The requests of `npm run eval`, given to nginx with ModSecurity 3 and to Apache with mod_security2, both with the Core Rule
 * Set as Debian ships it: paranoia level 1, threshold 5. Our own figures are those of test/eval/figures.json. Refused is
 * what did not reach the origin. `node bench/detection.ts [--save]`; some ten minutes.
 */
const peers: readonly (readonly [CandidateName, typeof nginxRules])[] = [
  ["nginx-modsecurity", nginxRules],
  ["apache-modsecurity", apacheRules],
];
const LANES = 4;
const TIMEOUT_MS = 8000;

/** The content of results/detection.json. */
interface Found {
  readonly date: string;
  readonly machine: Machine;
  readonly lines: readonly {
    readonly corpus: string;
    readonly candidate: string;
    readonly blocked: readonly Share[];
  }[];
}

/** Of the cases of a corpus with one expectation. */
interface Share {
  readonly expect: "block" | "pass";
  readonly cases: number;
  readonly refused: number;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const shared = sharedFolder();
  const names = corpusNames.filter(
    // Framing is conformance, and JSON that is broken is no attack.
    (name) => name !== "desync" && name !== "json-suite" && (shared !== undefined || isOwn(name)),
  );
  const corpora = names.map((name) => readCorpus(name, shared));
  const directory = mkdtempSync(path.join(tmpdir(), "zion-detection-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  const own = JSON.parse(
    readFileSync(path.join(import.meta.dirname, "../test/eval/figures.json"), "utf8"),
  ) as Figures;
  const lines = own.corpora
    .filter(({ corpus }) => names.includes(corpus as CorpusName))
    .map((figures) => ({ corpus: figures.corpus as string, candidate: "zion", blocked: sharesOf(figures) }));
  for (const [name, rules] of peers) {
    if (!isInstalled(rules)) {
      console.error(`${name} is not here and was left out (Debian: apt-get install ${rules.packages})`);
      continue;
    }
    for (const figures of await ask(name, corpora, directory)) {
      lines.push({ corpus: figures.corpus, candidate: name, blocked: sharesOf(figures) });
      console.error(name, figures.corpus, JSON.stringify(sharesOf(figures)));
    }
  }
  const found: Found = { date: new Date().toISOString(), machine: describeMachine(), lines };
  if (process.argv.includes("--save"))
    writeFileSync(
      path.join(import.meta.dirname, "results/detection.json"),
      `${JSON.stringify(found, null, 1)}\n`,
    );
  return 0;
}

async function ask(
  name: CandidateName,
  corpora: readonly Corpus[],
  directory: string,
): Promise<readonly CorpusFigures[]> {
  const origin = await startMarkingOrigin();
  const around = { directory, beforeDirectory: undefined, ...makeCertificate(directory) };
  const work = {
    waf: true,
    holdProbe: false,
    endless: true,
    backend: "origin",
    originPort: origin.port,
  } as const;
  const candidate = await startCandidate(name, false, allowedCpus()[0]!, around, work);
  try {
    const figures: CorpusFigures[] = [];
    for (const corpus of corpora) {
      const judged: Judged[] = [];
      let next = 0;
      const run = async (): Promise<void> => {
        const lane = new Lane(candidate.httpPort, TIMEOUT_MS);
        for (let index = next++; index < corpus.cases.length; index = next++) {
          const one = corpus.cases[index]!;
          const answer = await lane.send(one);
          judged[index] = { one, verdict: judge(answer), status: answer.status, gate: "", rule: "" };
        }
        lane.close();
      };
      await Promise.all(Array.from({ length: LANES }, run));
      figures.push(figuresOf(corpus, judged));
    }
    return figures;
  } finally {
    await candidate.process.stop();
    await origin.close();
  }
}

function sharesOf({ rows }: CorpusFigures): readonly Share[] {
  return (["block", "pass"] as const).flatMap((expect) => {
    const of = rows.filter((row) => row.expect === expect);
    const cases = of.reduce((sum, row) => sum + row.n, 0);
    if (cases === 0) return [];
    return [{ expect, cases, refused: of.reduce((sum, row) => sum + row.waf + row.refused, 0) }];
  });
}

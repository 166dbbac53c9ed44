import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Case } from "../test/conformance/case.ts";
import { chunkedCases } from "../test/conformance/chunked.cases.ts";
import { fieldCases } from "../test/conformance/fields.cases.ts";
import { framingCases } from "../test/conformance/framing.cases.ts";
import { requestLineCases } from "../test/conformance/request-line.cases.ts";
import { startOrigin } from "../test/support/origin.ts";
import { connect } from "../test/support/raw-client.ts";
import { sharedFolder } from "../test/support/shared.ts";
import { type CandidateName, candidateNames, isSlow, startCandidate } from "./load/candidate.ts";
import { makeCertificate } from "./load/certificate.ts";
import { describeMachine, type Machine } from "./load/machine.ts";
import { isNodeProxy, isNodeProxyInstalled } from "./load/node-proxy.ts";
import { freePort } from "./load/process.ts";
import { allowedCpus } from "./load/run-all.ts";

/**
 * Requests that no proxy should pass on, sent to all of them: our own conformance cases that end with a refusal, and the
 * desync corpus where it is at hand. A case is passed on when its answer is below 400. Also how many harmless ones
 * each refuses. `node bench/conformance.ts [--candidates a,b] [--save]` after `npm run build`.
 */
const { values } = parseArgs({
  options: { candidates: { type: "string" }, save: { type: "boolean" } },
});

/** The content of results/conformance.json. */
interface Found {
  readonly date: string;
  readonly machine: Machine;
  readonly lines: readonly Line[];
}

interface Line {
  readonly candidate: CandidateName;
  /** Hostile or ambiguous requests sent, and of them those passed on. */
  readonly own: Share;
  readonly desync: Share | undefined;
  /** Harmless ones of the corpus, and of them those refused. */
  readonly harmless: Share | undefined;
}

interface Share {
  readonly sent: number;
  readonly wrong: number;
}

process.exitCode = await main();

async function main(): Promise<number> {
  process.env["ZION_BUILT"] = "1";
  const directory = mkdtempSync(path.join(tmpdir(), "zion-conformance-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  const cases = [...requestLineCases, ...fieldCases, ...framingCases, ...chunkedCases];
  // Limits and networks that a configuration sets are no question of conformance.
  const hostile = cases.filter(
    (one) => "refused" in one && one.reason !== "body_cap" && one.reason !== "internal_only",
  );
  const lines: Line[] = [];
  for (const name of chosen()) {
    try {
      lines.push(await probe(name, hostile, directory));
    } catch (error) {
      console.error(`${name} left out: ${(error as Error).message.split("\n")[0]}`);
    }
  }
  const found: Found = { date: new Date().toISOString(), machine: describeMachine(), lines };
  if (values.save === true)
    writeFileSync(
      path.join(import.meta.dirname, "results/conformance.json"),
      `${JSON.stringify(found, null, 1)}\n`,
    );
  return 0;
}

function chosen(): readonly CandidateName[] {
  const wanted = values.candidates?.split(",");
  return candidateNames.filter(
    (name) =>
      (wanted?.includes(name) ?? !isSlow(name)) &&
      name !== "before" &&
      (!isNodeProxy(name) || isNodeProxyInstalled(name)),
  );
}

async function probe(name: CandidateName, hostile: readonly Case[], directory: string): Promise<Line> {
  const around = { directory, beforeDirectory: undefined, ...makeCertificate(directory) };
  const origin = await startOrigin();
  const rawPort = await freePort();
  const shared = sharedFolder();
  const work = { waf: false, holdProbe: false, endless: true, backend: "origin" } as const;
  const cpu = allowedCpus()[0]!;
  const ours = await startCandidate(name, true, cpu, around, { ...work, originPort: origin.port });
  let own: Share;
  try {
    let wrong = 0;
    for (const one of hostile) {
      if (!(await passes(ours.httpPort, one.bytes))) continue;
      wrong++;
      if (name === "zion") console.error(`passed on: ${one.id} ${JSON.stringify(one.bytes.slice(0, 120))}`);
    }
    own = { sent: hostile.length, wrong };
  } finally {
    await ours.process.stop();
    await origin.close();
  }
  console.error(`${name}: ${own.wrong} of ${own.sent} passed on`);
  if (shared === undefined) return { candidate: name, own, desync: undefined, harmless: undefined };

  const raw = spawn(process.execPath, [path.join(shared, "tools/raw_upstream.mjs"), String(rawPort)]);
  await new Promise((done) => raw.stdout.once("data", done));
  const candidate = await startCandidate(name, true, cpu, around, { ...work, originPort: rawPort });
  try {
    const file = path.join(directory, `${name}.json`);
    const tool = path.join(shared, "tools/run_cases.mjs");
    const corpus = path.join(shared, "corpora/desync.jsonl");
    const args = [tool, corpus, "--port", String(candidate.httpPort), "--json", file, "--quiet"];
    const runner = spawn(process.execPath, args, { stdio: "ignore", timeout: 300_000 });
    await new Promise((done) => runner.once("exit", done));
    const { total } = JSON.parse(readFileSync(file, "utf8")) as Summary;
    const desync = { sent: total.block.n, wrong: total.block.n - total.block.ok };
    const harmless = { sent: total.pass.n, wrong: total.pass.n - total.pass.ok };
    console.error(
      `${name}: ${desync.wrong} of ${desync.sent} desync cases, ${harmless.wrong} of ${harmless.sent} harmless`,
    );
    return { candidate: name, own, desync, harmless };
  } finally {
    raw.kill("SIGKILL");
    await candidate.process.stop();
  }
}

/** What test/run_cases of the corpus writes. */
interface Summary {
  readonly total: Record<"block" | "pass", { readonly n: number; readonly ok: number }>;
}

/** A connection of its own; one that closes without an answer, or says nothing for two seconds, is a refusal. */
async function passes(port: number, bytes: string): Promise<boolean> {
  const client = await connect(port, { deadlineMs: 2000 });
  try {
    client.send(bytes);
    const answer = await client.answer();
    return answer !== undefined && answer.status < 400;
  } catch {
    return false;
  } finally {
    client.destroy();
  }
}

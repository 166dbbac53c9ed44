import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { type Case, get } from "../../test/conformance/case.ts";
import { chunkedCases } from "../../test/conformance/chunked.cases.ts";
import { fieldCases } from "../../test/conformance/fields.cases.ts";
import { framingCases } from "../../test/conformance/framing.cases.ts";
import { pathCases } from "../../test/conformance/path-cases.ts";
import { requestLineCases } from "../../test/conformance/request-line.cases.ts";
import { startOrigin } from "../../test/support/origin.ts";
import { connect } from "../../test/support/raw-client.ts";
import { sharedFolder } from "../../test/support/shared.ts";
import type { Candidate, CandidateName } from "../load/candidate.ts";
import { accepts, freePort } from "../load/process.ts";
import type { Http1Line, Share } from "./found.ts";
import { forEach, type Ground, start, withCandidate } from "./ground.ts";

/**
 * Requests that no proxy should pass on: those of our own cases that end with a refusal, and the desync corpus where
 * it is at hand, with how many harmless ones are refused. A case is passed on when its answer is below 400.
 */
export function probeHttp1(ground: Ground): Promise<readonly Http1Line[]> {
  return forEach(ground, ground.names, async (name) => {
    const { own, paths, ended } = await ownCases(ground, name);
    ground.say(
      `${name}: ${own.wrong} of ${own.sent}, ${paths.wrong} of ${paths.sent} paths passed on; ended by ${ended}`,
    );
    // Who may be gone in the middle of it cannot be counted.
    const corpus = ended > 0 ? undefined : await desyncCorpus(ground, name);
    return { candidate: name, own, paths, ended, desync: corpus?.desync, harmless: corpus?.harmless };
  });
}

// Limits and networks that a configuration sets are no question of conformance.
const configured = new Set(["body_cap", "internal_only"]);
const hostile: readonly Case[] = [
  ...requestLineCases,
  ...fieldCases,
  ...framingCases,
  ...chunkedCases,
].filter((one) => "refused" in one && !configured.has(one.reason));
const hostilePaths = pathCases.filter(({ reason }) => reason !== undefined);

/** How many probes of the catalogue of bad input our own cases are: it names 173, paths among them. */
export const ownProbes: number = hostile.length + hostilePaths.length;

interface OwnCases {
  readonly own: Share;
  readonly paths: Share;
  readonly ended: number;
}

async function ownCases(ground: Ground, name: CandidateName): Promise<OwnCases> {
  const origin = await startOrigin();
  const work = { originPort: origin.port };
  let candidate: Candidate | undefined;
  let ended = 0;
  const count = async (requests: readonly string[]): Promise<Share> => {
    let wrong = 0;
    for (const bytes of requests) {
      candidate ??= await start(ground, name, work);
      if (await passes(candidate.httpPort, bytes)) {
        wrong++;
        if (name === "zion") ground.say(`passed on: ${JSON.stringify(bytes.slice(0, 120))}`);
      }
      if (await accepts(candidate.httpPort)) continue;
      ended++;
      await candidate.process.stop();
      candidate = undefined;
    }
    return { sent: requests.length, wrong };
  };
  try {
    const own = await count(hostile.map(({ bytes }) => bytes));
    const paths = await count(hostilePaths.map((one) => get(one.path)));
    return { own, paths, ended };
  } finally {
    await candidate?.process.stop();
    await origin.close();
  }
}

/**
 * Whether a request is answered below 400, on a connection of its own. An answer without a head is HTTP/0.9: passed on,
 * too. A connection that closes without an answer, or says nothing for two seconds, is a refusal.
 */
export async function passes(port: number, bytes: string): Promise<boolean> {
  const client = await connect(port, { deadlineMs: 2000 });
  try {
    client.send(bytes);
    const answer = await client.answer();
    if (answer === undefined)
      return client.receivedBytes > 0 && !client.received.toString().startsWith("HTTP/");
    return answer.status < 400;
  } catch {
    return false;
  } finally {
    client.destroy();
  }
}

async function desyncCorpus(
  ground: Ground,
  name: CandidateName,
): Promise<Record<"desync" | "harmless", Share> | undefined> {
  const shared = sharedFolder();
  if (shared === undefined) return undefined;
  const originPort = await freePort();
  const raw = spawn(process.execPath, [path.join(shared, "tools/raw_upstream.mjs"), String(originPort)]);
  await new Promise((done) => raw.stdout.once("data", done));
  try {
    return await withCandidate(ground, name, { originPort }, async ({ httpPort }) => {
      const file = path.join(ground.around.directory, `${name}.json`);
      const tool = path.join(shared, "tools/run_cases.mjs");
      const corpus = path.join(shared, "corpora/desync.jsonl");
      const args = [tool, corpus, "--port", String(httpPort), "--json", file, "--quiet"];
      const runner = spawn(process.execPath, args, { stdio: "ignore", timeout: 300_000 });
      await new Promise((done) => runner.once("exit", done));
      const { total } = JSON.parse(readFileSync(file, "utf8")) as Summary;
      const desync = { sent: total.block.n, wrong: total.block.n - total.block.ok };
      const harmless = { sent: total.pass.n, wrong: total.pass.n - total.pass.ok };
      ground.say(
        `${name}: ${desync.wrong} of ${desync.sent} desync cases, ${harmless.wrong} of ${harmless.sent} harmless`,
      );
      return { desync, harmless };
    });
  } finally {
    raw.kill("SIGKILL");
  }
}

/** What run_cases of the corpus writes. */
interface Summary {
  readonly total: Record<"block" | "pass", { readonly n: number; readonly ok: number }>;
}

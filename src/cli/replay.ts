import { isIP } from "node:net";
import type { Config } from "../config/config.ts";
import { renderDiagnostics } from "../config/render.ts";
import {
  Comparison,
  type Flip,
  type Outcome,
  outcomeOf,
  outcomeOfPast,
  outcomeOfToday,
} from "../explain/comparison.ts";
import { type Explainer, openExplainer } from "../explain/explainer.ts";
import { pastOfDecision, type ShownDecision } from "../explain/past.ts";
import { type Arrival, type Recorded, recordedPast } from "../explain/recorded.ts";
import { judgeAgain, NOBODY, remainsOf } from "../explain/today.ts";
import { WishProblem } from "../explain/wish.ts";
import { systemClock } from "../std/clock.ts";
import { adminOf } from "./admin-client.ts";
import { exitCodes } from "./exit-code.ts";
import { SourceUnreadable } from "./explain-source.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";
import { type ReplayReport, replayPage } from "./replay-page.ts";
import { recordedIn } from "./replay-source.ts";

export interface ReplayOptions {
  /** Files, directories, or "running": the decisions of the gateway that runs. */
  readonly sources: readonly string[];
  readonly config: string | undefined;
  /** The configuration to compare with; undefined = what was decided then. */
  readonly against: string | undefined;
  readonly admin: string | undefined;
  /** File of the key of [capture]. */
  readonly captureKey: string | undefined;
  readonly from: string | undefined;
  readonly failOn: readonly (Flip | "undecidable")[];
  readonly format: "human" | "json";
}

/**
 * `zion replay`: what another configuration would decide about requests that came. Exit code 1 = there is something that
 * `failOn` names.
 */
export async function replayCommand(
  options: ReplayOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const sides: Side[] = [];
  try {
    if (options.from !== undefined && isIP(options.from) === 0)
      throw new WishProblem(`--from ${options.from}: expected an IP address`);
    const candidate = await openSide(options.config, environment);
    sides.push(candidate);
    const base = options.against === undefined ? undefined : await openSide(options.against, environment);
    if (base !== undefined) sides.push(base);
    const comparison = new Comparison();
    const progress = new Progress(output);
    for await (const batch of batchesOf(recordedFrom(options, candidate.config, environment))) {
      const [now, then] = await Promise.all([
        candidate.decide(batch),
        base === undefined ? batch.map(outcomeThen) : base.decide(batch),
      ]);
      for (const [index, one] of batch.entries()) comparison.add(one.id, then[index]!, now[index]!);
      progress.add(batch.length);
    }
    progress.end();
    const report: ReplayReport = {
      base: base?.file ?? "what was decided then",
      candidate: candidate.file,
      ...comparison.tally(),
    };
    output.out.write(
      options.format === "json"
        ? `${JSON.stringify({ format_version: "1.0", ...report }, undefined, 2)}\n`
        : replayPage(report),
    );
    return options.failOn.some((what) => isThere(report, what)) ? exitCodes.no : exitCodes.ok;
  } catch (error) {
    if (
      !(error instanceof CommandProblem) &&
      !(error instanceof WishProblem) &&
      !(error instanceof SourceUnreadable)
    )
      throw error;
    output.err.write(error.message.endsWith("\n") ? error.message : `zion: ${error.message}\n`);
    if (error instanceof CommandProblem) return error.exitCode;
    return error instanceof WishProblem ? exitCodes.usage : exitCodes.unavailable;
  } finally {
    for (const { explainer } of sides) explainer.close();
  }
}

class CommandProblem extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A configuration that decides. */
interface Side {
  readonly file: string;
  readonly config: Config;
  readonly explainer: Explainer;
  decide(batch: readonly Recorded[]): Promise<readonly Outcome[]>;
}

async function openSide(path: string | undefined, environment: NodeJS.ProcessEnv): Promise<Side> {
  const loaded = loadConfig(path);
  if (loaded.kind === "unreadable") throw new CommandProblem(exitCodes.unavailable, loaded.message);
  if (loaded.kind === "refused")
    throw new CommandProblem(
      exitCodes.no,
      renderDiagnostics(loaded.diagnostics, loaded.text, { color: false }),
    );
  const { config, file } = loaded;
  const explainer = await openExplainer({ config, generation: 0, environment });
  const secure = config.server.listenHttps !== undefined;
  return {
    file,
    config,
    explainer,
    async decide(batch) {
      const questions = batch.map(({ asked }) =>
        asked.kind === "whole"
          ? asked.question
          : asked.kind === "past"
            ? remainsOf(asked.past, secure)
            : undefined,
      );
      const explanations = await explainer.explain(questions.filter((one) => one !== undefined));
      let next = 0;
      return batch.map(({ asked }, index): Outcome => {
        const explanation = questions[index] === undefined ? undefined : explanations[next++];
        if (asked.kind === "lost") return { kind: "undecidable", why: asked.why };
        if (asked.kind === "whole") return outcomeOf(explanation!);
        return outcomeOfToday(judgeAgain(asked.past, explanation, config, systemClock.wallMs()), asked.past);
      });
    },
  };
}

/** Without a base: as it was decided then, or as a corpus expects it. */
function outcomeThen({ asked, wasAllowed }: Recorded): Outcome {
  if (asked.kind === "lost") return { kind: "undecidable", why: asked.why };
  if (wasAllowed === undefined)
    return { kind: "undecidable", why: "nobody says what was decided: name a configuration with --against" };
  if (asked.kind === "past") return outcomeOfPast(asked.past);
  return { kind: "decided", allowed: wasAllowed, route: "", by: "", place: "" };
}

async function* recordedFrom(
  { sources, admin, from, captureKey }: ReplayOptions,
  config: Config,
  environment: NodeJS.ProcessEnv,
): AsyncGenerator<Recorded> {
  const secure = config.server.listenHttps !== undefined;
  const arrival: Arrival = { from: from ?? NOBODY, sni: undefined, secure };
  for (const source of sources) {
    if (source === "running") yield* await askRunning(config, admin, environment);
    else yield* recordedIn(source, arrival, captureKey);
  }
}

/** What the gateway that runs remembers: 1,000 at most. */
async function askRunning(
  config: Config,
  admin: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<readonly Recorded[]> {
  const client = adminOf(config, admin, environment);
  if (client === undefined) throw new CommandProblem(exitCodes.unavailable, "the admin listener is off");
  try {
    const { status, body } = await client.get("/v1/decisions?limit=1000");
    if (status !== 200) throw new Error(`it says ${status}: ${body.trim()}`);
    const { decisions } = JSON.parse(body) as { readonly decisions: readonly ShownDecision[] };
    return decisions.map((one) => recordedPast(pastOfDecision(one)));
  } catch (error) {
    throw new CommandProblem(exitCodes.unavailable, `the gateway does not answer: ${String(error)}`);
  }
}

async function* batchesOf(recorded: AsyncIterable<Recorded>): AsyncGenerator<readonly Recorded[]> {
  let batch: Recorded[] = [];
  let bytes = 0;
  for await (const one of recorded) {
    batch.push(one);
    bytes += one.asked.kind === "whole" ? one.asked.question.bytes.length : 0;
    if (batch.length < BATCH_MAX && bytes < BATCH_BYTES_MAX) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

/** One message each: long enough to be worth it, short enough to show progress. */
const BATCH_MAX = 200;
const BATCH_BYTES_MAX = 4 * 1_048_576;

function isThere(report: ReplayReport, what: Flip | "undecidable"): boolean {
  if (what === "undecidable") return report.undecidable.length > 0;
  return (what === "allow-to-deny" ? report.allowDeny : report.denyAllow) > 0;
}

/** Counts on a terminal; elsewhere silent. */
class Progress {
  readonly #output: Output;
  #count = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  add(count: number): void {
    this.#count += count;
    if (this.#output.err.terminal) this.#output.err.write(`\r${this.#count} requests`);
  }

  end(): void {
    if (this.#output.err.terminal && this.#count > 0) this.#output.err.write("\r\x1b[K");
  }
}

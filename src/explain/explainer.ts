import { type ChildProcess, fork } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "../config/config.ts";
import { workerEnvironment, workerFlags } from "../control/flags.ts";
import { childStdio } from "../control/last-gasp.ts";
import type { Family } from "../control/obituaries.ts";
import type { RangeTable } from "../identity/range-table.ts";
import type { ClientScores } from "../identity/score-table.ts";
import type { LimitKey, LimitLevel, RunningLimits } from "../limit/usage.ts";
import { systemClock } from "../std/clock.ts";
import type { Explanation } from "./explanation.ts";
import type { LimitSeeds } from "./plane.ts";
import type { Question } from "./question.ts";

export type ToExplainer =
  | {
      readonly type: "open";
      readonly config: Config;
      readonly generation: number;
      /** Who is kept out by the gateway that runs; undefined = nobody, or not known. */
      readonly banned: RangeTable | undefined;
      /** Of the gateway that runs; undefined = there is none. */
      readonly seeds: LimitSeeds | undefined;
      /** What other edges say of clients; undefined = nothing, or not known. */
      readonly scores: ClientScores | undefined;
    }
  /** Which keys of limits it would be counted by. */
  | { readonly type: "limit_keys"; readonly question: Question }
  | {
      readonly type: "ask";
      readonly questions: readonly Question[];
      /** How far the keys are used up; undefined = not known. */
      readonly levels: readonly LimitLevel[] | undefined;
    };

export type FromExplainer =
  | { readonly type: "opened" }
  | { readonly type: "limit_keys"; readonly keys: readonly LimitKey[] }
  | { readonly type: "answers"; readonly explanations: readonly Explanation[] }
  | { readonly type: "failed"; readonly problem: string };

/** A process that explains requests, for one configuration. One call at a time. */
export interface Explainer {
  /** In the same order. Rejects when the process fails, or does not answer in time. */
  explain(questions: readonly Question[], levels?: readonly LimitLevel[]): Promise<readonly Explanation[]>;
  /** Which keys of limits the question would be counted by. */
  limitKeys(question: Question): Promise<readonly LimitKey[]>;
  close(): void;
}

export interface ExplainerOptions {
  readonly config: Config;
  /** 0 = a file that no gateway runs. */
  readonly generation: number;
  readonly banned?: RangeTable | undefined;
  /** Of the gateway that runs, and asks; undefined = what they counted is not known. */
  readonly limits?: RunningLimits | undefined;
  readonly scores?: ClientScores | undefined;
  /** Of the gateway that starts it; undefined = a command does. */
  readonly family?: Family | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

/** Starts the process (explainer-process.ts). Rejects when the configuration cannot be compiled. */
export async function openExplainer(options: ExplainerOptions): Promise<Explainer> {
  const { config, generation, banned, limits, scores, family, environment } = options;
  const seeds = limits === undefined ? undefined : { seed: limits.seed, store: limits.store };
  const child = fork(entry, [], {
    execArgv: [...workerFlags({ packageDir, workerCount: 1, logPath: undefined, isOffline: true })],
    env: workerEnvironment(environment),
    serialization: "advanced",
    stdio: childStdio("ignore", family?.lastGaspFile),
  });
  const startedMs = systemClock.nowMs();
  const onEnd = (code: number | null, signal: string | null): void => {
    if (code === 0 || child.killed) return;
    const uptimeMs = Math.round(systemClock.nowMs() - startedMs);
    family?.died({ process: "explainer", pid: child.pid!, code, signal, uptimeMs });
  };
  const ask = async (message: ToExplainer): Promise<FromExplainer> => {
    const answer = await exchange(child, message, onEnd);
    if (answer.type === "failed") throw new Error(answer.problem);
    return answer;
  };
  try {
    await ask({ type: "open", config, generation, banned, seeds, scores });
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return {
    async explain(questions, levels) {
      const answer = await ask({ type: "ask", questions, levels });
      return answer.type === "answers" ? answer.explanations : [];
    },
    async limitKeys(question) {
      const answer = await ask({ type: "limit_keys", question });
      return answer.type === "limit_keys" ? answer.keys : [];
    },
    close: () => void child.kill("SIGKILL"),
  };
}

/** One question to a process that is started for it, as the admin listener asks. */
export function explainFor(
  environment: NodeJS.ProcessEnv,
): (question: Question, by: Omit<ExplainerOptions, "environment">) => Promise<Explanation> {
  return async (question, by) => {
    const explainer = await openExplainer({ ...by, environment });
    try {
      // Keys are found out by the gates themselves, so the question is asked twice.
      const levels = await by.limits?.levels(await explainer.limitKeys(question));
      return (await explainer.explain([question], levels))[0]!;
    } finally {
      explainer.close();
    }
  };
}

function exchange(
  child: ChildProcess,
  message: ToExplainer,
  onEnd: (code: number | null, signal: string | null) => void,
): Promise<FromExplainer> {
  return new Promise((resolve, reject) => {
    const finish = (then: () => void): void => {
      clearTimeout(timer);
      child.removeAllListeners();
      // A pipe that breaks later is the next call's business.
      child.on("error", () => {});
      then();
    };
    const fail = (problem: string): void =>
      finish(() => reject(new Error(`the explaining process ${problem}`)));
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail("did not answer in time");
    }, ANSWER_WITHIN_MS);
    child.once("message", (answer) => finish(() => resolve(answer as FromExplainer)));
    child.once("exit", (code, signal) => {
      onEnd(code, signal);
      fail(`ended (${signal ?? code})`);
    });
    child.once("error", (cause: NodeJS.ErrnoException) =>
      fail(`cannot be used: ${cause.code ?? cause.message}`),
    );
    if (!child.connected) fail("is gone");
    else child.send(message, undefined, {}, () => {});
  });
}

/** For one configuration, or one batch of questions. */
const ANSWER_WITHIN_MS = 60_000;

const here = fileURLToPath(import.meta.url);
/** src/explain/explainer.ts or dist/explain/explainer.js */
const packageDir = dirname(dirname(dirname(here)));
const entry = join(dirname(here), here.endsWith(".ts") ? "explainer-process.ts" : "explainer-process.js");

import { type ChildProcess, fork } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "../config/config.ts";
import { workerEnvironment, workerFlags } from "../control/flags.ts";
import { childStdio } from "../control/last-gasp.ts";
import type { Family } from "../control/obituaries.ts";
import type { RangeTable } from "../identity/range-table.ts";
import { systemClock } from "../std/clock.ts";
import type { Explanation } from "./explanation.ts";
import type { Question } from "./question.ts";

export type ToExplainer =
  | {
      readonly type: "open";
      readonly config: Config;
      readonly generation: number;
      /** Who is kept out by the gateway that runs; undefined = nobody, or not known. */
      readonly banned: RangeTable | undefined;
    }
  | { readonly type: "ask"; readonly questions: readonly Question[] };

export type FromExplainer =
  | { readonly type: "opened" }
  | { readonly type: "answers"; readonly explanations: readonly Explanation[] }
  | { readonly type: "failed"; readonly problem: string };

/** A process that explains requests, for one configuration. One call at a time. */
export interface Explainer {
  /** In the same order. Rejects when the process fails, or does not answer in time. */
  explain(questions: readonly Question[]): Promise<readonly Explanation[]>;
  close(): void;
}

export interface ExplainerOptions {
  readonly config: Config;
  /** 0 = a file that no gateway runs. */
  readonly generation: number;
  readonly banned?: RangeTable | undefined;
  /** Of the gateway that starts it; undefined = a command does. */
  readonly family?: Family | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

/** Starts the process (explainer-process.ts). Rejects when the configuration cannot be compiled. */
export async function openExplainer(options: ExplainerOptions): Promise<Explainer> {
  const { config, generation, banned, family, environment } = options;
  const child = fork(entry, [], {
    execArgv: [...workerFlags({ packageDir, workerCount: 1, logPath: undefined })],
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
    await ask({ type: "open", config, generation, banned });
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return {
    async explain(questions) {
      const answer = await ask({ type: "ask", questions });
      return answer.type === "answers" ? answer.explanations : [];
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
      return (await explainer.explain([question]))[0]!;
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

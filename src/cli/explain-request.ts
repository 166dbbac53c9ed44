import { renderDiagnostics } from "../config/render.ts";
import { type Explainer, openExplainer } from "../explain/explainer.ts";
import type { Explanation } from "../explain/explanation.ts";
import { WishProblem } from "../explain/wish.ts";
import { exitCodes } from "./exit-code.ts";
import { explanationPage } from "./explain-page.ts";
import { type RequestSource, readRequest, SourceUnreadable } from "./explain-source.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";

export interface ExplainOptions extends RequestSource {
  readonly config: string | undefined;
  readonly format: "human" | "json";
}

/**
 * `zion explain REQUEST`: every step that a request would meet. Exit code 0 = it would be let in, 1 = it would be refused.
 */
export async function explainRequestCommand(options: ExplainOptions, output: Output): Promise<number> {
  const say = (code: number, problem: string): number => {
    output.err.write(`zion: ${problem}\n`);
    return code;
  };
  try {
    const question = readRequest(options);
    const loaded = loadConfig(options.config);
    if (loaded.kind === "unreadable") return say(exitCodes.unavailable, loaded.message);
    if (loaded.kind === "refused") {
      output.err.write(renderDiagnostics(loaded.diagnostics, loaded.text, { color: output.err.color }));
      return exitCodes.no;
    }
    const { config, file } = loaded;
    const explainer = await openExplainer({ config, generation: 0, environment: process.env });
    try {
      return show(await explainOne(explainer, question), file, options.format, output);
    } finally {
      explainer.close();
    }
  } catch (error) {
    if (error instanceof WishProblem) return say(exitCodes.usage, error.message);
    if (error instanceof SourceUnreadable) return say(exitCodes.unavailable, error.message);
    throw error;
  }
}

async function explainOne(
  explainer: Explainer,
  question: Parameters<Explainer["explain"]>[0][number],
): Promise<Explanation> {
  const [explanation] = await explainer.explain([question]);
  return explanation!;
}

/** Prints it; the exit code says what would come of the request. */
export function show(
  explanation: Explanation,
  where: string,
  format: "human" | "json",
  output: Output,
): number {
  output.out.write(
    format === "json"
      ? `${JSON.stringify({ format_version: "1.0", source: where, ...explanation }, undefined, 2)}\n`
      : explanationPage(explanation, where),
  );
  const { decision } = explanation.decision;
  return decision === "deny" || decision === "error" || decision === "incomplete"
    ? exitCodes.no
    : exitCodes.ok;
}

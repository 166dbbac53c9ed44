import type { Config } from "../config/config.ts";
import { renderDiagnostics } from "../config/render.ts";
import { explainFor } from "../explain/explainer.ts";
import type { Explanation } from "../explain/explanation.ts";
import type { Question } from "../explain/question.ts";
import { WishProblem } from "../explain/wish.ts";
import { adminOf } from "./admin-client.ts";
import { exitCodes } from "./exit-code.ts";
import { explanationPage } from "./explain-page.ts";
import { type RequestSource, readRequest, SourceUnreadable } from "./explain-source.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";

export interface ExplainOptions extends RequestSource {
  readonly config: string | undefined;
  /** By the gateway that runs; the configuration only says where it is asked. */
  readonly running: boolean;
  readonly admin: string | undefined;
  readonly format: "human" | "json";
}

/**
 * `zion explain REQUEST`: every step that a request would meet. Exit code 0 = it would be let in, 1 = it would be refused.
 */
export async function explainRequestCommand(
  options: ExplainOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
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
    const { format } = options;
    if (!options.running) {
      const by = { config, generation: 0 };
      return show(await explainFor(environment)(question, by), file, format, output);
    }
    const explanation = await askGateway(question, config, options.admin, environment);
    const where = `generation ${explanation.generation} of the gateway that runs`;
    return show(explanation, where, format, output);
  } catch (error) {
    if (error instanceof WishProblem) return say(exitCodes.usage, error.message);
    if (error instanceof SourceUnreadable) return say(exitCodes.unavailable, error.message);
    throw error;
  }
}

/** Throws SourceUnreadable when there is no answer. */
async function askGateway(
  { bytes, from, secure, serverName }: Question,
  config: Config,
  admin: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<Explanation> {
  const client = adminOf(config, admin, environment);
  if (client === undefined) throw new SourceUnreadable("the admin listener is off");
  const asked = { bytes: Buffer.from(bytes).toString("base64"), from, secure, server_name: serverName };
  let reply: Awaited<ReturnType<typeof client.post>>;
  try {
    reply = await client.post("/v1/explain", JSON.stringify(asked));
  } catch (error) {
    throw new SourceUnreadable(`the gateway does not answer: ${String(error)}`);
  }
  if (reply.status !== 200)
    throw new SourceUnreadable(`the gateway says ${reply.status}: ${reply.body.trim()}`);
  return JSON.parse(reply.body) as Explanation;
}

/** Prints it; the exit code says what would come of the request. */
function show(explanation: Explanation, where: string, format: "human" | "json", output: Output): number {
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

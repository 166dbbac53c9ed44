import { BadAnswer, ChallengeFailed } from "./acme-problem.ts";
import type { AcmeFailure, AcmeOutcome, AcmeReason, AcmeTask, RenewalTask, SayAcme } from "./acme-task.ts";
import {
  type AcmeProblem,
  type AcmeTransport,
  openAcmeTransport,
  readRetryAfter,
  resourceOf,
  TransportError,
} from "./acme-transport.ts";

const PROBLEM_LENGTH_MAX = 300;

/** Does one task and says how it went; never rejects. Only in a process of its own: it parses a stranger's answers. */
export async function runAcmeTask(task: AcmeTask, say: SayAcme): Promise<AcmeOutcome> {
  const access = task.kind === "renewal" ? task.access : task.login;
  const transport = openAcmeTransport(access);
  try {
    if (task.kind === "renewal") return await askRenewal(transport, task);
    // Half a second of CPU, which the question above does not need.
    const { changeKey, placeOrder } = await import("./acme-order.ts");
    if (task.kind === "order") return { type: "issued", chainPem: await placeOrder(transport, task, say) };
    await changeKey(transport, task, say);
    return { type: "rolled" };
  } catch (cause) {
    return failureOf(cause, transport.problem);
  } finally {
    transport.close();
  }
}

/** RFC 9773 §4.2. */
async function askRenewal(
  transport: AcmeTransport,
  { access, renewalId }: RenewalTask,
): Promise<AcmeOutcome> {
  const url = await resourceOf(transport, access.directoryUrl, "renewalInfo");
  if (url === undefined) return { type: "renewal", window: undefined, askAgainMs: undefined };
  const answer = await transport.send({
    url: `${url}/${renewalId}`,
    method: "get",
    headers: {},
    body: undefined,
  });
  if (answer.status !== 200) throw new Error(`the CA answers ${answer.status} about the renewal`);
  const { suggestedWindow } = JSON.parse(answer.text) as {
    readonly suggestedWindow?: { readonly start?: unknown; readonly end?: unknown };
  };
  const startMs = Date.parse(String(suggestedWindow?.start));
  const endMs = Date.parse(String(suggestedWindow?.end));
  if (!(startMs < endMs)) throw new BadAnswer("the CA's renewal window is none");
  return {
    type: "renewal",
    window: { startMs, endMs },
    askAgainMs: readRetryAfter(answer.headers["retry-after"]),
  };
}

const reasonOfProblem: Readonly<Record<string, AcmeReason>> = {
  rateLimited: "rate_limited",
  accountDoesNotExist: "account",
  externalAccountRequired: "account",
  invalidContact: "account",
  unsupportedContact: "account",
  unauthorized: "account",
  userActionRequired: "account",
  badNonce: "unreachable",
  serverInternal: "unreachable",
};

function failureOf(cause: unknown, problem: AcmeProblem | undefined): AcmeFailure {
  const text = cause instanceof Error ? cause.message : String(cause);
  return {
    type: "failed",
    reason: reasonOf(cause, problem),
    // Control characters of a stranger do not get into the log of the terminal.
    problem: text.replace(/[\p{Cc}\p{Cf}]/gu, " ").slice(0, PROBLEM_LENGTH_MAX),
    retryAfterMs: problem?.retryAfterMs,
  };
}

function reasonOf(cause: unknown, problem: AcmeProblem | undefined): AcmeReason {
  if (cause instanceof TransportError) return cause.reason;
  if (cause instanceof ChallengeFailed) return "challenge";
  if (cause instanceof BadAnswer) return "bad_answer";
  // An answer that was a success and could not be made sense of.
  if (problem === undefined) return "bad_answer";
  if (problem.status === 429) return "rate_limited";
  return reasonOfProblem[problem.type] ?? (problem.status >= 500 ? "unreachable" : "rejected");
}

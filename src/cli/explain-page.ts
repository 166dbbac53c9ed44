import type { ExplainedDecision, ExplainedFinding, Explanation, Step } from "../explain/explanation.ts";

/** An explanation for people. Gates that had nothing to look at are left out; JSON has them. */
export function explanationPage(explanation: Explanation, where: string): string {
  const { request, steps, findings, decision, undecided } = explanation;
  const title =
    request === undefined
      ? `a request that cannot be read, by ${where}`
      : `${request.method} ${request.scheme}://${request.host}${request.path} from ${request.client}, by ${where}`;
  const told = steps.filter((step) => !isIdle(step));
  const width = Math.max(...told.map(({ name }) => name.length));
  const lines = told.flatMap((step, index) => {
    const number = String(index + 1).padStart(2);
    const verdict = step.verdict === "ok" ? "" : `${step.verdict}: `;
    const line = `${number} ${step.name.padEnd(width)}  ${verdict}${step.says}`;
    return step.name === "waf" ? [line, ...findings.flatMap((one) => findingLines(one, width + 5))] : [line];
  });
  lines.push(`=  ${decisionText(decision)}`, ...hints(explanation));
  for (const one of undecided) lines.push(`?  not known here: ${one}`);
  return `${[title, ...lines].map((line) => line.trimEnd()).join("\n")}\n`;
}

function isIdle({ verdict, says }: Step): boolean {
  return verdict === "ok" && says === "";
}

/** Rule, place, and the bytes with a caret below them. */
function findingLines(finding: ExplainedFinding, indent: number): string[] {
  const { rule, score, shadow, place, start, end, decoders, text, from, to, why } = finding;
  const points = shadow ? "shadow" : `+${score}`;
  const after = decoders.length === 0 ? "as it came" : `after ${decoders.join(", ")}`;
  const margin = " ".repeat(indent);
  return [
    `${margin}${rule} (${points}): ${why}`,
    `${margin}${place}, bytes ${start} to ${end}, ${after}:`,
    `${margin}    ${text}`,
    `${margin}    ${" ".repeat(from)}${"^".repeat(Math.max(1, to - from))}`,
  ];
}

/** One sentence: what the client gets, and which row says so. */
export function decisionText(decision: ExplainedDecision): string {
  const { status, reason, doc, wafGate, wafDetail } = decision;
  switch (decision.decision) {
    case "allow":
      return "allowed: it goes to the upstream";
    case "shadow":
      return `allowed, because the route is in shadow: ${wafGate} ${wafDetail} would refuse it`;
    case "answer":
      return `answered by the gateway itself with ${status}`;
    case "incomplete":
      return "incomplete: there is nothing to decide yet";
    case "deny":
    case "error":
      return `refused with ${status === 0 ? "the end of the connection" : status}: ${reason}. ${doc}`;
  }
}

/** As one word of a shell. */
function word(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The narrowest way to let a field pass. */
function hints({ decision, findings }: Explanation): string[] {
  const counted = findings.filter(({ shadow }) => !shadow);
  if (decision.wafGate !== "patterns" || counted.length === 0) return [];
  return [
    "   if that is wrong, let it pass, and only there:",
    ...counted.map(
      ({ rule, place }) =>
        `     zion exclude --route ${word(decision.route)} --rule ${rule} --field ${word(place)}`,
    ),
  ];
}

import { codes, findCode } from "../config/codes.ts";
import { nearest } from "../config/suggest.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";

/** `Z1042`, and what somebody may have meant by it: digits are no request. */
export function isDiagnosticCode(word: string): boolean {
  return /^[zZ]?\d{1,5}\w{0,3}$/.test(word);
}

/** `zion explain Z1042`: the page of a diagnostic code. */
export function explainCommand(code: string, output: Output): number {
  const found = findCode(code);
  if (found === undefined) {
    const near = nearest(code, Object.keys(codes));
    output.err.write(
      `error: there is no diagnostic ${JSON.stringify(code)}${near === undefined ? "" : `\n(Did you mean ${near}?)`}\n`,
    );
    return exitCodes.usage;
  }
  const { row } = found;
  const parts = [
    `${found.code} (${row.severity}): ${row.title}`,
    row.why,
    `Effect: ${row.effect}\nFix:    ${row.fix}`,
  ];
  if (row.bad !== "")
    parts.push(
      `Refused:\n\n${indent(row.bad)}`.replace(
        "Refused",
        row.severity === "error" ? "Refused" : "Warned about",
      ),
    );
  if (row.good !== "") parts.push(`Good:\n\n${indent(row.good)}`);
  output.out.write(`${parts.join("\n\n")}\n`);
  return exitCodes.ok;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "    ");
}

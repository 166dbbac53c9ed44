import type { Finding } from "../waf/finding.ts";
import type { LineNames } from "./line-names.ts";
import type { ExchangeRecord } from "./record.ts";

/**
 * What the access log says of the WAF: gate, the rule that says most, points, and the findings with their places. Never
 * the matched text: it is the client's, and may be a password. At most `room` characters, ASCII; findings that do not
 * fit are counted.
 */
export function wafPart(
  record: ExchangeRecord,
  { rule, ruleset }: Pick<LineNames, "rule" | "ruleset">,
  room: number,
): string {
  let text = "";
  if (record.wafGate !== "") {
    text += `,"zion.waf.gate":"${record.wafGate}","zion.waf.mode":"${record.wafShadow ? "shadow" : "enforce"}"`;
    const top = record.findings.find(({ rule }) => rule.id === record.wafDetail);
    if (top === undefined) text += `,"zion.waf.detail":"${record.wafDetail}"`;
    else text += `,"${rule}":"${top.rule.id}","${ruleset}":"${top.rule.class}"`;
  }
  if (record.findings.length === 0) return text;
  text += `,"zion.waf.score":${record.wafScore},"zion.waf.findings":[`;
  for (const [index, finding] of record.findings.entries()) {
    const entry = findingText(finding);
    if (text.length + entry.length + 40 > room)
      return `${text}],"zion.waf.findings_left_out":${record.findings.length - index}`;
    text += index === 0 ? entry : `,${entry}`;
  }
  return `${text}]`;
}

/** Places are printable ASCII but may hold quotes. */
function findingText({ rule, place, start, end, decoders, shadow }: Finding): string {
  return JSON.stringify({
    rule: rule.id,
    place,
    bytes: [start, end],
    decoders,
    ...(shadow ? { shadow: true } : {}),
  });
}

import type { FlipGroup, Tally } from "../explain/comparison.ts";

export interface ReplayReport extends Tally {
  readonly base: string;
  readonly candidate: string;
}

/** The table of what two configurations decide, and what they decide differently, by route and rule. */
export function replayPage(report: ReplayReport): string {
  const { total, base, candidate, allowAllow, allowDeny, denyAllow, denyDeny, otherReason } = report;
  const cell = (count: number): string => grouped(count).padStart(16);
  const note = (count: number, text: string): string => (count === 0 ? "" : `   ${text}`);
  const lines = [
    `${grouped(total)} requests   base: ${base}   candidate: ${candidate}`,
    `${"".padEnd(12)}${"candidate allow".padStart(16)}${"candidate deny".padStart(16)}`,
    `${"base allow".padEnd(12)}${cell(allowAllow)}${cell(allowDeny)}${note(allowDeny, "newly refused")}`,
    `${"base deny".padEnd(12)}${cell(denyAllow)}${cell(denyDeny)}${note(otherReason, `${grouped(otherReason)} for another reason`)}`,
  ];
  for (const { why, count } of report.undecidable)
    lines.push(`undecidable ${grouped(count).padStart(6)}   ${why}`);
  lines.push(...report.flips.slice(0, FLIPS_SHOWN_MAX).map(flipLine));
  const rest = report.flips.length - FLIPS_SHOWN_MAX;
  if (rest > 0) lines.push(`and ${rest} groups more`);
  return `${lines.map((line) => line.replace(/[^\x20-\x7e]/g, "·").trimEnd()).join("\n")}\n`;
}

function flipLine({ flip, route, by, place, count, example }: FlipGroup): string {
  const what = flip === "allow-to-deny" ? "newly refused" : "newly allowed";
  const where = [route, by, place].filter((part) => part !== "").join("   ");
  return `${what} ${grouped(count).padStart(6)}x   ${where}   such as ${example}`;
}

/** 1234 as `1 234`. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, " ");
}

const FLIPS_SHOWN_MAX = 40;

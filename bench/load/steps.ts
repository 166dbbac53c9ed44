import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { StepFigure } from "../micro/figure.ts";
import { spread } from "./statistics.ts";

/** Scripts below bench/micro that measure single steps of a request, and print them as figures. */
const scripts = ["gate/limit.bench.ts", "identity/token.bench.ts", "audit/audit.bench.ts"] as const;

/** Runs them one after the other on this CPU, each in a process of its own. A script that fails leaves its text. */
export function measureSteps(cpu: number): {
  readonly steps: readonly StepFigure[];
  readonly notes: readonly string[];
} {
  const steps: StepFigure[] = [];
  const notes: string[] = [];
  for (const script of scripts) {
    const file = join(import.meta.dirname, "../micro", script);
    const { stdout, stderr, status } = spawnSync("taskset", ["-c", String(cpu), process.execPath, file], {
      encoding: "utf8",
      env: { ...process.env, ZION_FIGURES: "1" },
      timeout: 120_000,
    });
    if (status !== 0) notes.push(`${script} failed: ${stderr.trim().split("\n").at(-1)}`);
    for (const line of stdout.split("\n"))
      if (line.startsWith("{")) steps.push(JSON.parse(line) as StepFigure);
  }
  return { steps, notes };
}

/** Judged by the median over the rounds. */
export function stepTable(steps: readonly StepFigure[]): string {
  const lines = steps.map(({ title, limitUs, us }) => {
    const found = spread(us);
    if (found === undefined) return `| ${title} | ≤ ${limitUs} us | not measured | |`;
    const { median, min, max } = found;
    const digits = limitUs < 10 ? 2 : 0;
    const verdict = median <= limitUs ? "met" : "**missed**";
    return `| ${title} | ≤ ${limitUs} us | ${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)}) us | ${verdict} |`;
  });
  return `## Single steps\n\nIn a process of their own, CPU of one call.\n\n| step | limit | measured | |\n|---|---|---|---|\n${lines.join("\n")}`;
}

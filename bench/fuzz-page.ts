import type { FuzzResults } from "../test/fuzz/results.ts";

/** The part of docs/benchmarks.md that says how long each reader was searched for inputs that break it. */
export function fuzzSection(found: FuzzResults): string {
  const lines = Object.entries(found).map(
    ([target, { all, blocks, blocksBefore, seconds, lastNewSeconds, finding, date }]) =>
      `| ${target} | ${minutes(all.seconds)} | ${(all.executions / 1e6).toFixed(1)} | ${blocks} (${blocksBefore}) | ${minutes(lastNewSeconds)} of ${minutes(seconds)} | ${finding === undefined ? "none" : finding.error} | ${date.slice(0, 10)} |`,
  );
  return `## Fuzzing

\`npm run fuzz -- --seconds N --save\`, two targets at a time on the two CPUs, beside other work; minutes of CPU time since 2026-11-23,
05:30, of the clock before. A block is a stretch of code that runs as a whole; in brackets what the corpus reached before. The last search also says when it last reached a new one.

| target | minutes, all searches | million executions | blocks reached | last new, minute | findings | last search |
| --- | --: | --: | --: | --: | --- | --- |
${lines.join("\n")}`;
}

function minutes(seconds: number): string {
  return (seconds / 60).toFixed(1);
}

import { writeFileSync } from "node:fs";
import path from "node:path";
import { type Outcome, type Scenario, scenarios, simulate } from "../../test/mesh/simulation.ts";

/**
 * 50 edges that warn each other, in a simulation with a seed: how long it takes until all know, and how many messages.
 * Writes bench/results/mesh.md and mesh.svg.
 *
 *     node bench/mesh/simulation.ts
 */
const results = path.resolve(import.meta.dirname, "../results");
const runs = scenarios(50, 180, 20).map((scenario) => ({ scenario, outcome: simulate(scenario) }));
writeFileSync(path.join(results, "mesh.svg"), plot(runs));
const table = report(runs);
writeFileSync(path.join(results, "mesh-simulation.md"), table);
console.log(table);

interface Run {
  readonly scenario: Scenario;
  readonly outcome: Outcome;
}

function report(all: readonly Run[]): string {
  const rows = all.map(({ scenario, outcome }) => {
    const { latenciesMs, unknown, wronged, published, delivered, fetched, rejected } = outcome;
    const at = (share: number) => secs(latenciesMs[Math.ceil(latenciesMs.length * share) - 1]!);
    const refused = Object.values(rejected).reduce((sum, count) => sum + count, 0);
    const perEdge = (count: number) => (count / scenario.edges / (scenario.seconds / 60)).toFixed(1);
    return `| ${scenario.name} | ${at(0.5)} | ${at(0.99)} | ${at(1)} | ${unknown} | ${wronged} | ${published} (${perEdge(published)}) | ${delivered} | ${fetched} | ${refused} |`;
  });
  const { edges, seconds, attackers, byzantine } = all[0]!.scenario;
  return `# Mesh: 50 edges, simulated

${edges} edges, ${byzantine} of which lie about clients, replay, change and cut envelopes and revoke others; ${attackers} attackers, each seen by
three to five honest edges; quorum 3; ${seconds} s. The same seed gives the same run: \`node bench/mesh/simulation.ts\`.
Time is from the moment that a quorum had seen an attacker to the one when an edge knew, looked at every 250 ms.

| Network | Half know | 99 % know | All know | Never | Benign refused | Envelopes published (per edge and minute) | Delivered | Fetched | Claims refused |
| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |
${rows.join("\n")}

![share of edges that know, over time](mesh.svg)
`;
}

function secs(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Share of the pairs of attacker and edge that know, over time. */
function plot(all: readonly Run[]): string {
  const [width, height, left, bottom] = [720, 360, 60, 40];
  const colours = ["#1b7837", "#b35806", "#542788"];
  const longestMs = Math.max(...all.map(({ outcome }) => outcome.latenciesMs.at(-1)!));
  const x = (ms: number) => (left + (ms / longestMs) * (width - left - 20)).toFixed(1);
  const y = (share: number) => (height - bottom - share * (height - bottom - 60)).toFixed(1);
  const lines = all.map(({ scenario, outcome: { latenciesMs, unknown } }, i) => {
    const count = latenciesMs.length + unknown;
    const points = latenciesMs.map((ms, rank) => `${x(ms)},${y((rank + 1) / count)}`);
    const name = `<text x="${left + 10}" y="${18 + i * 16}" fill="${colours[i]}">${scenario.name}</text>`;
    return `<polyline fill="none" stroke="${colours[i]}" stroke-width="2" points="${x(0)},${y(0)} ${points.join(" ")}"/>${name}`;
  });
  const shares = [0, 0.5, 1].map(
    (share) =>
      `<line x1="${left}" x2="${width - 20}" y1="${y(share)}" y2="${y(share)}" stroke="#ddd"/><text x="${left - 8}" y="${y(share)}" text-anchor="end">${share * 100} %</text>`,
  );
  const times = Array.from({ length: Math.floor(longestMs / 10_000) + 1 }, (_, i) => i * 10_000).map(
    (ms) => `<text x="${x(ms)}" y="${height - bottom + 18}" text-anchor="middle">${ms / 1000} s</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="white"/>
${[...shares, ...times, ...lines].join("\n")}
<text x="${width / 2}" y="${height - 6}" text-anchor="middle">from the quorum's sighting to the edge's knowledge</text>
</svg>
`;
}

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Options } from "./load/options.ts";
import { against, type Row } from "./load/results.ts";
import { allowedCpus, runAll } from "./load/run-all.ts";
import type { ScenarioName } from "./load/scenarios.ts";

/**
 * CI's look at speed: the ratio to nginx in the same rounds, against the one that is committed. It fails when even the
 * best round is worse than the worst committed one by more than 15 %, twice: what a neighbour on the machine does is in
 * some rounds, what the code does is in all. `node bench/gate.ts [--write]` after `npm run build`; under a minute.
 */
const LOSS = 1.15;
const measured: readonly ScenarioName[] = ["get150", "tls-get", "waf-post-json"];
const file = path.join(import.meta.dirname, "results/baseline.json");

/** By scenario: lowest, middle and highest ratio of CPU per request to nginx's, over the rounds. */
type Baseline = Readonly<
  Record<string, { readonly min: number; readonly median: number; readonly max: number }>
>;

process.exitCode = await main();

async function main(): Promise<number> {
  const missing = ["nginx", "wrk", "taskset"].find((name) => spawnSync(name, ["-v"]).error !== undefined);
  if (process.platform !== "linux" || missing !== undefined || allowedCpus().length < 2) {
    console.log(
      `speed gate left out: it takes Linux, two CPUs, nginx and wrk${missing ? ` (no ${missing})` : ""}`,
    );
    return 0;
  }
  process.env["ZION_BUILT"] = "1";
  process.setMaxListeners(32);
  const directory = mkdtempSync(path.join(tmpdir(), "zion-gate-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
  if (process.argv.includes("--write")) {
    writeFileSync(file, `${JSON.stringify(await ratios(measured, 7, directory), null, 1)}\n`);
    return 0;
  }
  const baseline = JSON.parse(readFileSync(file, "utf8")) as Baseline;
  const lossesOf = (found: Baseline) =>
    Object.keys(found).filter((name) => found[name]!.min > baseline[name]!.max * LOSS) as ScenarioName[];
  const first = await ratios(measured, 3, directory);
  report(first, baseline);
  const suspects = lossesOf(first);
  if (suspects.length === 0) return 0;
  const second = await ratios(suspects, 5, directory);
  report(second, baseline);
  const losses = lossesOf(second);
  for (const name of losses)
    console.error(
      `${name}: more than ${Math.round((LOSS - 1) * 100)} % slower than bench/results/baseline.json`,
    );
  return losses.length;
}

function report(found: Baseline, baseline: Baseline): void {
  for (const [name, { min, median, max }] of Object.entries(found))
    console.log(
      `${name}: ${median.toFixed(2)}x nginx (${min.toFixed(2)} to ${max.toFixed(2)}); committed ${baseline[name]!.median.toFixed(2)}x (${baseline[name]!.min.toFixed(2)} to ${baseline[name]!.max.toFixed(2)})`,
    );
}

async function ratios(
  scenarios: readonly ScenarioName[],
  rounds: number,
  directory: string,
): Promise<Baseline> {
  const options: Options = {
    scenarios,
    candidates: ["zion", "nginx"],
    logs: [true],
    rounds,
    seconds: 1,
    warmUpSeconds: 2,
    idleConnections: 0,
    save: false,
    quick: true,
    before: undefined,
  };
  const rows = await runAll(options, options.candidates, directory);
  const broken = rows.find((row) => row.failed !== undefined);
  if (broken !== undefined) throw new Error(`${broken.scenario} ${broken.candidate}: ${broken.failed}`);
  return Object.fromEntries(
    scenarios.flatMap((name) => {
      const row = rows.find((one: Row) => one.scenario === name && one.candidate === "zion")!;
      const ratio = against(rows, row, "cpuUs");
      return ratio === undefined ? [] : [[name, ratio]];
    }),
  );
}

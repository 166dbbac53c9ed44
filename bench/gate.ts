import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describeMachine } from "./load/machine.ts";
import type { Options } from "./load/options.ts";
import { type Baseline, difference, judge, LOSS, ratioOf, type Surroundings } from "./load/regression.ts";
import type { Row } from "./load/results.ts";
import { allowedCpus, runAll } from "./load/run-all.ts";
import type { ScenarioName } from "./load/scenarios.ts";
import type { Spread } from "./load/statistics.ts";

/**
 * `npm test`'s look at speed: the ratio to nginx in the same rounds, against the one that is committed. It fails when even
 * the best round is worse than the worst committed one by more than 15 %, twice. Where it cannot tell (another machine, a
 * busy one, no nginx) it says so and passes. `npm run bench:gate`, under a minute; `-- --write` makes a new baseline.
 */
const measured: readonly ScenarioName[] = ["get150", "tls-get", "waf-post-json"];
const file = path.join(import.meta.dirname, "results/baseline.json");

process.exitCode = await main();

async function main(): Promise<number> {
  const { cpu, versions } = describeMachine();
  const missing = (["nginx", "wrk", "taskset"] as const).find((name) => versions[name] === undefined);
  if (process.platform !== "linux") return undecided("it takes Linux");
  if (missing !== undefined) return undecided(`there is no ${missing}`);
  const cpus = allowedCpus();
  if (cpus.length < 2) return undecided("it takes two CPUs: one for the gateway, one for the load");
  const here: Surroundings = { cpu, node: process.version, nginx: versions.nginx! };

  process.env["ZION_BUILT"] = "1";
  process.setMaxListeners(32);
  const directory = mkdtempSync(path.join(tmpdir(), "zion-gate-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
  if (process.argv.includes("--write"))
    return writeBaseline(here, await measure(measured, 7, directory, cpus));

  const baseline = JSON.parse(readFileSync(file, "utf8")) as Baseline;
  const other = difference(here, baseline);
  if (other !== undefined) return undecided(other);
  const verdicts = async (names: readonly ScenarioName[], rounds: number) => {
    const found = await measure(names, rounds, directory, cpus);
    report(found, baseline);
    return names.map((name) => ({ name, verdict: judge(found.get(name), baseline.ratios[name]!) }));
  };
  const doubtful = (await verdicts(measured, 3)).filter(({ verdict }) => verdict !== "met");
  if (doubtful.length === 0) return 0;
  const again = await verdicts(
    doubtful.map(({ name }) => name),
    5,
  );
  const open = again.filter(({ verdict }) => verdict === "undecidable").map(({ name }) => name);
  if (open.length > 0) undecided(`this machine is too busy for ${open.join(", ")}`);
  // Both times, or it was the machine.
  const lost = again.filter(
    ({ name, verdict }) =>
      verdict === "lost" && doubtful.some((one) => one.name === name && one.verdict === "lost"),
  );
  for (const { name } of lost)
    console.error(
      `${name}: more than ${Math.round((LOSS - 1) * 100)} % slower than bench/results/baseline.json`,
    );
  return lost.length;
}

function undecided(why: string): number {
  console.error(`\n=== SPEED IS NOT JUDGED: ${why} ===\n`);
  return 0;
}

function writeBaseline(here: Surroundings, found: Measured): number {
  const ratios: Record<string, Spread> = {};
  for (const [name, ratio] of found) {
    if (ratio === undefined) return 1;
    ratios[name] = ratio;
  }
  const baseline: Baseline = { ...here, ratios };
  writeFileSync(file, `${JSON.stringify(baseline, null, 1)}\n`);
  return 0;
}

function report(found: Measured, baseline: Baseline): void {
  for (const [name, ratio] of found)
    console.log(`${name}: ${text(ratio)} x nginx; committed ${text(baseline.ratios[name])}`);
}

function text(ratio: Spread | undefined): string {
  if (ratio === undefined) return "no undisturbed rounds";
  const { min, median, max } = ratio;
  return `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
}

type Measured = ReadonlyMap<ScenarioName, Spread | undefined>;

async function measure(
  scenarios: readonly ScenarioName[],
  rounds: number,
  directory: string,
  cpus: readonly number[],
): Promise<Measured> {
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
  const failure = (some: readonly Row[]) =>
    some.find(({ candidate, failed }) => candidate === "zion" && failed !== undefined)?.failed;
  let rows = await runAll(options, options.candidates, directory, cpus);
  // A start can take too long once. Wrong answers are wrong again. Without nginx's figures nothing can be decided.
  if (failure(rows) !== undefined) rows = await runAll(options, options.candidates, directory, cpus);
  if (failure(rows) !== undefined) throw new Error(failure(rows));
  return new Map(
    scenarios.map((name) => {
      const of = (candidate: string) =>
        rows.find((row) => row.scenario === name && row.candidate === candidate)!;
      return [name, ratioOf(of("zion"), of("nginx"))];
    }),
  );
}

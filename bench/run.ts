import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { judge } from "./load/bars.ts";
import { type CandidateName, isSlow } from "./load/candidate.ts";
import { describeMachine, type Machine } from "./load/machine.ts";
import { apacheRules, isInstalled, nginxRules } from "./load/modsecurity.ts";
import { isNodeProxy, isNodeProxyInstalled } from "./load/node-proxy.ts";
import { type Options, parseOptions, usage } from "./load/options.ts";
import { report } from "./load/report.ts";
import type { Results } from "./load/results.ts";
import { allowedCpus, runAll } from "./load/run-all.ts";
import { loadConnections, scenarios, slowConnections } from "./load/scenarios.ts";
import { measureSteps } from "./load/steps.ts";
import { checkout, zionProgram } from "./load/zion.ts";

/** `npm run bench`: drives the gateway and other proxies side by side. README.md tells how and why. */
async function main(args: readonly string[]): Promise<number> {
  // What is measured is what is shipped: the built form (`npm run bench` builds it first).
  process.env["ZION_BUILT"] = "1";
  const options = parseOptions(args);
  if (typeof options === "string") {
    console.log(options === "help" ? usage : `${options}\n${usage}`);
    return options === "help" ? 0 : 64;
  }
  const machine = describeMachine();
  const obstacle = whyNot(machine);
  if (obstacle !== undefined) {
    console.log(`load benchmark skipped: ${obstacle}`);
    return 0;
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // Not once: timeout(1) signals the whole group as well, and a second one must not cut the clean-up short.
    process.on(signal, () => process.exit(130));
  }
  // Every process started is killed at exit, each by a listener of its own.
  process.setMaxListeners(32);
  const directory = mkdtempSync(join(tmpdir(), "zion-bench-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));

  const { names, notes } = choose(options, machine);
  const { steps, notes: stepNotes } = measureSteps(allowedCpus()[0]!);
  const rows = await runAll(options, names, directory);
  const date = new Date().toISOString();
  const results: Results = {
    schema: 1,
    date,
    machine,
    options,
    steps,
    rows,
    notes: [...notes, ...stepNotes],
  };
  console.log(`\n${report(results)}`);
  if (options.save) save(results);
  // A bar missed is a result; a candidate that does not do the work makes the comparison void.
  return rows.some((row) => row.failed !== undefined) ? 1 : 0;
}

/** Why nothing can be measured here; undefined = it can. */
function whyNot({ versions }: Machine): string | undefined {
  if (process.platform !== "linux") return "it reads CPU time from /proc, which only Linux has";
  const missing = (["nginx", "wrk", "h2load", "openssl", "taskset"] as const).filter(
    (one) => versions[one] === undefined,
  );
  if (missing.length > 0) {
    return `${missing.join(", ")} not installed (Debian: apt-get install nginx haproxy wrk nghttp2-client openssl util-linux)`;
  }
  return allowedCpus().length < 2 ? "it needs two CPUs, one for the proxy and one for the load" : undefined;
}

function choose(
  options: Options,
  machine: Machine,
): { readonly names: readonly CandidateName[]; readonly notes: readonly string[] } {
  const notes: string[] = [];
  const names = options.candidates.filter((name) => {
    if (name === "before" && options.before === undefined) return false;
    const missing = whatLacks(name, options, machine);
    if (missing !== undefined) notes.push(`${name} is not here and was left out${missing}.`);
    return missing === undefined;
  });
  for (const note of notes) console.error(note);
  const takesPart = (name: CandidateName): boolean =>
    names.includes(name) &&
    options.scenarios.some((one) => (scenarios[one].candidates as readonly CandidateName[]).includes(name));
  if (names.some((name) => isSlow(name) && takesPart(name))) {
    notes.push(
      `ModSecurity is driven over ${slowConnections} connections, which keep it busy: its latencies are not those of ${loadConnections}.`,
    );
  }
  if (takesPart("haproxy")) {
    notes.push("HAProxy cannot write a log file itself: it logs unbuffered to its standard output, a file.");
  }
  return { names, notes };
}

/** How to get a candidate that is not installed, or ""; undefined = it is. */
function whatLacks(name: CandidateName, options: Options, { versions }: Machine): string | undefined {
  if (name === "zion" || name === "before") return hasProgram(name, options) ? undefined : "";
  if (name === "nginx" || name === "haproxy" || name === "caddy")
    return versions[name] === undefined ? ` (Debian: apt-get install ${name})` : undefined;
  if (isNodeProxy(name)) return isNodeProxyInstalled(name) ? undefined : " (npm ci --prefix bench/peers)";
  const rules = name === "nginx-modsecurity" ? nginxRules : apacheRules;
  return isInstalled(rules) ? undefined : ` (Debian: apt-get install ${rules.packages})`;
}

function hasProgram(name: "zion" | "before", { before }: Options): boolean {
  return zionProgram(name === "zion" ? checkout : resolve(before ?? "")) !== undefined;
}

function save(results: Results): void {
  const directory = join(import.meta.dirname, "results");
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${results.date.slice(0, 10)}-${results.machine.commit}.json`);
  writeFileSync(file, `${JSON.stringify({ ...results, verdicts: judge(results.rows) }, null, 1)}\n`);
  writeFileSync(join(directory, "latest.md"), report(results));
  console.error(`wrote ${relative(process.cwd(), file)} and latest.md`);
}

process.exitCode = await main(process.argv.slice(2));

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "../load/machine.ts";
import { freePort } from "../load/process.ts";
import { type Case, cases, type Outcome } from "./cases.ts";
import { products } from "./products.ts";
import { type Instance, type Place, type Product, startInstance } from "./proxy.ts";

const usage = `npm run prove:faults [-- OPTIONS]

  --only NAME,...      ${cases.map(({ name }) => name).join(", ")}
  --products NAME,...  ${products.map(({ name }) => name).join(", ")}
  --scale NUMBER       1 = the full form, 0.1 = a tenth of durations and counts
  --peer-scale NUMBER  the same for the others; default: as --scale
  --save               writes results/fault.md`;

/** A cell of the table, as it is kept in results/fault.json: a run replaces those that it has made anew. */
interface Line {
  readonly case: string;
  readonly product: string;
  readonly version: string;
  readonly outcome: Outcome | string;
  /** When and of what state of the source. */
  readonly time: string;
  readonly commit: string;
}

/** `npm run prove:faults`: does to every product what may happen to it, under load, and says what clients saw. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      products: { type: "string" },
      scale: { type: "string", default: "1" },
      "peer-scale": { type: "string" },
      save: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const wantedCases = cases.filter(({ name }) => values.only?.split(",").includes(name) ?? true);
  const wanted = products.filter(({ name }) => values.products?.split(",").includes(name) ?? true);
  const present = wanted.filter(({ name, version }) => {
    if (version === "") console.error(`${name} is not installed (Debian: apt-get install ${name})`);
    return version !== "";
  });
  const directory = mkdtempSync(join(tmpdir(), "zion-fault-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  const origin = await startOrigin();
  const { commit } = describeMachine();
  const lines: Line[] = [];
  let broken = 0;
  try {
    for (const one of wantedCases) {
      for (const product of present) {
        const scale = Number((product.name === "zion" ? undefined : values["peer-scale"]) ?? values.scale);
        const outcome = await runCase(one, product, scale, directory, origin.port);
        if (product.name === "zion" && (typeof outcome === "string" || !outcome.met)) broken++;
        const { name, version } = product;
        lines.push({
          case: one.name,
          product: name,
          version,
          outcome,
          time: new Date().toISOString(),
          commit,
        });
        if (values.save) save(lines);
        console.error(
          `${one.name} ${product.name}: ${typeof outcome === "string" ? outcome : `${outcome.met ? "met" : "MISSED"}: ${outcome.text}`}`,
        );
      }
    }
  } finally {
    origin.stop();
  }
  console.log(report(lines));
  return broken === 0 ? 0 : 1;
}

const results = join(import.meta.dirname, "../results");

/** After every cell: all of them take more than an hour. */
function save(lines: readonly Line[]): void {
  const file = join(results, "fault.json");
  const all = merge(existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Line[]) : [], lines);
  mkdirSync(results, { recursive: true });
  writeFileSync(file, `${JSON.stringify(all, null, 1)}\n`);
  writeFileSync(join(results, "fault.md"), report(all));
}

async function runCase(
  one: Case,
  product: Product,
  scale: number,
  parent: string,
  originPort: number,
): Promise<Outcome | string> {
  const missing = one.without?.(product);
  if (missing !== undefined) return missing;
  const directory = mkdtempSync(join(parent, `${product.name}-`));
  const place: Place = {
    directory,
    originPort,
    port: await freePort(),
    adminPort: await freePort(),
    workers: one.workers ?? 2,
  };
  let instance: Instance | undefined;
  try {
    instance = await startInstance(product, place, one.prefix?.(product) ?? []);
    return await one.run({ instance, scale });
  } catch (error) {
    return `failed: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    await instance?.stop();
    await one.cleanUp?.();
  }
}

/** In the order of the cases and products. */
function merge(old: readonly Line[], fresh: readonly Line[]): readonly Line[] {
  const all = [
    ...old.filter((one) => !fresh.some((two) => one.case === two.case && one.product === two.product)),
    ...fresh,
  ];
  const place = (line: Line) =>
    cases.findIndex(({ name }) => name === line.case) * 10 +
    products.findIndex(({ name }) => name === line.product);
  return all.toSorted((a, b) => place(a) - place(b));
}

function report(lines: readonly Line[]): string {
  const machine = describeMachine();
  const rows = cases.flatMap((one) => {
    const own = lines.filter((line) => line.case === one.name);
    const zion = own.find(({ product }) => product === "zion")?.outcome;
    const verdict = typeof zion === "object" ? ` zion: ${zion.met ? "met" : "**missed**"}.` : "";
    if (own.length === 0) return [];
    const cells = own.map(({ product, version, outcome, time, commit }) => {
      const text = typeof outcome === "string" ? outcome : outcome.text;
      return `| ${product} ${version} | ${text.replaceAll("|", "\\|")} | ${time.slice(0, 16)}Z, ${commit} |`;
    });
    return [
      `## ${one.title}`,
      "",
      `Bar: ${one.bar}.${verdict}`,
      "",
      "| | | |",
      "| --- | --- | --- |",
      ...cells,
      "",
    ];
  });
  return `# What clients see when something breaks

Written by \`npm run prove:faults -- --save\` (bench/fault); fault.json has the same. Every product got the same load from the same
script: 250 requests/s on connections of their own, 250/s on 50 kept ones, 10 WebSockets and 10 event streams where the row
does not say otherwise. A client gives up on an answer after 10 s ("silent"). zion inspects (WAF on); the others do not. The
machine was shared with other work: latencies are upper bounds, counts hold.

${machine.cpus} CPUs (${machine.cpu}), ${machine.system}, Node ${process.version}.

${rows.join("\n")}`;
}

async function startOrigin(): Promise<{ readonly port: number; stop(): void }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "origin.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once("data", (text: Buffer) => resolve(Number(String(text).trim())));
    child.once("exit", () => reject(new Error("the origin did not start")));
  });
  return { port, stop: () => void child.kill("SIGKILL") };
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
process.exitCode = await main();

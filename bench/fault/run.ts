import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "../load/machine.ts";
import { freePort } from "../load/process.ts";
import { type Case, cases, type Outcome } from "./cases.ts";
import { products } from "./products.ts";
import { type Instance, type Place, type Product, startInstance } from "./proxy.ts";

const usage = `npm run prove [-- OPTIONS]

  --only NAME,...      ${cases.map(({ name }) => name).join(", ")}
  --products NAME,...  ${products.map(({ name }) => name).join(", ")}
  --scale NUMBER       1 = the full form, 0.1 = a tenth of durations and counts
  --peer-scale NUMBER  the same for the others; default: as --scale
  --save               writes results/fault.md`;

interface Line {
  readonly of: Case;
  readonly product: Product;
  readonly scale: number;
  readonly outcome: Outcome | string;
}

/** `npm run prove`: does to every product what may happen to it, under load, and says what clients saw. */
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
  const origin = await startOrigin();
  const lines: Line[] = [];
  let broken = 0;
  try {
    for (const one of wantedCases) {
      for (const product of present) {
        const scale = Number((product.name === "zion" ? undefined : values["peer-scale"]) ?? values.scale);
        const outcome = await runCase(one, product, scale, directory, origin.port);
        if (product.name === "zion" && (typeof outcome === "string" || !outcome.met)) broken++;
        lines.push({ of: one, product, scale, outcome });
        console.error(
          `${one.name} ${product.name}: ${typeof outcome === "string" ? outcome : `${outcome.met ? "met" : "MISSED"}: ${outcome.text}`}`,
        );
      }
    }
  } finally {
    origin.stop();
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  }
  const text = report(lines, present);
  console.log(text);
  if (values.save) {
    const results = join(import.meta.dirname, "../results");
    mkdirSync(results, { recursive: true });
    writeFileSync(join(results, "fault.md"), text);
  }
  return broken === 0 ? 0 : 1;
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
    instance = await startInstance(product, place, one.prefix?.() ?? []);
    return await one.run({ instance, scale });
  } catch (error) {
    return `failed: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    await instance?.stop();
    await one.cleanUp?.();
  }
}

function report(lines: readonly Line[], present: readonly Product[]): string {
  const machine = describeMachine();
  const cell = ({ outcome }: Line) =>
    typeof outcome === "string" ? outcome : outcome.text.replaceAll("|", "\\|");
  const rows = cases.flatMap((one) => {
    const own = lines.filter(({ of }) => of === one);
    if (own.length === 0) return [];
    const zion = own.find(({ product }) => product.name === "zion");
    const verdict =
      zion === undefined || typeof zion.outcome === "string" ? "" : zion.outcome.met ? "met" : "**missed**";
    return [
      `### ${one.title}`,
      "",
      `Bar: ${one.bar}. ${verdict === "" ? "" : `zion: ${verdict}.`}`,
      "",
      "| | |",
      "| --- | --- |",
      ...own.map((line) => `| ${line.product.name} | ${cell(line)} |`),
      "",
    ];
  });
  return `# What clients see when something breaks

Written by \`npm run prove -- --save\` (bench/fault). Every product got the same load from the same script: 250 requests/s on
connections of their own, 250/s on 50 kept ones, 10 WebSockets and 10 event streams where the row does not say otherwise. A
client gives up on an answer after 10 s ("silent"). Latencies are upper bounds, the machine was shared; counts hold.

${new Date().toISOString().slice(0, 16)}Z, commit ${machine.commit}${machine.dirty ? " with changes" : ""}, ${machine.cpus} CPUs (${machine.cpu}), ${machine.system}, Node ${process.version}.
${present.map(({ name, version }) => `${name} ${version}`).join(", ")}. zion inspects (WAF on); the others do not.

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

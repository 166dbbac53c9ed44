import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { makeSelfSigned } from "../src/cert/self-signed.ts";
import { cpuSeconds, readTree } from "./load/proc.ts";
import { checkout } from "./load/zion.ts";

/**
 * What a gateway with one worker costs while nobody asks for anything: CPU of its whole tree (bar: 2 % of a core) and memory,
 * against 120 MB. `node bench/idle.ts [--seconds 30] [--save]` after `npm run build`; Linux only.
 */
const { values } = parseArgs({
  options: { seconds: { type: "string", default: "30" }, save: { type: "boolean" } },
});
const seconds = Number(values.seconds);
/** Start-up work, such as compiling rules and collecting its garbage, is over by then. */
const settleMs = 15_000;
const BAR_PERCENT = 2;

const smallest = `[server]
listen_http = "127.0.0.1:0"
workers = 1

[upstream.app]
url = "http://127.0.0.1:9"
health = { interval_ms = 0 }

[[route]]
path = "/{*rest}"
upstream = "app"

[telemetry]
listen = "127.0.0.1:0"

[admin]
listen = "127.0.0.1:0"
`;

/** TLS, an audit log with its process, limits, bans and health probes, as a pod of the chart may have them. */
const whole = `${smallest
  .replace(
    "workers = 1",
    'workers = 1\nlisten_https = "127.0.0.1:0"\nstate_dir = "DIR/state"\nlimits = ["client"]',
  )
  .replace("interval_ms = 0", "interval_ms = 10000")}
[tls]
cert_path = "DIR/tls.crt"
key_path = "DIR/tls.key"

[limit.client]
rate = 50

[ban]

[audit]
enabled = true
path = "DIR/audit"
key_file = "DIR/audit.key"
`;

interface Idle {
  readonly name: string;
  readonly cpuPercent: number;
  readonly processes: readonly { readonly name: string; readonly rssMb: number; readonly pssMb: number }[];
}

async function measure(name: string, toml: string): Promise<Idle> {
  const directory = mkdtempSync(join(tmpdir(), "zion-idle-"));
  const pair = makeSelfSigned({ names: ["localhost"], days: 30 });
  for (const [file, contents] of [
    ["zion.toml", toml.replaceAll("DIR", directory)],
    ["tls.crt", pair.certPem],
    ["tls.key", pair.keyPem],
    ["audit.key", "k".repeat(32)],
  ] as const)
    writeFileSync(join(directory, file), contents, { mode: 0o600 });
  const args = [join(checkout, "bin/zion.js"), "run", "-c", join(directory, "zion.toml")];
  const child = spawn(process.execPath, args, { env: { ...process.env, ZION_BUILT: "1" }, stdio: "ignore" });
  try {
    await sleep(settleMs);
    const before = cpuSeconds(readTree(child.pid!));
    await sleep(seconds * 1000);
    const tree = readTree(child.pid!);
    if (tree.length < 2) throw new Error(`${name}: the gateway does not run`);
    const cpuPercent = ((cpuSeconds(tree) - before) / seconds) * 100;
    return { name, cpuPercent, processes: tree.map(({ pid }) => ({ name: roleOf(pid), ...memoryOf(pid) })) };
  } finally {
    for (const { pid } of readTree(child.pid!)) process.kill(pid, "SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
}

function roleOf(pid: number): string {
  const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
  if (line.includes("worker-process")) return "worker";
  if (line.includes("audit")) return "audit writer";
  return line.includes("zion.toml") ? "primary" : "guard";
}

function memoryOf(pid: number): { readonly rssMb: number; readonly pssMb: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]);
  return { rssMb: kb("Rss") / 1024, pssMb: kb("Pss") / 1024 };
}

const rows: Idle[] = [];
for (const [name, toml] of [
  ["smallest", smallest],
  ["TLS, audit log, limits, probes", whole],
] as const)
  rows.push(await measure(name, toml));

const sum = ({ processes }: Idle, key: "rssMb" | "pssMb") =>
  processes.reduce((all, one) => all + one[key], 0);
const report = `# Idle

\`node bench/idle.ts --seconds ${seconds}${values.save ? " --save" : ""}\`, ${new Date().toISOString()}, Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)}, built form, one worker, nobody
asks for anything. CPU is that of the whole tree, of one core (bar: ${BAR_PERCENT} %). Memory is that of all processes together, to be
read against 120 MB: RSS counts what processes share once for each of them, PSS once in all.

| | CPU | RSS, MB | PSS, MB | RSS / PSS of each |
| --- | --- | --- | --- | --- |
${rows
  .map(
    (row) =>
      `| ${row.name} | ${row.cpuPercent.toFixed(2)} % | ${sum(row, "rssMb").toFixed(0)} | ${sum(row, "pssMb").toFixed(0)} | ${row.processes
        .map(({ name, rssMb, pssMb }) => `${name} ${rssMb.toFixed(0)} / ${pssMb.toFixed(0)}`)
        .join(", ")} |`,
  )
  .join("\n")}
`;
process.stdout.write(report);
if (values.save) writeFileSync(join(checkout, "bench/results/idle.md"), report);
process.exitCode = rows.every(({ cpuPercent }) => cpuPercent <= BAR_PERCENT) ? 0 : 1;

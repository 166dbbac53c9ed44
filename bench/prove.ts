import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

/**
 * `npm run prove`: everything that is claimed of the gateway, measured again beside the others, with the figures in
 * bench/results and docs/benchmarks.md made anew. Each part is a program of its own that can be run alone.
 */
const parts = {
  speed: [
    [
      "bench/run.ts",
      "--candidates",
      "zion,nginx,haproxy,caddy,nginx-modsecurity,apache-modsecurity,http-proxy-3,fastify-http-proxy,http2-proxy,fast-proxy",
      "--save",
    ],
    ["bench/rates.ts", "--save"],
    ["bench/growth.ts", "--save"],
    ["bench/observed.ts", "--save"],
  ],
  faults: [["bench/fault/run.ts", "--save"]],
  detection: [["test/eval/run.ts"], ["bench/detection.ts", "--save"]],
  conformance: [["bench/conformance.ts", "--save"]],
  soak: [["bench/soak.ts", "--minutes", "120", "--save"]],
} as const;
type Part = keyof typeof parts;
const names = Object.keys(parts) as Part[];

const { values } = parseArgs({
  options: { only: { type: "string" }, help: { type: "boolean", default: false } },
});
const wanted = values.only?.split(",") ?? names;
const unknown = wanted.filter((name) => !names.includes(name as Part));
if (values.help || unknown.length > 0) {
  if (unknown.length > 0) console.error(`unknown part: ${unknown.join(", ")}`);
  console.log(
    `npm run prove [-- --only ${names.join(",")}]\n\nAll parts take about five hours. README.md in bench/ describes them.`,
  );
  process.exit(unknown.length > 0 ? 64 : 0);
}

let failed = 0;
for (const part of names.filter((name) => wanted.includes(name))) {
  for (const [file, ...args] of parts[part]) {
    console.error(`\n== ${part}: ${file} ${args.join(" ")}`);
    if (spawnSync(process.execPath, [file, ...args], { stdio: "inherit" }).status !== 0) failed++;
  }
}
const page = spawnSync(process.execPath, ["bench/page.ts", "--write"], { stdio: "inherit" });
process.exitCode = failed === 0 && page.status === 0 ? 0 : 1;

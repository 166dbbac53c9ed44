import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { makeSelfSigned } from "../src/cert/self-signed.ts";
import { type Candidate, type CandidateName, startCandidate } from "./load/candidate.ts";
import { startOrigin } from "./load/origin.ts";
import { cpuSeconds, readTree } from "./load/proc.ts";
import { getSmall, postSmall, type Traffic } from "./load/traffic.ts";

/**
 * HTTP/2 over TLS from clients to an HTTP/1.1 upstream: microseconds of CPU a request, the gateway and nginx in turns,
 * driven by h2load. `node bench/http2.ts [other checkout]`; needs h2load, nginx and taskset. A ratio is one within a
 * round. ROUNDS and CONNECTIONS may be set in the environment.
 */
const ROUNDS = Number(process.env["ROUNDS"] ?? 5);
const RUNS = 4;
const CONNECTIONS = 16;
/** Both proxies close a connection after this many requests. */
const REQUESTS = 1000 * CONNECTIONS;
const STREAMS = 8;
const PROXY_CPU = 0;
const LOAD_CPU = 1;

const scenarios: Readonly<Record<string, Traffic>> = { "GET 150 B": getSmall, "POST 1 kB": postSmall };

const directory = mkdtempSync(path.join(tmpdir(), "zion-http2-"));
const beforeDirectory = process.argv[2];
const names: CandidateName[] = [
  "zion",
  ...(beforeDirectory === undefined ? [] : ["before" as const]),
  "nginx",
];
const candidates: Candidate[] = [];
const origin = await startOrigin(LOAD_CPU, directory, 1);
try {
  const certFile = path.join(directory, "tls.crt");
  const keyFile = path.join(directory, "tls.key");
  const { certPem, keyPem } = makeSelfSigned({ names: ["localhost", "127.0.0.1"], days: 2 });
  writeFileSync(certFile, certPem);
  writeFileSync(keyFile, keyPem, { mode: 0o600 });
  const around = {
    directory,
    originPort: origin.port,
    certFile,
    keyFile,
    bothFile: certFile,
    beforeDirectory,
  };
  mkdirSync(path.join(directory, "load"));
  for (const name of names)
    candidates.push(await startCandidate(name, true, PROXY_CPU, around, { waf: false, holdProbe: false }));
  for (const [title, traffic] of Object.entries(scenarios)) {
    for (const candidate of candidates) await measure(candidate, traffic);
    const ratios = new Map<CandidateName, number[]>();
    for (let round = 1; round <= ROUNDS; round++) {
      const costs: [CandidateName, number][] = [];
      for (const candidate of candidates) costs.push([candidate.name, await measure(candidate, traffic)]);
      const nginx = costs.at(-1)![1];
      for (const [name, cost] of costs) ratios.set(name, [...(ratios.get(name) ?? []), cost / nginx]);
      console.log(`${title}: ${costs.map(([name, cost]) => `${name} ${cost.toFixed(1)} us`).join(", ")}`);
    }
    for (const [name, all] of ratios) {
      all.sort((a, b) => a - b);
      const [low, middle, high] = [all[0]!, all[all.length >> 1]!, all.at(-1)!];
      if (name !== "nginx")
        console.log(
          `${title}: ${name} ${middle.toFixed(2)}x nginx (${low.toFixed(2)} to ${high.toFixed(2)})`,
        );
    }
  }
} finally {
  for (const candidate of candidates) await candidate.process.stop();
  await origin.process.stop();
  rmSync(directory, { recursive: true, force: true });
}

/** Microseconds of CPU a request. */
async function measure(candidate: Candidate, traffic: Traffic): Promise<number> {
  const root = candidate.process.pid;
  const before = cpuSeconds(readTree(root));
  let done = 0;
  for (let run = 0; run < RUNS; run++) done += await load(candidate.httpsPort, traffic);
  const used = cpuSeconds(readTree(root)) - before;
  candidate.takeLogLines();
  return (used * 1_000_000) / done;
}

/** Requests that were answered 2xx. */
async function load(port: number, traffic: Traffic): Promise<number> {
  const options = ["-c", String(CONNECTIONS), "-m", String(STREAMS), "-t1", "-n", String(REQUESTS)];
  for (const [name, value] of traffic.fields)
    if (name !== "Content-Length") options.push("-H", `${name.toLowerCase()}: ${value}`);
  if (traffic.body !== "") {
    const file = path.join(directory, "load", "body");
    writeFileSync(file, traffic.body);
    options.push("-d", file);
  }
  const url = `https://127.0.0.1:${port}${traffic.target}`;
  const child = spawn("taskset", ["-c", String(LOAD_CPU), "h2load", ...options, url]);
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => (text += bytes.toString()));
  await new Promise((resolve) => child.on("close", resolve));
  const status = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(text);
  const failed = /(\d+) failed, (\d+) errored, (\d+) timeout/.exec(text);
  if (status === null || failed === null) throw new Error(`h2load said: ${text}`);
  if (Number(status[3]) + Number(status[4]) > 0 || Number(failed[2]) > 0)
    console.log(`  ${status[0]}; ${failed[0]}`);
  return Number(status[1]);
}

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { group, suite } from "./client.ts";
import { type Load, runGenerator } from "./generator.ts";
import { loadOf } from "./handshakes.ts";
import type { Traffic } from "./traffic.ts";

/** Where h2load is sent, and what with. */
export interface H2loadRun {
  readonly cpu: number;
  /** Of the candidate, with TLS. */
  readonly port: number;
  readonly traffic: Traffic;
  readonly seconds: number;
  /** Written anew for each run: the body, and a line per answer. */
  readonly bodyFile: string;
  readonly logFile: string;
}

/** Connections, and streams on each, as in performance.md §5. */
const CONNECTIONS = 16;
const STREAMS = 8;
/** Of uploads as few as keep the candidate busy: those under way when the window ends count for nobody. */
const UPLOAD_BYTES = 1_000_000;
const UPLOAD_CONNECTIONS = 2;

/** One closed loop of all its streams over HTTP/2. Rejects when h2load fails or overstays by 15 s. */
export function runH2load(run: H2loadRun): Promise<Load> {
  const { cpu, port, traffic, seconds, bodyFile, logFile } = run;
  rmSync(logFile, { force: true });
  const isUpload = traffic.body.length >= UPLOAD_BYTES;
  const args = [
    "h2load",
    `-c${isUpload ? UPLOAD_CONNECTIONS : CONNECTIONS}`,
    `-m${isUpload ? 1 : STREAMS}`,
    `--duration=${seconds}`,
    `--tls13-ciphers=${suite}`,
    `--groups=${group}`,
    `--connect-to=127.0.0.1:${port}`,
    `--log-file=${logFile}`,
  ];
  // h2load counts the body itself.
  for (const [name, value] of traffic.fields)
    if (name !== "Content-Length") args.push("-H", `${name.toLowerCase()}: ${value}`);
  if (traffic.body !== "") {
    writeFileSync(bodyFile, traffic.body, "latin1");
    args.push("-d", bodyFile);
  }
  args.push(`https://localhost:${port}${traffic.target}`);
  return runGenerator(args, { cpu, timeoutMs: (seconds + 15) * 1000 }, (output) =>
    parseH2load(output, existsSync(logFile) ? readFileSync(logFile, "latin1") : ""),
  );
}

/** Reads h2load's summary, and the times from its log: a line per answer with start, status and microseconds. */
export function parseH2load(output: string, log: string): Load | undefined {
  const finished = /^finished in ([\d.]+)(m?s),/m.exec(output);
  const counts =
    /^requests: \d+ total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/m.exec(
      output,
    );
  const statuses = /^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/m.exec(output);
  const data = /^traffic: .*\((\d+)\) data$/m.exec(output);
  if (finished === null || counts === null || statuses === null || data === null) return undefined;
  const times: number[] = [];
  for (const line of log.split("\n")) {
    const [, status, us] = line.split("\t");
    if (status === "200") times.push(Number(us) / 1000);
  }
  const statusErrors = Number(statuses[3]) + Number(statuses[4]);
  return {
    ...loadOf(times, {
      seconds: finished[2] === "ms" ? Number(finished[1]) / 1000 : Number(finished[1]),
      bytes: Number(data[1]),
      socketErrors: Number(counts[2]) - statusErrors,
      statusErrors,
    }),
    requests: Number(counts[1]),
  };
}

import { writeFileSync } from "node:fs";
import { type Load, runGenerator } from "./generator.ts";
import type { Scenario } from "./scenarios.ts";
import { printRequest } from "./traffic.ts";

/** Where wrk is sent and what with. */
export interface WrkRun {
  readonly cpu: number;
  readonly scriptFile: string;
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
  /** OpenSSL configuration that fixes key exchange group and cipher suite. */
  readonly opensslConf: string;
}

/** Marks the line the Lua script prints; the rest of wrk's output is for people. */
const mark = "zion-bench ";

/** One closed loop of all its connections. Rejects when wrk fails or overstays by 15 s. */
export function runWrk(run: WrkRun): Promise<Load> {
  const args = ["wrk", "-t1", `-c${run.connections}`, `-d${run.seconds}s`, "--timeout", "10s", "--latency"];
  const options = {
    cpu: run.cpu,
    timeoutMs: (run.seconds + 15) * 1000,
    env: { ...process.env, OPENSSL_CONF: run.opensslConf },
  };
  return runGenerator([...args, "-s", run.scriptFile, run.url], options, parseWrk);
}

/** Reads the marked line of an output; undefined when it is missing or not whole. */
export function parseWrk(output: string): Load | undefined {
  const line = output.split("\n").find((one) => one.startsWith(mark));
  if (line === undefined) return undefined;
  const keys = ["requests", "us", "bytes", "p50", "p99", "p999", "socket", "status"] as const;
  const values = line.slice(mark.length).trim().split(/\s+/);
  const read = new Map<string, number>();
  for (const value of values) {
    const [key = "", number = ""] = value.split("=");
    if (number !== "" && Number.isFinite(Number(number))) read.set(key, Number(number));
  }
  if (keys.some((key) => !read.has(key))) return undefined;
  const of = (key: (typeof keys)[number]): number => read.get(key)!;
  return {
    requests: of("requests"),
    seconds: of("us") / 1e6,
    bytes: of("bytes"),
    p50Ms: of("p50") / 1000,
    p99Ms: of("p99") / 1000,
    p999Ms: of("p999") / 1000,
    socketErrors: of("socket"),
    statusErrors: of("status"),
  };
}

/**
 * Writes the Lua script of one scenario for one authority. The request is printed here, once, in the order a
 * browser sends its fields: wrk's own printer would order them by hash.
 */
export function writeWrkScript(file: string, scenario: Scenario, authority: string): void {
  const extra = scenario.close ? ([["Connection", "close"]] as const) : [];
  const request = printRequest(scenario.traffic, authority, extra);
  writeFileSync(
    file,
    `local bytes = ${luaString(request)}
wrk.method = "${scenario.traffic.method}"
wrk.format = function() return bytes end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("${mark}requests=%d us=%d bytes=%d p50=%d p99=%d p999=%d socket=%d status=%d\\n",
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    e.connect + e.read + e.write + e.timeout, e.status))
end
`,
  );
}

/** Decimal escapes for everything that is not plain: valid in every Lua. */
export function luaString(text: string): string {
  const escaped = text.replace(
    /["\\\n\r\0]|[^\x20-\x7e]/g,
    (char) => `\\${char.charCodeAt(0).toString().padStart(3, "0")}`,
  );
  return `"${escaped}"`;
}

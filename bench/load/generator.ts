import { spawn } from "node:child_process";

/** What a generator saw in one window. Times as the client waited, milliseconds. */
export interface Load {
  readonly requests: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Connections that failed, answers that did not arrive, time-outs. */
  readonly socketErrors: number;
  /** Answers with a status above 399. */
  readonly statusErrors: number;
}

/** A load generator's run on one CPU. Rejects when it fails, says nothing that `parse` can read, or takes longer. */
export function runGenerator(
  args: readonly string[],
  options: { readonly cpu: number; readonly timeoutMs: number; readonly env?: NodeJS.ProcessEnv },
  parse: (output: string) => Load | undefined,
): Promise<Load> {
  const child = spawn("taskset", ["-c", String(options.cpu), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: options.env ?? process.env,
    timeout: options.timeoutMs,
    killSignal: "SIGKILL",
  });
  const kill = (): unknown => child.kill("SIGKILL");
  process.on("exit", kill);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      process.off("exit", kill);
      const load = parse(output);
      if (code === 0 && load !== undefined) resolve(load);
      else reject(new Error(`${args[0]} ended with ${code}:\n${output.slice(0, 2000)}`));
    });
  });
}

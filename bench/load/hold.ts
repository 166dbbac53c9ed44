import { fork, spawnSync } from "node:child_process";
import { join } from "node:path";

/** A path that the proxy answers by itself with 404: its origin is busy with uploads. */
export const holdProbePath = "/hold-probe";

/** What the process that probes says when it is stopped. */
export interface Hold {
  /** Longest a small request waited for its answer, ms. The proxy was deaf at most 1 ms longer than that. */
  readonly worstMs: number;
  readonly p50Ms: number;
  readonly probes: number;
  /** Why the figure is none. */
  readonly problem: string | undefined;
}

/**
 * Asks for `holdProbePath` a millisecond after each answer while `drive` runs. In a process of its own, with
 * real-time priority where that is permitted: what drives must not make the one that looks at its watch late.
 */
export async function measureHold(port: number, drive: () => Promise<unknown>): Promise<Hold> {
  const ahead = spawnSync("chrt", ["-f", "1", "true"]).status === 0;
  const child = fork(join(import.meta.dirname, "hold-probe.ts"), [String(port)], {
    stdio: "inherit",
    ...(ahead && { execPath: "chrt", execArgv: ["-f", "1", process.execPath] }),
  });
  const kill = (): unknown => child.kill("SIGKILL");
  process.on("exit", kill);
  try {
    const ended = new Promise<never>((_resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`the probe ended with ${code}`)));
    });
    ended.catch(() => {});
    const said = (): Promise<unknown> => Promise.race([once(child), ended]);
    await said();
    await drive();
    const answer = said();
    child.send("stop");
    return (await answer) as Hold;
  } finally {
    kill();
    process.off("exit", kill);
  }
}

function once(child: ReturnType<typeof fork>): Promise<unknown> {
  return new Promise((resolve) => child.once("message", resolve));
}

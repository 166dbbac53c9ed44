import { type ChildProcess, fork } from "node:child_process";
import { childStdio } from "./last-gasp.ts";
import type { Family } from "./obituaries.ts";
import { startChild } from "./start-child.ts";

/**
 * A process for what strangers send: it has nothing to steal, neither keys nor our environment, and what it would print goes
 * nowhere. Only its last words reach us. One that cannot be started is a child, too (start-child.ts).
 */
export function forkBare(
  entry: string,
  flags: readonly string[],
  { lastGaspFile }: Pick<Family, "lastGaspFile">,
): ChildProcess {
  return startChild(() =>
    fork(entry, [], {
      execArgv: [...flags],
      env: {},
      serialization: "advanced",
      stdio: childStdio("ignore", lastGaspFile),
    }),
  );
}

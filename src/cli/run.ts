import { createLog } from "../control/log.ts";
import { runPrimary } from "../control/primary.ts";
import { createLoader } from "./loader.ts";
import { packageVersion } from "./version.ts";

/** `zion run`: serves until a signal ends it. Resolves with the exit code. */
export async function runCommand(options: { readonly config: string }): Promise<number> {
  return runPrimary({
    load: createLoader(options.config).load,
    log: createLog(),
    version: packageVersion(),
    environment: process.env,
    explain: (problem) => process.stderr.write(`${problem.trimEnd()}\n`),
  });
}

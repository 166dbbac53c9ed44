import { resolve } from "node:path";
import { createLog } from "../control/log.ts";
import { runPrimary } from "../control/primary.ts";
import { explainFor } from "../explain/explainer.ts";
import { proveInProcess } from "./exclusion-process.ts";
import { createLoader, type LoaderOptions } from "./loader.ts";
import { packageVersion } from "./version.ts";

/** `zion run`: serves until a signal ends it. Resolves with the exit code. */
export async function runCommand(options: LoaderOptions): Promise<number> {
  return runPrimary({
    load: createLoader(options).load,
    log: createLog(),
    version: packageVersion(),
    environment: process.env,
    // A successor without it would take what this process refuses.
    insists:
      options.requireSignature === undefined
        ? []
        : ["--require-signature", resolve(options.requireSignature)],
    explain: (problem) => process.stderr.write(`${problem.trimEnd()}\n`),
    explainRequest: explainFor(process.env),
    proveExclusion: proveInProcess(options.config === "-" ? undefined : resolve(options.config)),
  });
}

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ProveExclusion } from "../control/exclusion-endpoint.ts";
import { primaryEnvironment, primaryFlags } from "../control/flags.ts";

const withinMs = 30_000;
const answerBytesMax = 4_194_304;

/** In a process of its own: attacks go through the WAF there, and it may write nothing. `file`: the configuration. */
export function proveInProcess(file: string | undefined): ProveExclusion {
  return ({ route, rule, field }) =>
    new Promise((resolve, reject) => {
      if (file === undefined) {
        reject(new Error("the configuration came by standard input: there is no file to patch"));
        return;
      }
      // One word each: what begins with a dash is still a value.
      const words = [
        `--route=${route}`,
        `--rule=${rule}`,
        `--field=${field}`,
        "--format=json",
        `--config=${file}`,
      ];
      const main = fileURLToPath(import.meta.url).replace(/cli\/exclusion-process\.(ts|js)$/, "main.$1");
      const args = [...primaryFlags("exclude"), main, "exclude", ...words];
      const options = { timeout: withinMs, maxBuffer: answerBytesMax, env: primaryEnvironment(process.env) };
      execFile(process.execPath, args, options, (error, out, err) => {
        if (error === null) resolve(out);
        else reject(new Error(err.trim() === "" ? "it could not be proven" : err.trim().slice(0, 4000)));
      });
    });
}

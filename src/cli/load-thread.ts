import { basename } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { readKeptPair } from "../cert/kept-pairs.ts";
import type { Diagnostic } from "../config/diagnostic.ts";
import { cutConfig } from "../config/parts.ts";
import { renderDiagnostics } from "../config/render.ts";
import type { LoadResult } from "../control/reload.ts";
import { createRuleMemory } from "../waf/rule-memory.ts";
import { loadConfig, loadSent } from "./load.ts";
import type { LoaderOptions, LoaderTask } from "./loader.ts";

// Entry file of the thread that reads configurations; loader.ts starts it. Each message asks for one reading.
const readRules = createRuleMemory();
parentPort?.on("message", (what: LoaderTask) =>
  parentPort!.postMessage(readResult(workerData as LoaderOptions, what)),
);

/** Anew for each reload; standard input can be read once, so a reload of `-` is refused. */
function readResult({ config, requireSignature }: LoaderOptions, what: LoaderTask): LoadResult {
  const loaded =
    typeof what === "object"
      ? loadSent(what.sent, config, requireSignature, { readRules })
      : loadConfig(config, requireSignature, {
          readRules,
          keptPair: what === "start" ? readKeptPair : undefined,
        });
  const { files } = loaded;
  if (loaded.kind === "unreadable") {
    const isUnsigned = loaded.isUnsigned === true;
    const brief = isUnsigned ? "the signature is not good" : "the file cannot be read";
    return {
      kind: "refused",
      reason: isUnsigned ? "signature" : "invalid",
      problem: loaded.message,
      brief,
      files,
    };
  }
  const { diagnostics, text } = loaded;
  if (loaded.kind === "loaded") {
    const cut = cutConfig(loaded.config);
    return { kind: "loaded", cut, signed: loaded.signed, warnings: diagnostics.map(oneLine), files };
  }
  const brief = diagnostics.filter(({ severity }) => severity === "error").map(placeOf);
  return {
    kind: "refused",
    reason: "invalid",
    problem: renderDiagnostics(diagnostics, text, { color: false }),
    brief: brief.slice(0, 3).join(", ") + (brief.length > 3 ? `, and ${brief.length - 3} more` : ""),
    files,
  };
}

/** For the log: where and what, without the picture. */
function oneLine({ file, line, column, code, message }: Diagnostic): string {
  return `${file}:${line}:${column}: ${code} ${message}`;
}

/** Without any value of the file. */
function placeOf({ file, line, column, code }: Diagnostic): string {
  return `${basename(file)}:${line}:${column}: ${code}`;
}

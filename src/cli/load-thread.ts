import { basename } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import type { Diagnostic } from "../config/diagnostic.ts";
import { cutConfig } from "../config/parts.ts";
import { renderDiagnostics } from "../config/render.ts";
import type { LoadResult } from "../control/reload.ts";
import { loadConfig } from "./load.ts";

// Entry file of the thread that reads configurations; loader.ts starts it. Each message asks for one reading.
parentPort?.on("message", () => parentPort!.postMessage(readResult(String(workerData))));

/** Anew for each reload; standard input can be read once, so a reload of `-` is refused. */
function readResult(path: string): LoadResult {
  const loaded = loadConfig(path);
  const { files } = loaded;
  if (loaded.kind === "unreadable")
    return { kind: "refused", problem: loaded.message, brief: "the file cannot be read", files };
  const { diagnostics, text } = loaded;
  if (loaded.kind === "loaded")
    return { kind: "loaded", cut: cutConfig(loaded.config), warnings: diagnostics.map(oneLine), files };
  const brief = diagnostics.filter(({ severity }) => severity === "error").map(placeOf);
  return {
    kind: "refused",
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

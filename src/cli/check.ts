import type { Config } from "../config/config.ts";
import { formatReport, type ReportFormat } from "../config/report.ts";
import { exitCodes } from "./exit-code.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";
import { packageVersion } from "./version.ts";

export interface CheckOptions {
  /** Say also what a reload with it would do to the gateway that runs. */
  readonly against?: "running" | undefined;
  readonly admin?: string | undefined;
  readonly config: string | undefined;
  /** Ask every server that it names as well. */
  readonly online?: boolean;
  /** Write suggested names into the file first. */
  readonly fix?: boolean;
  readonly format: ReportFormat;
}

/**
 * `zion check`: says everything that is wrong with a config. Pure: reads files, writes nothing, and opens no socket,
 * but where that is wanted: to ask the servers that it names or the gateway that runs, and to write suggested names.
 */
export async function checkCommand(options: CheckOptions, output: Output): Promise<number> {
  if (options.fix === true) {
    const { fixConfig } = await import("./check-fix.ts");
    const failed = fixConfig(options.config, output);
    if (failed !== undefined) return failed;
  }
  const loaded = loadConfig(options.config);
  if (loaded.kind === "unreadable") {
    output.err.write(`error[Z1001]: ${loaded.message}\n`);
    return exitCodes.unavailable;
  }
  const summary = loaded.kind === "loaded" ? summarise(loaded.config) : "";
  const { file, text, diagnostics } = loaded;
  output.out.write(
    formatReport(options.format, {
      file,
      text,
      diagnostics,
      summary,
      color: output.out.color,
      version: packageVersion(),
    }),
  );
  if (loaded.kind !== "loaded") return exitCodes.no;
  let worst: number = exitCodes.ok;
  if (options.online === true) {
    const { checkOnline } = await import("./check-online.ts");
    worst = await checkOnline(loaded.config, output);
  }
  if (options.against === undefined) return worst;
  const { compareWithRunning } = await import("./against.ts");
  return Math.max(worst, await compareWithRunning(loaded.config, options.admin, output));
}

function summarise(config: Config): string {
  const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const off = config.routes.filter(({ waf }) => waf === undefined).map(({ name }) => name);
  const unprotected = off.length === 0 ? "" : `; not inspected by the WAF: ${off.join(", ")}`;
  return `${count(config.routes.length, "route")}, ${count(config.upstreams.length, "upstream")}${unprotected}`;
}

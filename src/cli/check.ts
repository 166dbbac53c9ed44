import type { Config } from "../config/config.ts";
import { formatReport, type ReportFormat } from "../config/report.ts";
import { exitCodes } from "./exit-code.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";
import { packageVersion } from "./version.ts";

export interface CheckOptions {
  readonly config: string | undefined;
  readonly format: ReportFormat;
}

/** `zion check`: says everything that is wrong with a config. Pure: reads files, opens no socket, writes nothing. */
export function checkCommand(options: CheckOptions, output: Output): number {
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
  return loaded.kind === "loaded" ? exitCodes.ok : exitCodes.no;
}

function summarise(config: Config): string {
  const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const off = config.routes.filter(({ waf }) => waf === undefined).map(({ name }) => name);
  const unprotected = off.length === 0 ? "" : `; not inspected by the WAF: ${off.join(", ")}`;
  return `${count(config.routes.length, "route")}, ${count(config.upstreams.length, "upstream")}${unprotected}`;
}

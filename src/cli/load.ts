import { existsSync, readFileSync } from "node:fs";
import type { Config } from "../config/config.ts";
import type { Diagnostic } from "../config/diagnostic.ts";
import { diskAccess, readProblem, readRegularFile } from "../config/files.ts";
import { parseConfig, sourceText } from "../config/parse.ts";

/** A config file as found: its text goes with the diagnostics, which quote it. */
export type Loaded =
  | {
      readonly kind: "loaded";
      readonly file: string;
      readonly text: string;
      readonly config: Config;
      readonly diagnostics: readonly Diagnostic[];
    }
  | {
      readonly kind: "refused";
      readonly file: string;
      readonly text: string;
      readonly diagnostics: readonly Diagnostic[];
    }
  /** There is no file to judge. `message` is one line for people. */
  | { readonly kind: "unreadable"; readonly file: string | undefined; readonly message: string };

/**
 * Finds, reads and validates the config; opens files for reading only. `path` as given with -c, "-" = standard input,
 * undefined = look for it. Never falls back from a file that was named.
 */
export function loadConfig(path: string | undefined): Loaded {
  const file = path ?? discoverConfig();
  if (file === undefined) return { kind: "unreadable", file, message: noConfig };
  let source: Uint8Array;
  try {
    source = file === "-" ? readFileSync(0) : readRegularFile(file);
  } catch (error) {
    return { kind: "unreadable", file, message: `cannot read ${file}: ${readProblem(error)}` };
  }
  return judge(source, file === "-" ? "<stdin>" : file);
}

function judge(source: Uint8Array, file: string): Loaded {
  const text = sourceText(source);
  const { config, diagnostics } = parseConfig(source, { file, ...diskAccess() });
  return config === undefined
    ? { kind: "refused", file, text, diagnostics }
    : { kind: "loaded", file, text, config, diagnostics };
}

const places: readonly string[] = ["./zion.toml", "/etc/zion/zion.toml"];

export const noConfig = `no config file: give one with -c FILE or $ZION_CONFIG (looked for ${places.join(" and ")})`;

/** `$ZION_CONFIG`, which must then exist, or the first of the usual places that does. */
export function discoverConfig(): string | undefined {
  return process.env["ZION_CONFIG"] || places.find((place) => existsSync(place));
}

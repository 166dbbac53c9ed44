import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Config } from "../config/config.ts";
import type { Diagnostic } from "../config/diagnostic.ts";
import { diskAccess, type FileAccess, notedAccess, type OpenedFile, readProblem } from "../config/files.ts";
import { type ParseOptions, parseConfig, sourceText } from "../config/parse.ts";
import { readSignature, type Signed } from "../config/signature.ts";
import { readStandardInput } from "./standard-input.ts";

/** A config file as found: its text goes with the diagnostics, which quote it. */
export type Loaded = {
  /** Every file that was opened for it, itself first. */
  readonly files: readonly OpenedFile[];
} & (
  | {
      readonly kind: "loaded";
      readonly file: string;
      readonly text: string;
      readonly config: Config;
      readonly diagnostics: readonly Diagnostic[];
      readonly signed?: Signed;
    }
  | {
      readonly kind: "refused";
      readonly file: string;
      readonly text: string;
      readonly diagnostics: readonly Diagnostic[];
    }
  /** There is no file to judge. `message` is one line for people. */
  | {
      readonly kind: "unreadable";
      readonly file: string | undefined;
      readonly message: string;
      readonly isUnsigned?: true;
    }
);

/** What is known from before: with `keptPair`, a start recovers from half a certificate pair. */
export type LoadMemory = Pick<ParseOptions, "keptPair" | "readRules">;

/**
 * Finds, reads and validates the config; opens files for reading only. `path` as given with -c, "-" = standard input,
 * undefined = look for it. Never falls back from a file that was named.
 * With `publicKeyFile`, `FILE.sig` must hold a signature of the text by that key.
 */
export function loadConfig(
  path: string | undefined,
  publicKeyFile?: string,
  memory: LoadMemory = {},
): Loaded {
  const file = path ?? discoverConfig();
  if (file === undefined) return { kind: "unreadable", file, message: noConfig, files: [] };
  const files: OpenedFile[] = [];
  const access = notedAccess(diskAccess(), files);
  let source: string | Uint8Array;
  try {
    source = file === "-" ? readStandardInput(CONFIG_BYTES_MAX) : access.readFile(file);
  } catch (error) {
    return { kind: "unreadable", file, message: `cannot read ${file}: ${readProblem(error)}`, files };
  }
  if (publicKeyFile === undefined)
    return { ...judge(source, file === "-" ? "<stdin>" : file, access, memory), files };
  const signed = readSigned(Buffer.from(source), file, publicKeyFile, access);
  if (typeof signed === "string")
    return { kind: "unreadable", file, message: signed, isUnsigned: true, files };
  const judged = judge(source, file, access, memory);
  return judged.kind === "loaded" ? { ...judged, signed, files } : { ...judged, files };
}

/**
 * Judges a text as if it stood in the file `path`: relative paths start at the same directory. Where signatures are
 * asked for there is none with it, so it is refused.
 */
export function loadSent(
  text: string,
  path: string,
  publicKeyFile: string | undefined,
  memory: LoadMemory = {},
): Loaded {
  const files: OpenedFile[] = [];
  if (publicKeyFile !== undefined)
    return { kind: "unreadable", file: path, message: signedOnly, isUnsigned: true, files };
  const file = path === "-" ? "<sent>" : join(dirname(path), "<sent>");
  return { ...judge(text, file, notedAccess(diskAccess(), files), memory), files };
}

const signedOnly =
  "the gateway runs with --require-signature: configurations come by the file and its signature";

/** The problem when there is no good signature. */
function readSigned(
  source: Uint8Array,
  file: string,
  publicKeyFile: string,
  access: FileAccess,
): Signed | string {
  let name = publicKeyFile;
  try {
    const publicKey = Buffer.from(access.readFile(publicKeyFile)).toString("utf8");
    name = `${file}.sig`;
    const signed = readSignature(source, Buffer.from(access.readFile(name)).toString("utf8"), publicKey);
    return typeof signed === "string" ? `${name}: ${signed}` : signed;
  } catch (error) {
    return `cannot read ${name}: ${readProblem(error)}`;
  }
}

function judge(source: string | Uint8Array, file: string, access: FileAccess, memory: LoadMemory) {
  const text = sourceText(source);
  const { config, diagnostics } = parseConfig(source, { file, ...memory, ...access });
  return config === undefined
    ? ({ kind: "refused", file, text, diagnostics } as const)
    : ({ kind: "loaded", file, text, config, diagnostics } as const);
}

/** As of a file. */
const CONFIG_BYTES_MAX = 1_048_576;

const places: readonly string[] = ["./zion.toml", "/etc/zion/zion.toml"];

export const noConfig = `no config file: give one with -c FILE or $ZION_CONFIG (looked for ${places.join(" and ")})`;

/** `$ZION_CONFIG`, which must then exist, or the first of the usual places that does. */
export function discoverConfig(): string | undefined {
  return process.env["ZION_CONFIG"] || places.find((place) => existsSync(place));
}

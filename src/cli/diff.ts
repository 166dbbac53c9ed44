import { type Difference, differencesBetween } from "../config/difference.ts";
import { showConfig } from "../config/shown.ts";
import { type AdminOptions, findAdmin, unavailable } from "./admin-client.ts";
import { exitCodes } from "./exit-code.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";

export interface DiffOptions extends AdminOptions {
  /** A file, or `running`. */
  readonly from: string;
  /** Undefined: the file that `config` names. */
  readonly to: string | undefined;
  readonly format: "human" | "json";
}

/**
 * `zion diff`: what differs between two configurations with all their defaults, secrets left out. Resolves with the exit
 * code; 1 = they differ.
 */
export async function diffCommand(
  { from, to, format, ...options }: DiffOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const read = (what: string | undefined) =>
    what === "running" ? readRunning(options, environment, output) : readFile(what ?? options.config, output);
  const before = await read(from);
  if (typeof before === "number") return before;
  const after = await read(to);
  if (typeof after === "number") return after;
  const found = differencesBetween(before, after);
  if (format === "json")
    output.out.write(`${JSON.stringify({ format_version: "1.0", differences: found }, null, 2)}\n`);
  else output.out.write(found.length === 0 ? "nothing differs\n" : found.map(line).join(""));
  return found.length === 0 ? exitCodes.ok : exitCodes.no;
}

function readFile(path: string | undefined, output: Output): object | number {
  const loaded = loadConfig(path);
  // Through JSON, as the gateway sends it: a key without a value is no key.
  if (loaded.kind === "loaded") return JSON.parse(JSON.stringify(showConfig(loaded.config))) as object;
  if (loaded.kind === "unreadable") return unavailable(loaded.message, output);
  output.err.write(`${loaded.file} is refused: see zion check\n`);
  return exitCodes.unavailable;
}

async function readRunning(
  options: AdminOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<object | number> {
  const admin = findAdmin(options, environment, output);
  if (typeof admin === "number") return admin;
  try {
    const { status, body } = await admin.get("/snapshot?path=config");
    if (status === 200) return JSON.parse(body) as object;
    return unavailable(`the gateway says ${status}: ${body.trim()}`, output);
  } catch (error) {
    return unavailable(`the gateway does not answer: ${String(error)}`, output);
  }
}

function line({ path, before, after }: Difference): string {
  if (before === undefined) return `+ ${path} = ${shown(after)}\n`;
  if (after === undefined) return `- ${path} = ${shown(before)}\n`;
  return `~ ${path} = ${shown(before)} -> ${shown(after)}\n`;
}

/** As JSON, cut where it is long: a whole route that is new, for one. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
}

const shownMax = 200;

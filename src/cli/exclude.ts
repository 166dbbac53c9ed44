import { readFileSync } from "node:fs";
import type { Config } from "../config/config.ts";
import { addExcludes, type ExcludePatch } from "../config/exclude-patch.ts";
import { diskAccess, readProblem } from "../config/files.ts";
import { readMoment } from "../config/moment.ts";
import { parseConfig } from "../config/parse.ts";
import { renderDiagnostics } from "../config/render.ts";
import { readRuleFile } from "../config/shipped-rules.ts";
import { buildWaf } from "../control/compile.ts";
import { systemClock } from "../std/clock.ts";
import { buildRuleSet, kindsOfDetectors } from "../waf/compile.ts";
import { detectors } from "../waf/detectors.ts";
import { type Attack, attacksOf, type ProvenSlot, proveExclusion } from "../waf/exclusion-proof.ts";
import { parseRules } from "../waf/parse-rules.ts";
import type { Exclude } from "../waf/profile.ts";
import type { Rule } from "../waf/rule.ts";
import { exitCodes } from "./exit-code.ts";
import { type Loaded, loadConfig } from "./load.ts";
import type { Output } from "./output.ts";
import { replaceFile } from "./replace-file.ts";

export interface ExcludeOptions {
  readonly config: string | undefined;
  readonly route: string;
  readonly rule: string;
  readonly field: string;
  /** `30d` or `2030-06-30`; undefined = for good. */
  readonly expires: string | undefined;
  /** Why: stands in the file. */
  readonly ticket: string;
  /** Files with an attack a line, tried beside the rules' examples. */
  readonly attacks: readonly string[];
  readonly write: boolean;
  readonly format: "human" | "json";
}

/** An exclusion as it would be, and what it costs. */
export interface Proposal {
  readonly patch: ExcludePatch;
  readonly proof: ProvenSlot;
}

/**
 * `zion exclude`: the narrowest exclusion as a patch to review, with a proof of what would pass then. Changes the file
 * only with `write`. Returns the exit code.
 */
export function excludeCommand(options: ExcludeOptions, output: Output): number {
  const nowMs = systemClock.wallMs();
  const untilMs = options.expires === undefined ? undefined : readExpiry(options.expires, nowMs);
  if (untilMs !== undefined && Number.isNaN(untilMs))
    return usage(`--expires: expected 30d or 2030-06-30, not ${JSON.stringify(options.expires)}`, output);
  const loaded = loadGood(options.config, output);
  if (typeof loaded === "number") return loaded;
  const attacks = readAttacks(loaded.config, options.attacks, output);
  if (typeof attacks === "number") return attacks;
  const { rule, route, field } = options;
  const exclude: Exclude = { rule, route, field, ...(untilMs === undefined ? {} : { untilMs }) };
  const proposal = propose(loaded, exclude, options.ticket, attacks, nowMs);
  if (typeof proposal === "string") return usage(proposal, output);
  print(proposal, exclude, options.format, output);
  return options.write ? save(loaded, proposal.patch.text, output) : exitCodes.ok;
}

export type LoadedConfig = Extract<Loaded, { readonly kind: "loaded" }>;

/** The config, or the exit code when it cannot be had; that has been said by then. */
export function loadGood(config: string | undefined, output: Output): LoadedConfig | number {
  const loaded = loadConfig(config);
  if (loaded.kind === "loaded") return loaded;
  const why = loaded.kind === "unreadable" ? loaded.message : "the configuration is refused: see zion check";
  output.err.write(`zion: ${why}\n`);
  return loaded.kind === "unreadable" ? exitCodes.unavailable : exitCodes.no;
}

/** The patch and what it would let through; a message when there can be none. */
export function propose(
  { file, text, config }: Pick<LoadedConfig, "file" | "text" | "config">,
  exclude: Exclude,
  comment: string,
  attacks: readonly Attack[],
  nowMs: number,
): Proposal | string {
  const patch = addExcludes(file, text, [exclude], comment);
  const { config: next, diagnostics } = parseConfig(patch.text, { file, ...diskAccess() });
  const wrong = diagnostics.filter(({ severity }) => severity === "error");
  if (next === undefined) return renderDiagnostics(wrong, patch.text, { color: false });
  const route = config.routes.find(({ name }) => name === exclude.route);
  const ruleSet = buildRuleSet(config.waf.rules, detectors);
  const before = buildWaf(route?.waf, config, ruleSet);
  const after = buildWaf(route?.waf, next, ruleSet);
  if (before === undefined || after === undefined)
    return `route "${exclude.route}" is not inspected by the WAF\n`;
  const profiles = { before: before.profile, after: after.profile };
  return { patch, proof: proveExclusion(ruleSet, profiles, exclude, attacks, nowMs) };
}

/** The examples of all rules that the configuration uses, and the lines of `files`. */
export function readAttacks(
  { waf }: Pick<Config, "waf">,
  files: readonly string[],
  output: Output,
): readonly Attack[] | number {
  try {
    return [...attacksOf(readExamples(waf.rules)), ...files.flatMap(linesOf)];
  } catch (error) {
    output.err.write(`zion: cannot read the attacks: ${readProblem(error)}\n`);
    return exitCodes.unavailable;
  }
}

/** A configuration holds its rules without their examples. */
function readExamples(rules: readonly Rule[]): readonly Rule[] {
  const files = [...new Set(rules.map(({ file }) => file))].map(readRuleFile);
  return parseRules(files, new Set(kindsOfDetectors(detectors).keys())).rules;
}

function linesOf(file: string): readonly Attack[] {
  const lines = readFileSync(file, "latin1").split("\n");
  return lines
    .map((line) => line.replace(/\r$/, ""))
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ bytes: Buffer.from(line, "latin1"), from: file }));
}

function print({ patch, proof }: Proposal, exclude: Exclude, format: "human" | "json", output: Output): void {
  if (format === "json") {
    output.out.write(
      `${JSON.stringify({ format_version: "1.0", exclude: shownExclude(exclude), patch: patch.diff, proof }, null, 2)}\n`,
    );
    return;
  }
  output.out.write(patch.diff);
  output.err.write(shownProof(proof, exclude));
}

function shownExclude({ rule, route, field, untilMs }: Exclude): object {
  return {
    rule,
    route,
    field,
    until: untilMs === undefined ? undefined : new Date(untilMs).toISOString().slice(0, 10),
  };
}

const shownPasses = 20;

function shownProof(
  { place, tried, refusedBefore, refusedAfter, passes }: ProvenSlot,
  { route }: Exclude,
): string {
  const lost = refusedBefore - refusedAfter;
  const lines = [
    `${tried} forms of known attacks were put into ${place} of route ${route}, one a request:`,
    `  ${refusedBefore} are refused today, ${refusedAfter} still with the exclusion`,
  ];
  if (lost === 0) lines.push("  nothing that is refused today would pass");
  else lines.push(`  ${lost} would pass:`);
  for (const { from, form, value } of passes.slice(0, shownPasses))
    lines.push(`    ${from.padEnd(28)} ${value}${form === "as it is" ? "" : `   (${form})`}`);
  if (lost > shownPasses) lines.push(`    … and ${lost - shownPasses} more (--format json has them)`);
  return `${lines.join("\n")}\n`;
}

function save({ file, text: old }: LoadedConfig, text: string, output: Output): number {
  try {
    replaceFile(file, old, text);
  } catch (error) {
    output.err.write(`zion: cannot write ${file}: ${readProblem(error)}\n`);
    return exitCodes.unavailable;
  }
  output.err.write(`wrote ${file}\n`);
  return exitCodes.ok;
}

function usage(problem: string, output: Output): number {
  output.err.write(problem.endsWith("\n") ? problem : `zion: ${problem}\n`);
  return exitCodes.usage;
}

/** Midnight in UTC of the day it ends; NaN = neither days nor a date. */
function readExpiry(text: string, nowMs: number): number {
  const days = /^([1-9]\d{0,3})d$/.exec(text)?.[1];
  if (days !== undefined) {
    const end = nowMs + Number(days) * dayMs;
    return end - (end % dayMs);
  }
  return /^\d{4}-\d\d-\d\d$/.test(text) ? (readMoment(text) ?? Number.NaN) : Number.NaN;
}

const dayMs = 86_400_000;

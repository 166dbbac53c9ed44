import { readableDisk } from "../audit/file-disk.ts";
import type { Finding } from "../audit/finding.ts";
import { type LogReport, type Verification, verifyDirectory } from "../audit/verify.ts";
import { readProblem } from "../config/files.ts";
import { systemClock } from "../std/clock.ts";
import { AuditSourceProblem, readNotes, readPolicyFile, readRootKey, readWitness } from "./audit-source.ts";
import type { Output } from "./output.ts";

export interface AuditVerifyOptions {
  readonly dir: string;
  readonly policy?: string;
  readonly key: readonly string[];
  readonly anchor: readonly string[];
  readonly witness?: string;
  readonly maxUnanchored: number;
  readonly strict: boolean;
  readonly json: boolean;
}

/** Exit codes of its own (docs/audit.md): 0 sound, 1 could not ask, 2 to 7 by what was found. */
export const auditUnusable = 1;

/** `zion audit verify`: every log in a directory, from its first record to its last. Writes nothing. */
export async function auditVerifyCommand(options: AuditVerifyOptions, output: Output): Promise<number> {
  let verification: Verification;
  try {
    verification = verifyDirectory({
      disk: readableDisk(options.dir),
      policy: options.policy === undefined ? undefined : readPolicyFile(options.policy),
      roots: options.key.map(readRootKey),
      anchors: await readAnchors(options),
      nowMs: systemClock.wallMs(),
      unanchoredMaxMs: options.maxUnanchored * 1000,
      strict: options.strict,
    });
  } catch (error) {
    const problem =
      error instanceof AuditSourceProblem ? error.message : `${options.dir}: ${readProblem(error)}`;
    output.err.write(`error: ${problem}\n`);
    return auditUnusable;
  }
  const { logs, exitCode } = verification;
  if (options.json) {
    output.out.write(
      `${JSON.stringify({ format_version: "1.0", exit_code: exitCode, logs: logs.map(asJson) })}\n`,
    );
    return exitCode;
  }
  for (const log of logs) output.out.write(pageOf(log, options));
  return exitCode;
}

/** Undefined: none were given. */
async function readAnchors({ anchor, witness }: AuditVerifyOptions): Promise<readonly string[] | undefined> {
  if (anchor.length === 0 && witness === undefined) return undefined;
  const asked = witness === undefined ? [] : await readWitness(witness);
  return [...anchor.flatMap(readNotes), ...asked];
}

function asJson(log: LogReport): object {
  return {
    log: log.logId,
    size: log.size,
    segments: log.segments,
    macs_verified: log.macsRight,
    anchored: log.anchored,
    first_time: log.firstTime,
    last_time: log.lastTime,
    clock_went_back: log.clockWentBack,
    findings: log.findings,
    findings_left_out: log.findingsLeftOut,
  };
}

function pageOf(log: LogReport, options: AuditVerifyOptions): string {
  const macs = options.key.length === 0 ? "MACs not checked: no key" : `${log.macsRight} MACs right`;
  const anchors =
    options.anchor.length === 0 && options.witness === undefined
      ? "by its own checkpoints only"
      : "by the anchors";
  const lines = [
    `log ${log.logId || "-"}   ${log.size} records in ${log.segments} segments   ${log.firstTime} to ${log.lastTime}`,
    `  ${macs}; records 0 to ${log.anchored - 1} covered ${anchors}`,
  ];
  if (options.policy === undefined)
    lines.push(
      "  no policy: the keys are those that the log names itself, which proves nothing to a stranger",
    );
  if (log.clockWentBack > 0) lines.push(`  the clock went back ${log.clockWentBack} times (order is by seq)`);
  for (const finding of log.findings) lines.push(`  ${textOf(finding)}`);
  if (log.findingsLeftOut > 0) lines.push(`  and ${log.findingsLeftOut} more`);
  if (log.findings.length === 0) lines.push("  ok");
  return `${lines.join("\n")}\n`;
}

function textOf({ name, from, to, detail }: Finding): string {
  const range = from === to ? `record ${from}` : `records ${from} to ${to}`;
  const words = name.replaceAll("_", " ").toUpperCase();
  return `${words}: ${range}${detail === "" ? "" : `: ${detail}`}`;
}

import { setTimeout as pause } from "node:timers/promises";
import { readableDisk } from "../audit/file-disk.ts";
import { readLines } from "../audit/log-lines.ts";
import { segmentFile } from "../audit/log-name.ts";
import { logsOf, segmentsOf } from "../audit/log-proof.ts";
import { readProblem } from "../config/files.ts";
import { auditUnusable } from "./audit-verify.ts";
import type { Output } from "./output.ts";

export interface AuditTailOptions {
  readonly dir: string;
  readonly lines: number;
  readonly follow: boolean;
  /** Kinds to show; empty = all. */
  readonly kind: readonly string[];
}

/** `zion audit tail`: the newest records as they stand, and with --follow those that come. */
export async function auditTailCommand(options: AuditTailOptions, output: Output): Promise<number> {
  let logId = "";
  let segment = 0;
  let offset = 0;
  const wanted = (line: string): boolean =>
    options.kind.length === 0 || options.kind.some((kind) => line.includes(`"kind":"${kind}"`));
  /** Lines since the last look, over a change of segments too. */
  const news = (): string[] => {
    const disk = readableDisk(options.dir);
    const found: string[] = [];
    const newest = logsOf(disk).at(-1) ?? "";
    if (newest !== logId) [logId, segment, offset] = [newest, 0, 0];
    for (const number of segmentsOf(disk, logId)) {
      if (number < segment) continue;
      if (number > segment) [segment, offset] = [number, 0];
      for (const { bytes, offset: at, whole } of readLines(disk, segmentFile({ logId, segment }), offset)) {
        if (!whole) break;
        found.push(bytes.latin1Slice());
        offset = at + bytes.length + 1;
      }
    }
    return found.filter(wanted);
  };
  try {
    for (const line of news().slice(-options.lines)) output.out.write(`${line}\n`);
    while (options.follow) {
      await pause(LOOK_MS);
      for (const line of news()) output.out.write(`${line}\n`);
    }
    return 0;
  } catch (error) {
    output.err.write(`error: ${options.dir}: ${readProblem(error)}\n`);
    return auditUnusable;
  }
}

const LOOK_MS = 500;

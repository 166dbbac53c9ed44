import { parseCheckpoint } from "../audit/checkpoint.ts";
import { readableDisk } from "../audit/file-disk.ts";
import { headFile, logIdOf } from "../audit/log-name.ts";
import { hashesOf, logsOf, walkLog } from "../audit/log-proof.ts";
import { consistencyRanges, inclusionRanges, isConsistent, isIncluded } from "../audit/proof.ts";
import { Tree } from "../audit/tree.ts";
import { readProblem } from "../config/files.ts";
import { AuditSourceProblem, readNotes } from "./audit-source.ts";
import { auditUnusable } from "./audit-verify.ts";
import type { Output } from "./output.ts";

export interface AuditLogOptions {
  readonly dir: string;
  /** Undefined: the newest. */
  readonly log?: string;
}

/** `zion audit prove N`: that record N is in the log that the newest checkpoint was signed for. */
export function auditProveCommand(seq: number, options: AuditLogOptions, output: Output): number {
  return withLog(options, output, (disk, logId) => {
    const note = readNotes(`${options.dir}/${headFile}`)[0] ?? "";
    const head = parseCheckpoint(note.slice(0, note.lastIndexOf("\n\n") + 1));
    if (head === undefined || logIdOf(head.origin) !== logId)
      throw new AuditSourceProblem(`${options.dir}: no checkpoint of this log`);
    if (seq >= head.size)
      throw new AuditSourceProblem(`the newest checkpoint covers records 0 to ${head.size - 1}`);
    const hashes = hashesOf(disk, logId, inclusionRanges(seq, head.size), seq, head.size);
    let record: { readonly line: string; readonly leaf: Buffer } | undefined;
    for (const walked of walkLog(disk, logId)) if (walked.seq === seq) record = walked;
    if (hashes === undefined || record === undefined)
      throw new AuditSourceProblem(`record ${seq} was pruned, or is not readable`);
    const proof = hashes.map((hash) => hash.toString("base64"));
    output.out.write(`${JSON.stringify({ index: seq, record: record.line, proof, checkpoint: note })}\n`);
    if (isIncluded(seq, head.size, record.leaf, hashes, head.root)) return 0;
    output.err.write("the record is not in the tree that the checkpoint was signed for\n");
    return 2;
  });
}

/** `zion audit consistency OLD NEW`: that the log of size NEW begins with the one of size OLD. */
export function auditConsistencyCommand(
  oldSize: number,
  size: number,
  options: AuditLogOptions,
  output: Output,
): number {
  return withLog(options, output, (disk, logId) => {
    if (oldSize < 1 || oldSize > size) throw new AuditSourceProblem("OLD is 1 to NEW");
    const proof = hashesOf(disk, logId, consistencyRanges(oldSize, size), oldSize, size);
    const roots = rootsAt(disk, logId, oldSize, size);
    if (proof === undefined || roots === undefined)
      throw new AuditSourceProblem("a part of the log was pruned, or it is shorter");
    output.out.write(
      `${JSON.stringify({
        old_size: oldSize,
        old_root: roots.oldRoot.toString("base64"),
        size,
        root: roots.root.toString("base64"),
        proof: proof.map((hash) => hash.toString("base64")),
      })}\n`,
    );
    return isConsistent(oldSize, size, roots.oldRoot, roots.root, proof) ? 0 : 3;
  });
}

/** `zion audit export`: records as they stand, one a line, by seq and kind. */
export function auditExportCommand(
  options: AuditLogOptions & { readonly from: number; readonly to: number; readonly kind?: string },
  output: Output,
): number {
  return withLog(options, output, (disk, logId) => {
    for (const { seq, line } of walkLog(disk, logId)) {
      if (seq < options.from || seq > options.to) continue;
      if (options.kind !== undefined && !line.includes(`"kind":"${options.kind}"`)) continue;
      output.out.write(`${line}\n`);
    }
    return 0;
  });
}

/** `zion audit policy`: what a log says of its own keys, for a policy file that is kept elsewhere. */
export function auditPolicyCommand(options: AuditLogOptions, output: Output): number {
  return withLog(options, output, (disk, logId) => {
    const keys: { readonly vkey: string; readonly from_size: number }[] = [];
    for (const { seq, line } of walkLog(disk, logId)) {
      const vkey = /"vkey":"([^"]+)"/.exec(line)?.[1];
      if (vkey !== undefined && vkey !== keys.at(-1)?.vkey)
        keys.push({ vkey, from_size: keys.length === 0 ? 0 : seq });
    }
    output.out.write(`${JSON.stringify({ keys, witnesses: [], quorum: 0 }, undefined, 2)}\n`);
    return 0;
  });
}

type Disk = ReturnType<typeof readableDisk>;

function rootsAt(
  disk: Disk,
  logId: string,
  oldSize: number,
  size: number,
): { readonly oldRoot: Buffer; readonly root: Buffer } | undefined {
  const tree = new Tree();
  let oldRoot: Buffer | undefined;
  for (const { seq, leaf } of walkLog(disk, logId)) {
    if (seq !== tree.size || tree.size === size) break;
    tree.push(leaf);
    if (tree.size === oldSize) oldRoot = tree.root();
  }
  return oldRoot === undefined || tree.size < size ? undefined : { oldRoot, root: tree.root() };
}

function withLog(
  options: AuditLogOptions,
  output: Output,
  then: (disk: Disk, logId: string) => number,
): number {
  try {
    const disk = readableDisk(options.dir);
    const logs = logsOf(disk);
    const logId = options.log ?? logs.at(-1);
    if (logId === undefined || !logs.includes(logId))
      throw new AuditSourceProblem(`${options.dir}: there is no such log`);
    return then(disk, logId);
  } catch (error) {
    const problem =
      error instanceof AuditSourceProblem ? error.message : `${options.dir}: ${readProblem(error)}`;
    output.err.write(`error: ${problem}\n`);
    return auditUnusable;
  }
}

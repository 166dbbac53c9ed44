import { hash, type KeyObject } from "node:crypto";
import type { Disk } from "./disk.ts";
import { Findings } from "./finding.ts";
import { type Head, isHeadProblem, readHead } from "./head.ts";
import { LogCheck } from "./log-check.ts";
import { readLines } from "./log-lines.ts";
import { headFile, logIdOf, notesFile, parseSegmentFile, segmentFile } from "./log-name.ts";
import { keyId } from "./mac-key.ts";
import { openNote, splitNotes } from "./note.ts";
import type { Policy } from "./policy.ts";
import { LINE_BYTES_MAX } from "./record.ts";
import type { SourceTable } from "./source-table.ts";
import type { Tree } from "./tree.ts";

/** Bytes that may be written before they are made durable: what a crash can damage at the end of a log, and no more. */
export const BATCH_BYTES_MAX = 262_144;

/** Where a log stands, for whoever goes on with it. */
export interface LogState {
  readonly logId: string;
  readonly segment: number;
  /** Bytes in the segment; 0 = its first record is still to be written. */
  readonly segmentBytes: number;
  readonly isSealed: boolean;
  readonly tree: Tree;
  readonly lastMac: Buffer;
  readonly sources: SourceTable;
  /** Id of the root key it was written with. */
  readonly rootId: string;
  /** First segment that is still there. */
  readonly firstSegment: number;
}

/** What a crash left half written, kept in a file of its own. */
export interface TornEnd {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export type Recovery =
  | { readonly kind: "fresh"; readonly torn: TornEnd | undefined }
  | { readonly kind: "extends"; readonly state: LogState; readonly torn: TornEnd | undefined }
  /** What is there is not what was written. It stays as it is; a new log begins and says why. */
  | { readonly kind: "untrusted"; readonly logId: string; readonly problem: string }
  /** Written with a key that is not given: nobody can say what it is worth. */
  | { readonly kind: "wrong_key"; readonly logId: string; readonly rootId: string };

/**
 * Reads what is in the directory, verifies the last sealed segment and the open one with the MAC key, and compares them
 * with the checkpoints that are remembered. A half-written end is set aside only where a crash explains it: within the
 * last batch, and not below a checkpoint. Everything else is left alone.
 */
export function recoverLog(
  disk: Disk,
  roots: readonly KeyObject[],
  policy: Policy,
  anchors: readonly string[],
): Recovery {
  const segments = disk
    .list()
    .map(parseSegmentFile)
    .filter((name) => name !== undefined);
  const logId = segments.reduce((newest, name) => (name.logId > newest ? name.logId : newest), "");
  const heads = rememberedHeads(disk, policy, anchors);
  const lost = heads.find((head) => logIdOf(head.origin) > logId);
  if (lost !== undefined) {
    const lostId = logIdOf(lost.origin);
    return {
      kind: "untrusted",
      logId: lostId,
      problem: `the log ${lostId} is not there, a checkpoint of it is`,
    };
  }
  if (logId === "") return { kind: "fresh", torn: undefined };
  const numbers = segments.filter((name) => name.logId === logId).map(({ segment }) => segment);
  const own = heads.filter(({ origin }) => logIdOf(origin) === logId);
  const recovery = readEnd(disk, { logId, numbers, roots, heads: own }, undefined);
  if (recovery.kind === "extends") setTornNoteAside(disk, recovery.state);
  return recovery;
}

interface Given {
  readonly logId: string;
  /** Segments that are there. */
  readonly numbers: readonly number[];
  readonly roots: readonly KeyObject[];
  readonly heads: readonly Head[];
}

/** `torn`: what was set aside before, when this is the second look. */
function readEnd(disk: Disk, given: Given, torn: TornEnd | undefined): Recovery {
  const { logId, numbers, roots, heads } = given;
  const untrusted = (problem: string): Recovery => ({ kind: "untrusted", logId, problem });
  const last = numbers.reduce((most, number) => Math.max(most, number), 0);
  const hasBefore = numbers.includes(last - 1);
  const file = segmentFile({ logId, segment: last });
  const findings = new Findings();
  let wrongHead = 0;
  let lastKind = "";
  const check = new LogCheck({
    logId,
    roots,
    findings,
    sizeKnown: 0,
    onRecord(record, tree) {
      lastKind = record.kind;
      for (const head of heads)
        if (head.size === tree?.size && !head.root.equals(tree.root())) wrongHead = head.size;
    },
  });
  const isWrongKey = (): boolean =>
    check.rootId !== "" && !roots.some((root) => keyId(root) === check.rootId);

  if (hasBefore) {
    const before = segmentFile({ logId, segment: last - 1 });
    for (const line of readLines(disk, before)) check.line(line.bytes);
    check.flush();
    if (isWrongKey()) return { kind: "wrong_key", logId, rootId: check.rootId };
    const [finding] = findings.all;
    if (finding !== undefined || check.tree === undefined)
      return untrusted(`${before}: record ${finding?.from ?? check.size} was ${finding?.name ?? "changed"}`);
  }
  // One line at a time: the first that is not sound ends what is kept.
  let soundSize = check.size;
  let soundEnd = 0;
  for (const line of readLines(disk, file)) {
    if (!line.whole) break;
    check.line(line.bytes);
    check.flush();
    if (isWrongKey()) return { kind: "wrong_key", logId, rootId: check.rootId };
    if (findings.all.length > 0 || check.tree === undefined || check.size !== soundSize + 1) {
      // Where the first record of all is read, the size jumps to where that segment begins.
      const isFirst = soundEnd === 0 && !hasBefore && findings.all.length === 0 && check.tree !== undefined;
      if (!isFirst) break;
    }
    soundSize = check.size;
    soundEnd = line.offset + line.bytes.length + 1;
  }

  const sizeKnown = heads.reduce((most, { size }) => Math.max(most, size), 0);
  const damagedBytes = disk.size(file) - soundEnd;
  if (wrongHead > 0) return untrusted(`the checkpoint of size ${wrongHead} has another root: a fork`);
  if (soundSize < sizeKnown)
    return untrusted(
      `${soundSize} records are sound, a checkpoint says ${sizeKnown}: changed, cut or rolled back`,
    );
  if (damagedBytes > BATCH_BYTES_MAX + LINE_BYTES_MAX)
    return untrusted(`${damagedBytes} bytes at its end are damaged, more than a crash explains`);
  if (damagedBytes > 0) {
    const aside = setAside(disk, file, soundEnd, damagedBytes);
    disk.truncate(file, soundEnd);
    return readEnd(disk, given, aside);
  }
  if (soundEnd === 0 && !hasBefore) {
    // Not even its first record was written.
    disk.remove(file);
    disk.syncDirectory();
    return { kind: "fresh", torn };
  }
  const state: LogState = {
    logId,
    segment: last,
    segmentBytes: soundEnd,
    isSealed: soundEnd > 0 && lastKind === "segment_seal",
    tree: check.tree!,
    lastMac: check.lastMac!,
    sources: check.sources,
    rootId: check.rootId,
    firstSegment: numbers.reduce((least, number) => Math.min(least, number), last),
  };
  return { kind: "extends", state, torn };
}

/** A crash may have come while a checkpoint was added to those of the segment. */
function setTornNoteAside(disk: Disk, state: LogState): void {
  const file = notesFile(state);
  if (!disk.list().includes(file)) return;
  const bytes = Buffer.alloc(disk.size(file));
  const length = disk.read(file, 0, bytes);
  let soundEnd = 0;
  for (const note of splitNotes(bytes.toString("utf8", 0, length))) {
    // Its form is enough: whoever changes a signature is found by the verifier.
    if (typeof openNote(note, []) === "string") break;
    soundEnd += Buffer.byteLength(note);
  }
  if (soundEnd === length) return;
  setAside(disk, file, soundEnd, length - soundEnd);
  disk.truncate(file, soundEnd);
}

/** Copies the damaged bytes to a file of their own: nothing of a log is thrown away. */
function setAside(disk: Disk, file: string, from: number, bytes: number): TornEnd {
  const contents = Buffer.alloc(bytes);
  for (let done = 0; done < bytes; ) {
    const count = disk.read(file, from + done, contents.subarray(done));
    if (count === 0) break;
    done += count;
  }
  const name = `${file}.${from}.torn`;
  disk.replace(name, contents);
  return { file: name, bytes, sha256: hash("sha256", contents) };
}

/** The newest checkpoint in the directory, and those in the anchor file. */
function rememberedHeads(disk: Disk, policy: Policy, anchors: readonly string[]): Head[] {
  const notes = [...anchors];
  if (disk.list().includes(headFile)) {
    const bytes = Buffer.alloc(65_536);
    notes.push(...splitNotes(bytes.toString("utf8", 0, disk.read(headFile, 0, bytes))));
  }
  const heads = notes.map((note) => readHead(note, () => true, policy));
  // What is not signed by us says nothing: the chain itself, and whoever else remembers, decide.
  return heads.filter((head) => head !== undefined && !isHeadProblem(head)) as Head[];
}

import type { KeyObject } from "node:crypto";
import { errorCode, type ReadableDisk } from "./disk.ts";
import { exitCodeOf, type Finding, Findings } from "./finding.ts";
import { type Head, isHeadProblem, readHead } from "./head.ts";
import { HeadCheck } from "./head-check.ts";
import { parseLine } from "./line.ts";
import { LogCheck } from "./log-check.ts";
import { type LogLine, readLines } from "./log-lines.ts";
import { headFile, logIdOf, notesFile, parseSegmentFile, segmentFile } from "./log-name.ts";
import { type Policy, policyOf } from "./policy.ts";
import type { AuditRecord } from "./record.ts";
import { splitNotesAndRest } from "./torn-note.ts";

export interface VerifyOptions {
  readonly disk: ReadableDisk;
  /** Undefined: the keys are those that the log names itself. */
  readonly policy: Policy | undefined;
  /** Root keys of the MACs; none = tree and signatures only. */
  readonly roots: readonly KeyObject[];
  /** Notes from elsewhere: anchor files, witnesses. Undefined = none were given, the directory's own have to do. */
  readonly anchors: readonly string[] | undefined;
  readonly nowMs: number;
  /** How old the first record may be that no anchor covers. */
  readonly unanchoredMaxMs: number;
  readonly strict: boolean;
}

export interface LogReport {
  readonly logId: string;
  readonly size: number;
  readonly segments: number;
  readonly macsRight: number;
  /** Records that the newest anchor covers. */
  readonly anchored: number;
  readonly firstTime: string;
  readonly lastTime: string;
  /** Records whose time is before that of the one in front of them: clocks are set. */
  readonly clockWentBack: number;
  readonly findings: readonly Finding[];
  readonly findingsLeftOut: number;
}

export interface Verification {
  readonly logs: readonly LogReport[];
  readonly exitCode: number;
}

/** Verifies every log in a directory, each from its first record to its last. */
export function verifyDirectory(options: VerifyOptions): Verification {
  const files = options.disk.list();
  const present = new Map<string, number[]>();
  for (const name of files.map(parseSegmentFile)) {
    if (name === undefined) continue;
    present.set(name.logId, [...(present.get(name.logId) ?? []), name.segment]);
  }
  // A log of which only the anchors know anything is one that was taken away.
  for (const note of options.anchors ?? []) {
    const logId = logIdOf(note.slice(0, note.indexOf("\n")));
    if (logId !== "" && !present.has(logId)) present.set(logId, []);
  }
  const logs = [...present].sort().map(([logId, segments]) => verifyLog(logId, segments, files, options));
  const reports = logs.filter((log) => log !== undefined);
  if (reports.length === 0) {
    const detail = "there is no log in the directory";
    const nothing: Finding = { name: "segment_missing", from: 0, to: 0, detail };
    return { logs: [{ ...emptyReport, findings: [nothing] }], exitCode: 5 };
  }
  const all = reports.flatMap(({ findings }) => findings);
  return { logs: reports, exitCode: exitCodeOf(all, options.strict) };
}

/** Undefined: only a note that nobody believes speaks of such a log. */
function verifyLog(
  logId: string,
  segments: readonly number[],
  files: readonly string[],
  options: VerifyOptions,
): LogReport | undefined {
  const { disk, roots, strict: _, ...rest } = options;
  const findings = new Findings();
  const policy = rest.policy ?? policyOf(namedKeys(disk, logId, segments));
  const isOurs = (origin: string): boolean => logIdOf(origin) === logId;

  const read = (note: string, source: string): Head[] => {
    const head = readHead(note, isOurs, policy);
    if (head === undefined) return [];
    if (!isHeadProblem(head)) return [head];
    const at = Math.max(0, head.size - 1);
    findings.add(head.kind, at, at, `a checkpoint ${source}: ${head.detail}`);
    return [];
  };
  const own = ownNotes(disk, logId, files).flatMap((note) => read(note, "in the directory"));
  const given = (options.anchors ?? []).flatMap((note) => read(note, "of an anchor"));
  if (segments.length === 0 && given.length === 0) return undefined;
  const outside = given.filter(({ witnesses }) => witnesses >= policy.quorum);
  const anchors = options.anchors === undefined ? own : outside;
  const anchored = sizeOf(anchors);
  const known = Math.max(anchored, sizeOf(own));

  const heads = new HeadCheck(findings, own, outside);

  let firstTime = "";
  let lastTime = "";
  let clockWentBack = 0;
  let unanchoredSince = "";
  let keptFrom = 1;

  const check = new LogCheck({
    logId,
    roots,
    findings,
    sizeKnown: known,
    onRecord(record, tree) {
      if (firstTime === "") firstTime = record.ts;
      if (record.ts < lastTime) clockWentBack++;
      lastTime = record.ts;
      if (record.seq === anchored) unanchoredSince = record.ts;
      if (record.kind === "prune") keptFrom = Math.max(keptFrom, Number(record.data?.["kept_from"] ?? 1));
      if (record.kind === "recovered")
        findings.add(
          "recovered",
          record.seq,
          record.seq,
          `${record.data?.["bytes"]} bytes cut off after a crash`,
        );
      if (tree !== undefined) heads.compare(tree, check.macsRight > 0);
    },
  });

  const newest = segments.at(-1) ?? 0;
  const missing: number[] = [];
  let tornBytes = 0;
  for (let segment = segments[0] ?? 1; segment <= newest; segment++) {
    const file = segmentFile({ logId, segment });
    const size = segments.includes(segment) ? sizeOfFile(disk, file) : undefined;
    const isEmpty = size === 0;
    if (size === undefined || (isEmpty && segment !== newest) || holdsAnother(disk, file, segment)) {
      check.skipSegment();
      missing.push(segment);
      continue;
    }
    for (const line of readLines(disk, file)) {
      if (!line.whole && segment === newest && !isWholeButForItsEnd(line)) tornBytes = line.bytes.length;
      else check.line(line.bytes);
    }
  }
  check.finish();

  const size = check.size;
  for (const segment of missing)
    findings.add("segment_missing", size, size, `segment ${segment} is not there, or is another`);
  const first = segments[0] ?? 1;
  if (first > keptFrom)
    findings.add(
      "segment_missing",
      0,
      0,
      `segments ${keptFrom} to ${first - 1} are not there, and no record says that they were pruned`,
    );
  for (const lost of notesWithoutSegment(files, logId, newest))
    findings.add("segment_missing", size, size, `segment ${lost} is not there, its checkpoints are`);
  if (known > size)
    findings.add("truncated", size, known - 1, `${known - size} records are missing at the end`);
  if (tornBytes > 0) findings.add("recovered", size, size, `the last line is torn (${tornBytes} bytes)`);
  if (size > anchored && options.nowMs - Date.parse(unanchoredSince) > options.unanchoredMaxMs)
    findings.add(
      "unanchored_tail",
      anchored,
      size - 1,
      `${size - anchored} records since ${unanchoredSince}`,
    );

  return {
    logId,
    size,
    segments: segments.length,
    macsRight: check.macsRight,
    anchored: Math.min(anchored, size),
    firstTime,
    lastTime,
    clockWentBack,
    findings: findings.all,
    findingsLeftOut: findings.leftOut,
  };
}

const emptyReport: Omit<LogReport, "findings"> = {
  logId: "",
  size: 0,
  segments: 0,
  macsRight: 0,
  anchored: 0,
  firstTime: "",
  lastTime: "",
  clockWentBack: 0,
  findingsLeftOut: 0,
};

function sizeOf(heads: readonly Head[]): number {
  return heads.reduce((most, { size }) => Math.max(most, size), 0);
}

/** Undefined: it cannot be read, or is no regular file. */
function sizeOfFile(disk: ReadableDisk, file: string): number | undefined {
  try {
    return disk.size(file);
  } catch (error) {
    if (errorCode(error) === "unknown") throw error;
    return undefined;
  }
}

/** The keys that a log names itself: good enough for whoever watched it grow. */
function namedKeys(disk: ReadableDisk, logId: string, segments: readonly number[]): string[] {
  const keys = new Set<string>();
  for (const segment of segments) {
    const file = segmentFile({ logId, segment });
    if (sizeOfFile(disk, file) === undefined) continue;
    for (const { bytes } of readLines(disk, file)) {
      const parsed = bytes.includes('"vkey":') ? parseLine(bytes) : "";
      if (typeof parsed !== "string") keys.add(String(parsed.record.data?.["vkey"]));
    }
  }
  return [...keys];
}

/** A file whose first records are all of another segment was renamed. */
function holdsAnother(disk: ReadableDisk, file: string, segment: number): boolean {
  const records = firstRecords(disk, file, 2);
  return records.length > 0 && records.every(({ seg }) => seg !== segment && seg === records[0]!.seg);
}

function firstRecords(disk: ReadableDisk, file: string, count: number): AuditRecord[] {
  const records: AuditRecord[] = [];
  if (sizeOfFile(disk, file) === undefined) return records;
  for (const { bytes } of readLines(disk, file)) {
    const parsed = parseLine(bytes);
    if (typeof parsed !== "string") records.push(parsed.record);
    if (--count === 0) break;
  }
  return records;
}

/** The last line of all: its bytes are there and one more, so it was not cut but its end was changed. */
function isWholeButForItsEnd({ bytes }: LogLine): boolean {
  return typeof parseLine(bytes.subarray(0, -1)) !== "string";
}

function ownNotes(disk: ReadableDisk, logId: string, files: readonly string[]): string[] {
  const names = files.filter((file) => file.startsWith(`audit-${logId}-`) && file.endsWith(".notes"));
  if (files.includes(headFile)) names.push(headFile);
  return names.flatMap((name) => splitNotesAndRest(readText(disk, name)));
}

function notesWithoutSegment(files: readonly string[], logId: string, newest: number): number[] {
  const lost: number[] = [];
  for (const file of files) {
    const name = parseSegmentFile(file.replace(/\.notes$/, ".ndjson"));
    if (name === undefined || name.logId !== logId || name.segment <= newest) continue;
    if (file === notesFile(name)) lost.push(name.segment);
  }
  return lost;
}

/** At most 64 MiB: notes are 300 bytes, and a segment has a few hundred. */
function readText(disk: ReadableDisk, name: string): string {
  const size = sizeOfFile(disk, name) ?? 0;
  const bytes = Buffer.alloc(Math.min(size, 67_108_864));
  let length = 0;
  while (length < bytes.length) {
    const count = disk.read(name, length, bytes.subarray(length));
    if (count === 0) break;
    length += count;
  }
  return bytes.toString("utf8", 0, length);
}

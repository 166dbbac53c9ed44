import type { ReadableDisk } from "./disk.ts";
import { parseLine } from "./line.ts";
import { readLines } from "./log-lines.ts";
import { parseSegmentFile, segmentFile } from "./log-name.ts";
import { type LeafRange, RangeHashes } from "./proof.ts";
import { leafHash } from "./tree.ts";

/** What a walk over a log meets: a record's text, without its line end, and its leaf. */
export interface WalkedRecord {
  readonly seq: number;
  readonly line: string;
  readonly leaf: Buffer;
}

/** Segments of a log in the directory, in order. */
export function segmentsOf(disk: ReadableDisk, logId: string): number[] {
  return disk
    .list()
    .map(parseSegmentFile)
    .filter((name) => name?.logId === logId)
    .map((name) => name!.segment);
}

/** Ids of the logs in the directory, the oldest first. */
export function logsOf(disk: ReadableDisk): string[] {
  return [...new Set(disk.list().flatMap((file) => parseSegmentFile(file)?.logId ?? []))].sort();
}

/** Records of a log from a segment on. Trusts the lines: `verify` is what judges them. */
export function* walkLog(disk: ReadableDisk, logId: string, from = 0): Generator<WalkedRecord, void, void> {
  for (const segment of segmentsOf(disk, logId)) {
    if (segment < from) continue;
    for (const { bytes, whole } of readLines(disk, segmentFile({ logId, segment }))) {
      const parsed = whole ? parseLine(bytes) : "";
      if (typeof parsed === "string") continue;
      yield { seq: parsed.record.seq, line: bytes.latin1Slice(), leaf: leafHash(bytes) };
    }
  }
}

/**
 * Hashes of the ranges of a proof, from the newest segment that begins at or before `from`: its first record has the
 * frontier of all before it. Undefined: that segment was pruned, or is not readable.
 */
export function hashesOf(
  disk: ReadableDisk,
  logId: string,
  ranges: readonly LeafRange[],
  from: number,
  size: number,
): Buffer[] | undefined {
  let start:
    | { readonly segment: number; readonly size: number; readonly frontier: readonly Buffer[] }
    | undefined;
  for (const segment of segmentsOf(disk, logId)) {
    const [first] = readLines(disk, segmentFile({ logId, segment }));
    const parsed = first === undefined ? "" : parseLine(first.bytes);
    if (typeof parsed === "string" || parsed.record.seq > from) continue;
    const nodes = (parsed.record.data?.["frontier"] ?? []) as readonly string[];
    const frontier = nodes.map((node) => Buffer.from(node, "base64"));
    start = { segment, size: parsed.record.seq, frontier };
  }
  if (start === undefined) return undefined;
  const hashes = new RangeHashes(ranges, start.size, start.frontier);
  let next = start.size;
  for (const { seq, leaf } of walkLog(disk, logId, start.segment)) {
    if (seq !== next || seq >= size) break;
    hashes.push(leaf);
    next++;
  }
  return next < size ? undefined : hashes.hashes();
}

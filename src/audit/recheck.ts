import type { ReadableDisk } from "./disk.ts";
import { Findings } from "./finding.ts";
import { LogCheck } from "./log-check.ts";
import { readLines } from "./log-lines.ts";
import { segmentFile } from "./log-name.ts";

/**
 * Reads what was written once more, a few lines at a step, and compares it with what the writer remembers: the last
 * sealed segment and the open one up to `size`. The keys of then are gone, and are not needed: the root says it all.
 * Returns what is wrong, or undefined.
 */
export function* recheckLog(
  disk: ReadableDisk,
  logId: string,
  segments: readonly number[],
  size: number,
  root: Buffer,
): Generator<void, string | undefined, void> {
  const findings = new Findings();
  let found: Buffer | undefined;
  const check = new LogCheck({
    logId,
    roots: [],
    findings,
    sizeKnown: size,
    onRecord: (_record, tree) => {
      if (tree?.size === size) found = tree.root();
    },
  });
  let lines = 0;
  for (const segment of segments) {
    for (const line of readLines(disk, segmentFile({ logId, segment }))) {
      if (line.whole) check.line(line.bytes);
      if (++lines % LINES_PER_STEP === 0) yield;
      if (check.size > size) break;
    }
    check.flush();
  }
  const [first] = findings.all;
  if (first !== undefined) return `record ${first.from} was ${first.name}`;
  if (found === undefined) return `it has ${check.size} records and should have ${size}`;
  return found.equals(root) ? undefined : "it is not what was written";
}

const LINES_PER_STEP = 200;

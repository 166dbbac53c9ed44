/**
 * A log's id: when it began, in ms, and 32 random bits, both in hex. Ids sort by age; a log that was begun because the
 * one before cannot be trusted is never taken for it.
 */
export function newLogId(wallMs: number, random: Buffer): string {
  return wallMs.toString(16).padStart(12, "0") + random.subarray(0, 4).toString("hex");
}

/** First line of its checkpoints. `name` is the operator's. */
export function originOf(name: string, logId: string): string {
  return `${name}/${logId}`;
}

/** The log's id in an origin; "" if there is none. */
export function logIdOf(origin: string): string {
  return /\/([0-9a-f]{20})$/.exec(origin)?.[1] ?? "";
}

export interface SegmentName {
  readonly logId: string;
  readonly segment: number;
}

export function segmentFile({ logId, segment }: SegmentName): string {
  return `audit-${logId}-${String(segment).padStart(10, "0")}.ndjson`;
}

/** The signed checkpoints made while the segment was open. */
export function notesFile({ logId, segment }: SegmentName): string {
  return `audit-${logId}-${String(segment).padStart(10, "0")}.notes`;
}

export function parseSegmentFile(file: string): SegmentName | undefined {
  const match = /^audit-([0-9a-f]{20})-(\d{10})\.ndjson$/.exec(file);
  return match === null ? undefined : { logId: match[1]!, segment: Number(match[2]) };
}

/** The newest checkpoint of the log that is being written. */
export const headFile = "checkpoint";
/** Room for the last words on a full disk. */
export const reserveFile = "reserve";

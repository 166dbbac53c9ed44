import type { AnswerCoding } from "../http/accept-encoding.ts";

/** Why an answer of a route that compresses was sent as it is. */
export const skips = [
  "accept", // the client takes none of the codings
  "status", // no body, or a part of one
  "type",
  "small",
  "coded", // the upstream compressed it
  "no_transform",
  "stream", // server-sent events, gRPC
  "breach", // see breach-guard.ts
  "memory",
] as const;
export type Skip = (typeof skips)[number];

export interface CodingCounts {
  answers: number;
  bytesIn: number;
  bytesOut: number;
}

/** What the compression of one worker holds and has done. */
export class CompressionDesk {
  /** Bytes that bodies and compressors may take at once. Above it answers go as they are. */
  limitBytes = 0;
  usedBytes = 0;
  readonly coded: Readonly<Record<AnswerCoding, CodingCounts>> = {
    br: noCounts(),
    zstd: noCounts(),
    gzip: noCounts(),
  };
  readonly skipped: Record<Skip, number> = {
    accept: 0,
    status: 0,
    type: 0,
    small: 0,
    coded: 0,
    no_transform: 0,
    stream: 0,
    breach: 0,
    memory: 0,
  };

  /** False: there is no room. */
  take(bytes: number): boolean {
    if (this.usedBytes + bytes > this.limitBytes) return false;
    this.usedBytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.usedBytes -= bytes;
  }
}

function noCounts(): CodingCounts {
  return { answers: 0, bytesIn: 0, bytesOut: 0 };
}

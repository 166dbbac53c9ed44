import os from "node:os";
import process from "node:process";

/** What a worker needs before the first connection, and what one connection may cost (reliability.md C10). */
const BASE_BYTES = 120 * 1024 * 1024;
const CONNECTION_BYTES = 128 * 1024;
const CEILING_MIN = 1000;
const CEILING_MAX = 100_000;

/** Connections one worker accepts: its share of `configured`, or what memory allows when that is 0. */
export function connectionCeiling(configured: number, workers: number): number {
  if (configured > 0) return Math.max(1, Math.ceil(configured / workers));
  const limit = process.constrainedMemory();
  const memory = limit > 0 && limit < os.totalmem() ? limit : os.totalmem();
  const share = Math.floor((memory / workers - BASE_BYTES) / CONNECTION_BYTES);
  return Math.min(CEILING_MAX, Math.max(CEILING_MIN, share));
}

import os from "node:os";
import process from "node:process";

/** What a worker needs before the first connection, and what one connection may cost (reliability.md C10). */
const BASE_BYTES = 120 * 1024 * 1024;
const CONNECTION_BYTES = 128 * 1024;
const CEILING_MIN = 1000;
const CEILING_MAX = 100_000;

/**
 * Connections one worker accepts: its share of `configured`, or when that is 0 what memory and half the descriptors
 * allow: a proxied connection may need a second one, and the log and listeners theirs. `descriptorsMax` 0 = not known.
 */
export function connectionCeiling(configured: number, workers: number, descriptorsMax: number): number {
  if (configured > 0) return Math.max(1, Math.ceil(configured / workers));
  const limit = process.constrainedMemory();
  const memory = limit > 0 && limit < os.totalmem() ? limit : os.totalmem();
  const share = Math.floor((memory / workers - BASE_BYTES) / CONNECTION_BYTES);
  const byMemory = Math.min(CEILING_MAX, Math.max(CEILING_MIN, share));
  return descriptorsMax > 0 ? Math.min(byMemory, Math.floor(descriptorsMax / 2)) : byMemory;
}

import { constants } from "node:zlib";
import type { AnswerCoding } from "../http/accept-encoding.ts";

/** How much work compression does. */
export type Effort = "fast" | "balanced" | "small";

export interface EffortRow {
  /** Bodies up to this are coded in one call, in the loop; longer ones in zlib's thread pool, as they come. */
  readonly wholeBytesMax: number;
  /** Level for whole bodies, and for what is coded as it comes. */
  readonly levels: Readonly<Record<AnswerCoding, readonly [whole: number, flowing: number]>>;
}

/**
 * The largest whole body holds the loop for about half a millisecond: measured for 64 KiB of markup on Node 24: gzip 4
 * 0.47 ms, gzip 6 1.58 ms, br 4 0.46 ms, zstd 3 0.12 ms. A stream of its own costs 0.15 ms more than one call, of which a
 * third is in the loop.
 */
export const efforts: Readonly<Record<Effort, EffortRow>> = {
  fast: { wholeBytesMax: 65_536, levels: { gzip: [1, 1], br: [1, 1], zstd: [1, 1] } },
  balanced: { wholeBytesMax: 65_536, levels: { gzip: [6, 4], br: [4, 4], zstd: [3, 3] } },
  small: { wholeBytesMax: 16_384, levels: { gzip: [9, 8], br: [8, 6], zstd: [12, 9] } },
};

/** Level of a whole body of so many bytes. gzip 6 takes twice as long as 4 for a body of 16 KiB, and makes it 6 % smaller: only short ones get it. */
export function wholeLevel(row: EffortRow, coding: AnswerCoding, bytes: number): number {
  const [whole, flowing] = row.levels[coding];
  return bytes <= SHORT_BYTES ? whole : flowing;
}

const SHORT_BYTES = 4096;

/** `bytes`, here and below: of the whole body; undefined = it comes in pieces. */
export function brOptions(level: number, bytes: number | undefined) {
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: level,
      // Decoders need as much memory as the window has; 256 KiB is enough for text.
      [constants.BROTLI_PARAM_LGWIN]: bytes === undefined ? FLOW_WINDOW_BITS : windowBits(bytes),
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes ?? 0,
    },
  };
}

export function zstdOptions(level: number, bytes: number | undefined) {
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  if (bytes !== undefined) return { params, pledgedSrcSize: bytes };
  return { params: { ...params, [constants.ZSTD_c_windowLog]: FLOW_WINDOW_BITS } };
}

/** As nginx does: the window and the tables are not larger than the body needs. */
export function gzipOptions(level: number, bytes: number | undefined) {
  if (bytes === undefined) return { level };
  const bits = Math.min(windowBits(bytes + GZIP_LOOKAHEAD), 15);
  return { level, windowBits: bits, memLevel: bits - 7 };
}

/** zlib's MIN_LOOKAHEAD: this much of the window cannot be looked back into. */
const GZIP_LOOKAHEAD = 262;

function windowBits(bytes: number): number {
  return Math.min(Math.max(Math.ceil(Math.log2(bytes)), 10), FLOW_WINDOW_BITS);
}

const FLOW_WINDOW_BITS = 18;

/** What one compressor takes while a body comes in pieces, measured: 260, 760 and 886 KiB, and two blocks of ours. */
export const flowBytes: Readonly<Record<AnswerCoding, number>> = {
  gzip: 384 * 1024,
  br: 896 * 1024,
  zstd: 1024 * 1024,
};

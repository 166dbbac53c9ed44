import type { AnswerCoding } from "../../http/accept-encoding.ts";

/** A directory whose files a route serves. */
export interface StaticSite {
  /** Absolute, as configured: links in it are followed anew, so that a deployment may swap one. */
  readonly directory: string;
  /** Files that stand for a directory, in this order. */
  readonly index: readonly string[];
  /** Paths of no file get the first index file of the directory itself, where a page may be meant. */
  readonly spaFallback: boolean;
  /** Of coded files that may lie beside a file, in the order of preference; empty = none are looked for. */
  readonly codings: readonly AnswerCoding[];
  /** A whole Cache-Control line with CRLF; "" = none. */
  readonly cacheLine: string;
}

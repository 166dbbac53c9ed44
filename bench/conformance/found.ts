import type { CandidateName } from "../load/candidate.ts";
import type { Machine } from "../load/machine.ts";

/** The content of results/conformance.json: what each part found, when, at which commit. */
export interface Found {
  readonly machine: Machine;
  readonly http1?: Part<Http1Line>;
  readonly http2?: Part<Http2Line>;
  readonly websocket?: Part<WebSocketLine>;
  readonly cache?: Part<CacheLine>;
  readonly tls?: Part<TlsLine>;
}

export type PartName = Exclude<keyof Found, "machine">;

export interface Part<Line> {
  readonly date: string;
  readonly commit: string;
  readonly lines: readonly Line[];
  /** Who was not asked, and why. */
  readonly leftOut: readonly string[];
}

export interface Share {
  readonly sent: number;
  readonly wrong: number;
}

export interface Http1Line {
  readonly candidate: CandidateName;
  /** Hostile or ambiguous requests of our own cases, and of them those passed on. */
  readonly own: Share;
  /** Paths that two servers read in two ways. */
  readonly paths: Share;
  /** Requests after which its process was gone. */
  readonly ended: number;
  /** Of the desync corpus; undefined where it is not at hand. */
  readonly desync: Share | undefined;
  /** Harmless ones of the corpus, and of them those refused. */
  readonly harmless: Share | undefined;
}

/** One group of HTTP/2 cases, and the titles of those that went wrong with what came of them. */
export interface Http2Group {
  readonly sent: number;
  /** Passed on, answered or overlooked; for legal ones: not served. */
  readonly wrong: readonly string[];
  /** Ended as they must, by another error code than the specification's. */
  readonly otherCode: readonly string[];
}

export interface Http2Line {
  readonly candidate: CandidateName;
  readonly groups: Readonly<Record<Http2GroupName, Http2Group>>;
}

export const http2GroupNames = ["frames", "messages", "ambiguous", "legal"] as const;
export type Http2GroupName = (typeof http2GroupNames)[number];

export interface WebSocketLine {
  readonly candidate: CandidateName;
  /** `ok`, or what was different, by the title of the case. */
  readonly cases: Readonly<Record<string, string>>;
}

export interface CacheLine {
  readonly candidate: string;
  readonly required: number;
  readonly right: number;
  /** Answered from memory where the origin had to be asked. */
  readonly reused: readonly string[];
  /** Asked the origin where memory had a good answer: slower, never wrong. */
  readonly refetched: readonly string[];
  /** Another status or other fields than it must have. */
  readonly changed: readonly string[];
}

export interface TlsLine {
  readonly candidate: CandidateName;
  /** With the TLS policy of the benchmarks, or with what the product does when nobody says anything. */
  readonly policy: "bench" | "own";
  /** Findings by severity, and those that are worse than INFO. */
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly string[];
}

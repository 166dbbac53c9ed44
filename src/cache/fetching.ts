import type { CanonicalRequest } from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import type { Trailers } from "../http/trailer.ts";
import type { Reason } from "../reason.ts";
import type { Outcome } from "./counts.ts";

/** A request of the cache's own, for one that missed: to an upstream, or to the worker that owns the key. */
export interface Fetching {
  start(): void;
  /** After `onFetchBody` returned false. */
  resume(): void;
  /** Nothing is called any more. */
  cancel(): void;
  /** The answer is a stream: it has no limits of time from here on. */
  unhurry(): void;
  readonly record: FetchRecord;
}

/** What a fetch learns that belongs into the record of the exchange that began it. */
export interface FetchRecord {
  readonly startedMs: number;
  upstream: { readonly url: string; readonly logPiece: Uint8Array } | undefined;
  retries: number;
  /** What the answer is to the worker that was asked; MISS where the upstream was asked. */
  outcome: Exclude<Outcome, "BYPASS">;
}

/** Who began a fetch. */
export interface FetchOwner {
  /** `head` is valid during the call only. */
  onFetchHead(head: ResponseHead): void;
  /** Bytes are valid during the call only. False asks to wait for `resume`. */
  onFetchBody(bytes: Buffer, start: number, end: number): boolean;
  /** False as `onFetchBody`'s. */
  onFetchFlush(): boolean;
  onFetchTrailers(trailers: Trailers): void;
  onFetchEnd(atOnce: boolean): void;
  /** `isPeer`: the upstream was not asked, or nobody knows what it said. */
  onFetchFault(fault: FetchFault): void;
}

export interface FetchFault {
  readonly reason: Reason;
  /** For the log. */
  readonly detail: string;
  readonly isPeer: boolean;
}

/** Opens a fetch of `request`, which is the fetch's alone, by what the exchange knows of the way there. */
export type OpenFetch<G> = (request: CanonicalRequest, ground: G, owner: FetchOwner) => Fetching;

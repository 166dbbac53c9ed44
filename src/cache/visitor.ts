import type { CanonicalRequest } from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import type { Trailers } from "../http/trailer.ts";
import type { Reason } from "../reason.ts";
import type { BypassWhy, Outcome } from "./counts.ts";
import type { FetchFault, FetchRecord } from "./fetching.ts";
import type { UnstorableWhy } from "./judgement.ts";
import type { StoredAnswer } from "./stored-answer.ts";

/** Who asks the cache: the exchange of a client, or a worker for one of its own. */
export interface Visitor {
  readonly request: CanonicalRequest;
  /** An answer that may be used; it may still grow. `collapsed`: another visitor's fetch brought it. */
  onStored(answer: StoredAnswer, served: Served): void;
  /** What was fetched is not stored: it goes to this visitor as it comes. Undefined: it is gone. */
  onPassed(head: ResponseHead, passage: Passage): PassedTo | undefined;
  /** The fetch it waited for is of no use to it, or takes too long. */
  onReleased(): void;
  onUnavailable(fault: FetchFault): void;
  /** It must ask the upstream by itself, and nothing of that is stored. */
  onBypassed(why: BypassWhy): void;
  /** Only a stored answer was wanted, and there is none. */
  onAbsent(): void;
}

export interface Served {
  readonly outcome: Exclude<Outcome, "BYPASS">;
  readonly collapsed: boolean;
  /** Of the fetch, where there was one. */
  readonly record: FetchRecord | undefined;
  /** What the upstream said; 0 = it was not asked. */
  readonly status: number;
}

/** An answer that is passed on, as its receiver steers it (respond/source.ts `AnswerSource`). */
export interface Passage {
  readonly why: UnstorableWhy;
  readonly record: FetchRecord;
  resume(): void;
  close(): void;
  unhurry(): void;
}

export interface PassedTo {
  onAnswerBody(bytes: Buffer, start: number, end: number): boolean;
  onAnswerFlush(): boolean;
  onAnswerTrailers(trailers: Trailers): void;
  onAnswerEnd(atOnce: boolean): void;
  onSourceFault(reason: Reason, detail: string): void;
}

import type { Reason } from "../reason.ts";
import type { ResponseHead } from "./response-head.ts";
import type { Trailers } from "./trailer.ts";

/** Where an answer goes: to the client (`Downstream`), or through an `AnswerStep` in front of it. */
export interface Outlet {
  /** `head` is valid during the call only. To a client it leaves with the first body bytes. */
  answerHead(head: ResponseHead): void;
  /** Bytes are valid during the call only. False asks to wait: for the exchange's `onDownstreamDrain` or `onStepDrain`. */
  answerBody(bytes: Buffer, start: number, end: number): boolean;
  /** Whatever was gathered may leave. False as `answerBody`'s. */
  answerFlush(): boolean;
  /** Directly before `answerEnd`. Dropped where this client cannot take them. Kept until then at most. */
  answerTrailers(trailers: Trailers): void;
  /** A client has it all when this returns; a step calls `onStepEnd` when its client has. */
  answerEnd(): void;
}

/**
 * What an answer passes between its origin and the client: it may change the bytes, or stop them, and take its time.
 * Steps stand in a row by sending to the next one's `Outlet`; the exchange knows the one that it writes to.
 */
export interface AnswerStep extends Outlet {
  /** The head is not on its way yet: another answer can be given in place of this one. */
  readonly holdsHead: boolean;
  /** Body bytes that the client was given. */
  readonly sentBytes: number;
  /** The client can take more. Calls `onStepDrain` when the step itself can. */
  resume(): void;
  /** The exchange is over, however it ended: nothing may be sent any more. */
  close(): void;
}

/** The exchange, as a step sees it. */
export interface StepOwner {
  onStepDrain(): void;
  /** The answer's last byte was given to the client. */
  onStepEnd(): void;
  /** The step cannot or must not go on with this answer. */
  onStepFault(reason: Reason): void;
  /** A bug of ours came up outside of a call from the origin's or the client's side. */
  onDefect(cause: unknown): void;
}

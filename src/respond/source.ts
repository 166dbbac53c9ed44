/** What an answer comes from that no upstream sends: bytes of ours, a file, a stored answer. */
export interface AnswerSource {
  /** More can be taken: goes on until `onAnswerBody` says false, or the end. */
  resume(): void;
  /** The exchange needs no more of it. Nothing is called any more. */
  close(): void;
}

/** The exchange, as a source sees it: as an upstream does (upstream/answer-sink.ts). */
export interface SourceOwner {
  onAnswerBody(bytes: Buffer, start: number, end: number): boolean;
  onAnswerFlush(): boolean;
  onAnswerEnd(atOnce: boolean): void;
}

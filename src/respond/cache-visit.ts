import type { BypassWhy, Outcome } from "../cache/counts.ts";
import { prepareDelivery } from "../cache/delivery.ts";
import type { CacheDesk, Ground } from "../cache/desk.ts";
import type { FetchFault, FetchRecord } from "../cache/fetching.ts";
import type { CacheRule } from "../cache/rule.ts";
import type { StoredAnswer } from "../cache/stored-answer.ts";
import { StoredSource, type StoredSourceOwner } from "../cache/stored-source.ts";
import type { Passage, PassedTo, Served, Visitor } from "../cache/visitor.ts";
import { bypassWords, passedWords, storedWords } from "../cache/words.ts";
import type { CanonicalRequest } from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import { type Reason, reasons } from "../reason.ts";
import type { AnswerSource } from "./source.ts";

/** The exchange, as its visit to the cache sees it. */
export interface CacheVisitOwner extends StoredSourceOwner, PassedTo {
  readonly request: CanonicalRequest;
  readonly record: VisitRecord;
  /** Sends the head, with `words` behind what the route says in it; `source` is what its body comes from. */
  answerFrom(head: ResponseHead, source: AnswerSource, words: string): void;
  /** The same for an answer that an upstream sends now. */
  passFrom(head: ResponseHead, passage: Passage, words: string): void;
  /** Asks the upstream itself; its answer gets these words. */
  goPast(words: string): void;
  /** There is no answer, or no more of it. */
  onSourceFault(reason: Reason, detail: string): void;
}

/** What a visit writes into the record. Met by record.ts `ExchangeRecord`. */
interface VisitRecord {
  cache: Outcome | "";
  upstream: FetchRecord["upstream"];
  retries: number;
}

/** One client's request at the cache. */
export class CacheVisit<G extends Ground> implements Visitor {
  readonly request: CanonicalRequest;
  readonly #owner: CacheVisitOwner;
  readonly #desk: CacheDesk<G>;
  readonly #rule: CacheRule;
  readonly #ground: G;
  #fill: { leave(visitor: Visitor): void } | undefined = undefined;
  #isOver = false;

  constructor(owner: CacheVisitOwner, desk: CacheDesk<G>, rule: CacheRule, ground: G) {
    this.#owner = owner;
    this.request = owner.request;
    this.#desk = desk;
    this.#rule = rule;
    this.#ground = ground;
  }

  start(): void {
    this.#ask(false);
  }

  /** The exchange is over. */
  close(): void {
    this.#isOver = true;
    this.#fill?.leave(this);
    this.#fill = undefined;
  }

  onStored(answer: StoredAnswer, served: Served): void {
    this.#fill = undefined;
    if (this.#isOver) return;
    this.#note(served.outcome);
    const { deps, head } = this.#desk;
    if (served.record !== undefined) this.#noteFetch(served.record);
    const parts = prepareDelivery(this.request, answer, head, deps.wallMs() / 1000);
    const source = new StoredSource(this.#owner, answer, parts);
    const ownWords = head.addedLines;
    const words = ownWords + storedWords(answer, served, this.#rule.tells, deps.nowMs());
    this.#owner.answerFrom(head, source, words);
    source.resume();
  }

  onPassed(head: ResponseHead, passage: Passage): PassedTo | undefined {
    this.#fill = undefined;
    if (this.#isOver) return undefined;
    this.#note("MISS");
    this.#noteFetch(passage.record);
    this.#owner.passFrom(head, passage, this.#rule.tells ? passedWords(passage.why, head.status) : "");
    return this.#owner;
  }

  onReleased(): void {
    this.#fill = undefined;
    if (!this.#isOver) this.#ask(true);
  }

  onUnavailable(fault: FetchFault): void {
    this.#fill = undefined;
    if (!this.#isOver) this.#owner.onSourceFault(fault.reason, fault.detail);
  }

  onBypassed(why: BypassWhy): void {
    this.#note("BYPASS");
    this.#desk.counts.bypasses[why]++;
    this.#owner.goPast(this.#rule.tells ? bypassWords(why) : "");
  }

  onAbsent(): void {
    this.#owner.onSourceFault(reasons.onlyIfCached, "");
  }

  #note(outcome: Outcome): void {
    this.#desk.counts.outcomes[outcome]++;
    this.#owner.record.cache = outcome;
  }

  #noteFetch({ upstream, retries }: FetchRecord): void {
    const { record } = this.#owner;
    record.upstream = upstream;
    record.retries = retries;
  }

  #ask(isAlone: boolean): void {
    this.#fill = this.#desk.ask(this, this.#rule, this.#ground, false, false, isAlone);
  }
}

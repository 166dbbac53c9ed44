import { matchesAny } from "../http/conditional.ts";
import { F } from "../http/field.ts";
import { addField } from "../http/field-edit.ts";
import { type CanonicalRequest, FIELD_SLOTS, FORWARD } from "../http/request.ts";
import { withhold } from "../http/request-copy.ts";
import type { RequestPool } from "../http/request-pool.ts";
import { RESPONSE_LENGTH, RESPONSE_NONE, type ResponseHead } from "../http/response-head.ts";
import type { Trailers } from "../http/trailer.ts";
import { Deadline } from "../std/timer-wheel.ts";
import { type Demand, mayStandIn } from "./demand.ts";
import type { CacheDesk, Ground } from "./desk.ts";
import { readDirectives } from "./directives.ts";
import type { FetchFault, Fetching, FetchOwner } from "./fetching.ts";
import { fieldOf, headField, refreshImage, takeImage } from "./head-image.ts";
import { judge, type Storable, type UnstorableWhy } from "./judgement.ts";
import { type Arrival, ageSecs, readLife } from "./life.ts";
import type { CacheRule } from "./rule.ts";
import { StoredAnswer } from "./stored-answer.ts";
import { isSameVary, readVary, variantOf } from "./vary.ts";
import type { Passage, PassedTo, Served, Visitor } from "./visitor.ts";

const WAITING = 0;
const STORING = 1;
/** The answer goes to the one visitor it is for, and is not stored. */
const PASSING = 2;
/** Everybody was served from what was stored before; the fetch comes to its end by itself. */
const SERVED = 3;
const OVER = 4;

/** Of an answer that turned out too large: so much is held of it between the upstream and its readers. */
const WINDOW_BYTES = 1_048_576;

/** What a fill is for. */
export interface FillPlace<G extends Ground> {
  /** Under which others find it; "" = nobody may wait for it. */
  readonly name: string;
  readonly key: Buffer;
  readonly hash: number;
  readonly rule: CacheRule;
  readonly ground: G;
  readonly upstream: string;
  readonly demand: Demand;
  /** The stale answer that it is to bring a newer one of. */
  readonly stale: StoredAnswer | undefined;
}

/**
 * One fetch of one key, and who waits for it. It belongs to no client: it has a copy of the request, brings the answer into
 * memory at the upstream's speed, and goes on when the client that began it is gone. An answer that may not be stored goes
 * to that client alone, because it was made for it.
 */
export class Fill<G extends Ground> implements FetchOwner, Passage {
  readonly place: FillPlace<G>;
  /** Purged, or invalidated, while it is under way: those who read it go on, nobody else finds it. */
  isTainted = false;
  answer: StoredAnswer | undefined = undefined;
  why: UnstorableWhy = "status";
  readonly #desk: CacheDesk<G>;
  readonly #request: CanonicalRequest;
  readonly #fieldCount: number;
  #fetching!: Fetching;
  #phase = WAITING;
  /** Who it was begun for; undefined = nobody, or it is gone. */
  #lead: Visitor | undefined;
  readonly #waiting = new Set<Visitor>();
  #sink: PassedTo | undefined = undefined;
  #asksWhether = false;
  #isTooLarge = false;
  #paused = false;
  readonly #deadline = new Deadline(this);

  /** `request` is a copy, and the fill's alone. */
  constructor(desk: CacheDesk<G>, place: FillPlace<G>, request: CanonicalRequest, lead: Visitor | undefined) {
    this.#desk = desk;
    this.place = place;
    this.#request = request;
    this.#lead = lead;
    this.isRefresh = lead === undefined;
    for (const id of CONDITIONS) withhold(request, id);
    // A refresh is nobody's request.
    if (this.isRefresh) for (const id of CREDENTIALS) withhold(request, id);
    this.#fieldCount = request.fieldCount;
  }

  get isOver(): boolean {
    return this.#phase === OVER;
  }

  /** No client waits for it. */
  readonly isRefresh: boolean;

  /** The copy of the request is nobody's any more. */
  release(requests: RequestPool): void {
    requests.give(this.#request);
  }

  get record(): Fetching["record"] {
    return this.#fetching.record;
  }

  start(mayAskPeer: boolean): void {
    const { stale, ground, hash } = this.place;
    const request = this.#request;
    const { peers, deps } = this.#desk;
    this.#forgetConditions();
    const viaPeer = mayAskPeer ? peers?.open(hash, request, ground, this.isRefresh, this) : undefined;
    // A peer gives what it has; it knows best what to ask the upstream by.
    this.#asksWhether = viaPeer === undefined && stale !== undefined && this.#askWhether(stale);
    this.#fetching = viaPeer ?? deps.openFetch(request, ground, this);
    this.#fetching.start();
  }

  /** False: it cannot wait here. */
  join(visitor: Visitor, demand: Demand): boolean {
    const { answer } = this;
    if (
      this.#phase === WAITING ||
      (this.#phase === STORING && answer!.readers.size === 0 && this.#lead !== undefined)
    ) {
      const { wheel } = this.#desk.deps;
      if (this.#waiting.size === 0) wheel.set(this.#deadline, wheel.nowMs + this.place.rule.lockMs);
      this.#waiting.add(visitor);
      return true;
    }
    if (this.#phase !== STORING || this.#isTooLarge || !this.#suits(visitor, demand.hasCredentials))
      return false;
    visitor.onStored(answer!, this.#served(this.record.outcome, true));
    return true;
  }

  /**
   * The visitor is gone. A fetch that nobody waits for any more ends; one whose answer is coming goes on, and so does one that
   * was begun for nobody: who joins it and leaves must not keep an answer stale.
   */
  leave(visitor: Visitor): void {
    if (this.#lead === visitor) this.#lead = undefined;
    else if (!this.#waiting.delete(visitor)) return;
    const isAwaited = this.isRefresh || this.#lead !== undefined || this.#waiting.size > 0;
    if (this.#phase === WAITING && !isAwaited) this.#cancel();
  }

  // --- what the fetch says

  onFetchHead(head: ResponseHead): void {
    const arrival = this.#desk.arrival(this.#fetching.record.startedMs);
    const { stale, rule, demand } = this.place;
    if (head.status === 304 && this.#asksWhether) {
      this.#refresh(head, arrival);
      return;
    }
    if (stale !== undefined && FAILED.has(head.status) && this.#standIn(head.status)) {
      this.#cancel();
      return;
    }
    const verdict = judge(head, demand.hasCredentials, rule, arrival);
    const why = typeof verdict === "string" ? verdict : this.#store(head, verdict);
    if (why === undefined) return;
    this.#desk.counts.unstorable[why]++;
    if (this.place.name !== "" && LASTING.has(why))
      this.#desk.memory.mark(this.place.hash, arrival.arrivedMs);
    // What replaced it may not be stored; it is no more what the upstream says, either.
    if (stale !== undefined && head.status < 500) this.#desk.table.remove(stale);
    this.#pass(head, why);
  }

  onFetchBody(bytes: Buffer, start: number, end: number): boolean {
    if (this.#phase === PASSING) return this.#sink!.onAnswerBody(bytes, start, end);
    const answer = this.answer;
    if (this.#phase !== STORING || answer === undefined) return true;
    const count = end - start;
    const { table } = this.#desk;
    if (!this.#isTooLarge && (answer.bodyBytes + count > this.place.rule.bodyBytesMax || !table.take(count)))
      this.#overflow(answer);
    if (this.#phase !== STORING) return true;
    if (this.#isTooLarge) table.bytes += count;
    answer.append(bytes, start, end);
    if (!this.#isTooLarge) return true;
    // Told before the fetch is: one that could take it must not find it paused, with nobody left to wake it.
    answer.tellMore();
    return this.#phase !== STORING || this.#keepsUp(answer);
  }

  onFetchFlush(): boolean {
    if (this.#phase === PASSING) return this.#sink!.onAnswerFlush();
    if (this.#phase !== STORING) return true;
    const answer = this.answer!;
    // One that is whole ends at once: it is given out then, in one piece.
    if (answer.bodyBytes === answer.length) return true;
    this.#serve(answer);
    answer.tellMore();
    return true;
  }

  onFetchTrailers(trailers: Trailers): void {
    // Of stored answers they are left out (RFC 9111 §3.1).
    if (this.#phase === PASSING) this.#sink!.onAnswerTrailers(trailers);
  }

  onFetchEnd(atOnce: boolean): void {
    const phase = this.#phase;
    this.#end();
    if (phase === PASSING) this.#sink!.onAnswerEnd(atOnce);
    if (phase !== STORING) return;
    const answer = this.answer!;
    const isKept = !this.#isTooLarge && !this.isTainted;
    if (isKept && this.#desk.table.add(answer, this.place.rule.entriesMax)) {
      this.#desk.counts.stores++;
      this.#desk.memory.clear(answer.hash);
    } else this.#discard(answer);
    answer.finish();
    this.#serve(answer);
    // Nobody came to read what is not kept.
    if (!answer.isIndexed && answer.readers.size === 0) answer.onUnread?.();
  }

  onFetchFault(fault: FetchFault): void {
    const phase = this.#phase;
    if (phase === WAITING && fault.isPeer) {
      this.#desk.counts.peerErrors++;
      this.start(false);
      return;
    }
    if (phase === WAITING && this.place.stale !== undefined && this.#standIn(0)) {
      this.#end();
      return;
    }
    this.#end();
    if (phase === PASSING) this.#sink!.onSourceFault(fault.reason, fault.detail);
    else if (phase === STORING) {
      this.#discard(this.answer!);
      this.#desk.counts.discarded++;
      this.answer!.breakOff();
      this.#failAll(fault);
      if (this.answer!.readers.size === 0) this.answer!.onUnread?.();
    } else if (phase === WAITING) this.#failAll(fault);
  }

  /** Called by the timer wheel: whoever waits has waited long enough, and asks itself. */
  expire(): void {
    this.#desk.counts.lockTimeouts += this.#waiting.size;
    this.#releaseAll();
  }

  // --- as a passage

  resume(): void {
    this.#fetching.resume();
  }

  close(): void {
    this.#cancel();
  }

  unhurry(): void {
    this.#fetching.unhurry();
  }

  // --- what becomes of the answer

  /** Undefined: it is being stored. */
  #store(head: ResponseHead, { life, vary, tags }: Storable): UnstorableWhy | undefined {
    const { key, hash, rule, upstream, stale } = this.place;
    const variant = variantOf(this.#request, vary);
    const image = takeImage(head, this.#desk.deps.dateLine());
    if (variant === undefined) return "vary";
    if (image === undefined) return "head";
    const length =
      head.bodyKind === RESPONSE_LENGTH ? head.bodyLength : head.bodyKind === RESPONSE_NONE ? 0 : -1;
    const place = { key, hash, profile: rule.name, upstream, vary, variant, tags };
    const answer = new StoredAnswer(place, image, life, length);
    if (!this.#desk.table.take(answer.bytes)) return "too-large";
    this.answer = answer;
    this.#phase = STORING;
    if (stale !== undefined) this.#desk.table.remove(stale);
    return undefined;
  }

  /** Gives the answer to those who waited for it, with what is there of its body. */
  #serve(answer: StoredAnswer): void {
    const { life } = answer;
    const lead = this.#lead;
    this.#lead = undefined;
    const { outcome } = this.record;
    const status = outcome === "REVALIDATED" ? 304 : answer.head.status;
    lead?.onStored(answer, this.#served(outcome, false, status));
    if (this.#waiting.size === 0) return;
    const isFresh = life.freshSecs > ageSecs(life, this.#desk.deps.nowMs()) && !life.alwaysAsk;
    // Those who waited had no credentials.
    for (const visitor of this.#takeWaiting())
      if (isFresh && this.#suits(visitor, false)) visitor.onStored(answer, this.#served(outcome, true));
      else visitor.onReleased();
  }

  #pass(head: ResponseHead, why: UnstorableWhy): void {
    this.why = why;
    const lead = this.#lead;
    this.#lead = undefined;
    this.#phase = PASSING;
    // First: the lead's head will stand in the buffer that all clients share until its body comes, and one of these may be
    // answered at once.
    this.#releaseAll();
    this.#sink = lead?.onPassed(head, this);
    if (this.#sink === undefined) this.#cancel();
    else this.#desk.forget(this);
  }

  /** The stale answer is still the right one (RFC 9111 §4.3.4). */
  #refresh(head: ResponseHead, arrival: Arrival): void {
    const { rule } = this.place;
    const stale = this.place.stale!;
    const etag = headField(head, F.etag);
    const { version } = stale.life;
    const image = refreshImage(stale.head, head, this.#desk.deps.dateLine());
    if (image === undefined || (etag !== "" && version.etag !== "" && !matchesAny(etag, version.etag))) {
      // It speaks of another version than the one it was asked about.
      this.#desk.table.remove(stale);
      this.#fetching.cancel();
      this.#asksWhether = false;
      this.#forgetConditions();
      this.#fetching = this.#desk.deps.openFetch(this.#request, this.place.ground, this);
      this.#fetching.start();
      return;
    }
    const directives = readDirectives(fieldOf(image, F.cacheControl));
    const life = readLife(
      {
        directives,
        age: headField(head, F.age),
        date: fieldOf(image, F.date),
        expires: fieldOf(image, F.expires),
        hasExpires: fieldOf(image, F.expires) !== "",
        etag: fieldOf(image, F.etag),
        lastModified: fieldOf(image, F.lastModified),
      },
      rule,
      arrival,
    );
    const before = stale.bytes;
    stale.head = image;
    stale.life = life;
    stale.noteSecs = -1;
    if (stale.isIndexed) this.#desk.table.bytes += stale.bytes - before;
    // By other fields than it was stored by, it would be found for the wrong requests.
    const vary = readVary(fieldOf(image, F.vary), fieldOf(image, F.contentEncoding) !== "");
    const isShared =
      !directives.noStore && !directives.isPrivate && vary !== undefined && isSameVary(vary, stale.vary);
    if (!isShared || this.isTainted) this.#desk.table.remove(stale);
    this.#serveAll(stale, "REVALIDATED", 304, () => isShared);
    this.#phase = SERVED;
    this.#desk.forget(this);
  }

  /** Gives out the stale answer in place of an error. False: it may not. */
  #standIn(status: number): boolean {
    const { stale, demand, rule } = this.place;
    const nowMs = this.#desk.deps.nowMs();
    if (stale === undefined || !mayStandIn(stale.life, demand, rule, nowMs)) return false;
    if (this.isRefresh) this.#desk.counts.refreshFailures++;
    this.#serveAll(stale, "STALE", status, (visitor) =>
      mayStandIn(stale.life, this.#desk.demandOf(visitor, rule), rule, nowMs),
    );
    return true;
  }

  #serveAll(
    answer: StoredAnswer,
    outcome: Served["outcome"],
    status: number,
    suits: (visitor: Visitor) => boolean,
  ): void {
    const lead = this.#lead;
    this.#lead = undefined;
    lead?.onStored(answer, this.#served(outcome, false, status));
    for (const visitor of this.#takeWaiting())
      if (suits(visitor)) visitor.onStored(answer, this.#served(outcome, true));
      else visitor.onReleased();
  }

  /** Whether what is being stored answers this visitor, too. */
  #suits(visitor: Visitor, hasCredentials: boolean): boolean {
    const answer = this.answer!;
    if (hasCredentials && !answer.life.forCredentials) return false;
    return answer.vary.length === 0 || variantOf(visitor.request, answer.vary) === answer.variant;
  }

  #served(outcome: Served["outcome"], collapsed: boolean, status = 0): Served {
    if (collapsed) this.#desk.counts.collapsed++;
    return { outcome, collapsed, record: this.#fetching.record, status };
  }

  // --- an answer that is larger than it may be, which nobody could know

  /** It goes on to those who read it already, and is not kept. */
  #overflow(answer: StoredAnswer): void {
    this.#isTooLarge = true;
    this.#desk.counts.overflows++;
    this.#desk.memory.mark(answer.hash, this.#desk.deps.nowMs());
    this.#desk.forget(this);
    if (this.#lead !== undefined) this.#serve(answer);
    answer.onRead = () => {
      if (this.#keepsUp(answer) && this.#paused) {
        this.#paused = false;
        this.#fetching.resume();
      }
    };
    answer.onUnread = () => {
      answer.onUnread = undefined;
      this.#desk.table.give(answer.bytes);
      if (this.#phase === STORING) this.#cancel();
    };
    if (answer.readers.size === 0) answer.onUnread();
  }

  /** What all readers have is forgotten. False: the slowest of them is too far behind. */
  #keepsUp(answer: StoredAnswer): boolean {
    let slowest = Infinity;
    for (const { offset } of answer.readers) if (offset < slowest) slowest = offset;
    this.#desk.table.give(answer.trim(slowest));
    const keepsUp = answer.heldBytes <= WINDOW_BYTES;
    if (!keepsUp) this.#paused = true;
    return keepsUp;
  }

  /** It is not kept: its bytes are free when nobody reads it. */
  #discard(answer: StoredAnswer): void {
    answer.onUnread ??= () => {
      answer.onUnread = undefined;
      this.#desk.table.give(answer.bytes);
    };
  }

  // --- endings

  #failAll(fault: FetchFault): void {
    const lead = this.#lead;
    this.#lead = undefined;
    if (this.isRefresh) this.#desk.counts.refreshFailures++;
    lead?.onUnavailable(fault);
    for (const visitor of this.#takeWaiting()) visitor.onUnavailable(fault);
  }

  #releaseAll(): void {
    for (const visitor of this.#takeWaiting()) visitor.onReleased();
  }

  #takeWaiting(): Visitor[] {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    return waiting;
  }

  #cancel(): void {
    if (this.#phase === OVER) return;
    this.#end();
    this.#fetching.cancel();
    this.#releaseAll();
  }

  /** Over, for those who might look for it. */
  #end(): void {
    this.#phase = OVER;
    this.#desk.deps.wheel.clear(this.#deadline);
    this.#desk.forget(this);
  }

  // --- conditions

  /** Asks whether the stored answer is still the right one. False: it has nothing to ask by. */
  #askWhether({ life }: StoredAnswer): boolean {
    const { etag } = life.version;
    const { lastModified } = life;
    if (etag !== "") addField(this.#request, "If-None-Match", etag);
    if (lastModified !== "") addField(this.#request, "If-Modified-Since", lastModified);
    return etag !== "" || lastModified !== "";
  }

  #forgetConditions(): void {
    const request = this.#request;
    for (let index = this.#fieldCount; index < request.fieldCount; index++)
      request.fields[index * FIELD_SLOTS + FORWARD] = 0;
    request.fieldCount = this.#fieldCount;
  }
}

/** A client's conditions and ranges are about what it has: the cache fetches the whole, and answers them itself. */
const CONDITIONS = [F.ifMatch, F.ifNoneMatch, F.ifModifiedSince, F.ifUnmodifiedSince, F.range, F.ifRange];
const CREDENTIALS = [F.authorization, F.cookie];
/** RFC 5861 §4. */
const FAILED: ReadonlySet<number> = new Set([500, 502, 503, 504]);
/** What is likely to be so again for every client: they need not wait for each other. */
const LASTING: ReadonlySet<UnstorableWhy> = new Set([
  "no-store",
  "private",
  "set-cookie",
  "vary",
  "no-lifetime",
  "too-large",
  "tags",
  "unframed",
]);

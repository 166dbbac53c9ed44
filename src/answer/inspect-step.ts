import { keepHead } from "../http/kept-head.ts";
import type { AnswerStep, Outlet, StepOwner } from "../http/outlet.ts";
import { RESPONSE_LENGTH, type ResponseHead } from "../http/response-head.ts";
import type { Trailers } from "../http/trailer.ts";
import { type Reason, reasons } from "../reason.ts";
import { excerptOf } from "../waf/finding.ts";
import { type Leak, type LeakScan, LOOK_BYTES, openBytes } from "../waf/leak/leak-scan.ts";
import { KeyMask, maskCard, maskToken } from "../waf/leak/mask.ts";
import type { InspectionOwner, InspectionRule } from "./inspection.ts";
import type { InspectionDesk } from "./inspection-desk.ts";

/** Head and body wait: the answer can still be refused. */
const HOLDING = 0;
/** What was looked at goes on; what may be the beginning of a secret waits for what follows. */
const FLOWING = 1;
const OVER = 2;

/** What is known of an answer from its head. */
export interface AnswerFacts {
  readonly status: number;
  readonly isJson: boolean;
  /** Whether its beginning may wait. */
  readonly holds: boolean;
}

/** Looks for leaks in one answer on its way to the client, and covers or stops them. Its length stays as it is. */
export class InspectStep implements AnswerStep, StepOwner {
  readonly #owner: InspectionOwner;
  readonly #rule: InspectionRule;
  readonly #scan: LeakScan;
  readonly #desk: InspectionDesk;
  readonly #facts: AnswerFacts;
  #next!: Outlet;
  /** The same as `#next`, where another step follows. */
  #after: AnswerStep | undefined = undefined;
  #phase: typeof HOLDING | typeof FLOWING | typeof OVER = FLOWING;
  #head: ResponseHead | undefined = undefined;
  #held: Buffer = NO_BYTES;
  #heldBytes = 0;
  #takenBytes = 0;
  #timer: NodeJS.Timeout | undefined = undefined;
  /** Sent already, and kept for what goes over a border. */
  #context: Buffer = NO_BYTES;
  /** Not sent yet. */
  #open: Buffer = NO_BYTES;
  #key: KeyMask | undefined = undefined;
  #trailers: Trailers | undefined = undefined;
  #passedBytes = 0;
  #result: "clean" | "reported" | "masked" | "blocked" = "clean";

  constructor(
    owner: InspectionOwner,
    rule: InspectionRule,
    scan: LeakScan,
    desk: InspectionDesk,
    facts: AnswerFacts,
  ) {
    this.#owner = owner;
    this.#rule = rule;
    this.#scan = scan;
    this.#desk = desk;
    this.#facts = facts;
  }

  /** Before anything comes. `step`: the same as `next`, where it is no client. */
  sendTo(next: Outlet, step: AnswerStep | undefined): void {
    this.#next = next;
    this.#after = step;
  }

  get holdsHead(): boolean {
    return this.#head !== undefined || this.#after?.holdsHead === true;
  }

  get sentBytes(): number {
    return this.#after === undefined ? this.#passedBytes : this.#after.sentBytes;
  }

  // --- from the origin

  answerHead(head: ResponseHead): void {
    const { windowBytes, reportOnly } = this.#rule;
    // Nobody can say what a part is a part of (see `askForWhole`).
    if (this.#facts.status === 206 && !reportOnly) {
      this.#head = head;
      this.#result = "blocked";
      this.#owner.onStepFault(reasons.answerLeak);
      return;
    }
    const room = head.bodyKind === RESPONSE_LENGTH ? Math.min(head.bodyLength, windowBytes) : windowBytes;
    const hasRoom = this.#facts.holds && this.#desk.take(room);
    if (!hasRoom) {
      if (this.#facts.holds) this.#desk.uninspected.memory++;
      this.#next.answerHead(head);
      return;
    }
    this.#takenBytes = room;
    this.#phase = HOLDING;
    this.#head = keepHead(head);
  }

  answerBody(bytes: Buffer, start: number, end: number): boolean {
    if (this.#phase === HOLDING) {
      const count = Math.min(end - start, this.#takenBytes - this.#heldBytes);
      this.#hold(bytes, start, start + count);
      if (start + count === end) return true;
      start += count;
      if (this.#release(false)) return true;
    }
    if (this.#phase === OVER) return true;
    return this.#pass(bytes.subarray(start, end), false);
  }

  answerFlush(): boolean {
    if (this.#phase === FLOWING) return this.#next.answerFlush();
    if (this.#phase === HOLDING) this.#timer ??= setTimeout(this.#onHeldLong, HELD_MS);
    return true;
  }

  answerTrailers(trailers: Trailers): void {
    this.#trailers = trailers;
  }

  answerEnd(): void {
    if (this.#phase === OVER) return;
    if (this.#phase === FLOWING) this.#pass(NO_BYTES, true);
    else if (this.#release(true)) return;
    if (this.#trailers !== undefined) this.#next.answerTrailers(this.#trailers);
    this.#next.answerEnd();
    if (this.#after === undefined) this.#owner.onStepEnd();
  }

  // --- from the client, or the step in between

  resume(): void {
    if (this.#after === undefined) this.#owner.onStepDrain();
    else this.#after.resume();
  }

  onStepDrain(): void {
    this.#owner.onStepDrain();
  }

  onStepEnd(): void {
    this.#owner.onStepEnd();
  }

  onStepFault(reason: Reason): void {
    this.#owner.onStepFault(reason);
  }

  onDefect(cause: unknown): void {
    this.#owner.onDefect(cause);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#desk.answers[this.#result]++;
    if (this.#scan.exhausted) this.#desk.uninspected.candidates++;
    this.#phase = OVER;
    this.#giveRoom();
    this.#head = undefined;
    this.#held = this.#open = this.#context = NO_BYTES;
    this.#after?.close();
  }

  // --- bytes

  #hold(bytes: Buffer, start: number, end: number): void {
    const needed = this.#heldBytes + end - start;
    if (needed > this.#held.length) {
      const isKnown = this.#head!.bodyKind === RESPONSE_LENGTH;
      const size = isKnown
        ? this.#takenBytes
        : Math.min(Math.max(needed, 2 * this.#held.length), this.#takenBytes);
      const grown = Buffer.allocUnsafeSlow(size);
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    bytes.copy(this.#held, this.#heldBytes, start, end);
    this.#heldBytes = needed;
  }

  readonly #onHeldLong = (): void => {
    if (this.#phase !== HOLDING) return;
    try {
      if (!this.#release(false)) this.#next.answerFlush();
    } catch (cause) {
      this.onDefect(cause);
    }
  };

  /** What is held is looked at, and goes on. True: it is refused, and nothing of it goes anywhere. */
  #release(isLast: boolean): boolean {
    clearTimeout(this.#timer);
    const held = this.#held.subarray(0, this.#heldBytes);
    this.#held = NO_BYTES;
    this.#pass(held, isLast);
    if (this.#result === "blocked") return true;
    // Slow clients of long answers must not keep the room that others are held in: those would go out unjudged.
    this.#giveRoom();
    return false;
  }

  #giveRoom(): void {
    this.#desk.give(this.#takenBytes);
    this.#takenBytes = 0;
  }

  #pass(piece: Buffer, isLast: boolean): boolean {
    const before = this.#context.length;
    const work = Buffer.concat([this.#context, this.#open, piece]);
    this.#open = NO_BYTES;
    this.#coverKey(work, before);
    const leaks = this.#scan.look(work, this.#passedBytes - before, isLast);
    for (const leak of leaks) if (this.#isRefused(leak, work, before)) return true;
    if (this.#head !== undefined) this.#sendHead();
    const open = isLast || this.#key !== undefined ? 0 : Math.min(openBytes(work), work.length - before);
    const end = work.length - open;
    this.#passedBytes += end - before;
    if (open > 0) this.#open = work.subarray(end);
    if (!isLast) this.#context = work.subarray(Math.max(0, end - LOOK_BYTES), end);
    return end === before || this.#next.answerBody(work, before, end);
  }

  #sendHead(): void {
    const head = this.#head!;
    this.#head = undefined;
    this.#phase = FLOWING;
    this.#next.answerHead(head);
  }

  // --- leaks

  /** True: the answer ends here. */
  #isRefused(leak: Leak, work: Buffer, before: number): boolean {
    const rule = this.#rule.profile.ruleSet.rules[leak.rule]!;
    const { action } = rule;
    const isShadow = this.#rule.reportOnly || this.#rule.profile.shadow[leak.rule] === 1;
    const blocks = action === "block" || (action === "block_errors" && this.#facts.status >= 500);
    const isBlocked = !isShadow && blocks && this.#phase === HOLDING;
    const isMasked = !isShadow && action === "mask" && leak.start >= before;
    const offset = this.#passedBytes - before;
    this.#owner.onLeak(
      {
        rule,
        kind: leak.kind,
        place: "answer",
        start: offset + leak.start,
        end: offset + leak.end,
        decoders: NO_DECODERS,
        // Never the secret.
        excerpt: action === "mask" ? "" : excerptOf(work, leak.start, leak.end),
        shadow: !isBlocked && !isMasked,
      },
      isBlocked,
    );
    if (isBlocked) {
      this.#result = "blocked";
      this.#owner.onStepFault(reasons.answerLeak);
      return true;
    }
    if (isMasked) {
      this.#result = "masked";
      this.#mask(leak, work);
    } else if (this.#result === "clean") this.#result = "reported";
    return false;
  }

  #mask({ kind, start, end }: Leak, work: Buffer): void {
    if (kind === "answer.card") maskCard(work, start, end, this.#facts.isJson);
    else if (kind === "answer.private_key") {
      this.#key = new KeyMask();
      this.#coverKey(work, start);
    } else maskToken(work, start, end);
  }

  #coverKey(work: Buffer, from: number): void {
    if (this.#key === undefined) return;
    this.#key.cover(work, from);
    if (this.#key.isOver) this.#key = undefined;
  }
}

/** An answer that comes slowly is held so long at most, then what there is of it is judged. */
const HELD_MS = 250;
const NO_BYTES = Buffer.alloc(0);
const NO_DECODERS: readonly string[] = [];

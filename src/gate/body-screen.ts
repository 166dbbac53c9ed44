import { F } from "../http/field.ts";
import { grpcEncoding, isGrpc } from "../http/grpc.ts";
import type { CanonicalRequest } from "../http/request.ts";
import { BODY_LENGTH } from "../http/request.ts";
import { type Reason, reasons } from "../reason.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { Inspector } from "../waf/inspector.ts";
import { HeldBody } from "./held-body.ts";
import type { RoomHolder, RoomWaiter } from "./segment-store.ts";
import type { Turn } from "./turns.ts";
import type { BodyEvents, BodyInspection } from "./waf-body.ts";
import type { WafEngine } from "./waf-engine.ts";
import type { RouteWaf } from "./waf-settings.ts";
import type { WafVerdict } from "./waf-verdict.ts";

/** The exchange whose body it is. Its methods may end the screen. */
export interface ScreenOwner {
  /** The first bytes may be forwarded: `pump` sends them when the upstream is there. */
  onBodyCleared(): void;
  /** The verdict; in a shadow route it is only told, and `onBodyCleared` follows if it had not come. */
  onBodyVerdict(verdict: WafVerdict, inspector: Inspector): void;
  /** No memory for it came free in time. */
  onBodyOverload(reason: Reason): void;
  /** More of the body can be taken: the client's side may go on. */
  onBodyWanted(): void;
  onDefect(cause: unknown): void;
}

/** Where cleared bytes go: an upstream connection. */
export interface BodyTarget {
  /** False asks to wait for another `pump`. */
  sendBody(bytes: Buffer, start: number, end: number): boolean;
  endBody(): void;
}

/**
 * Stands between a client's body and the upstream. A body of up to `inspect_buffer_kb` is held until its verdict; a
 * longer one is forwarded as far as it has been inspected, less the inspection's lag, so a short attack was never sent, and the end of the body follows only the verdict. A gRPC call may wait for the answer to each message: it
 * goes upstream with its head, and each message follows as soon as it was inspected whole.
 *
 *     taken ── inspected ── cleared ── sent        each mark at or behind the one before it
 */
export class BodyScreen implements BodyEvents, Turn, RoomHolder, RoomWaiter {
  readonly #owner: ScreenOwner;
  readonly #engine: WafEngine;
  readonly #waf: RouteWaf;
  readonly #inspector: Inspector;
  readonly #held: HeldBody;
  readonly #deadline = new Deadline(this);
  /** gRPC: message by message. */
  readonly #isCall: boolean;
  /** A call whose messages are compressed: each is held until its verdict, however long it is. */
  readonly #holdsMessages: boolean;
  heldSinceMs: number;
  before: RoomHolder | undefined = undefined;
  behind: RoomHolder | undefined = undefined;
  /** With a content coding nobody can say how far the inspection has come: such bodies are held, however long. */
  readonly #isCoded: boolean;
  /** Forwarded as it is inspected. */
  #flows: boolean;
  #inspection: BodyInspection | undefined;
  /** Nothing is looked at any more: a shadow's verdict is known. */
  #passes = false;
  #ended = false;
  /** The verdict over the whole body allows it. */
  #allowed = false;
  #told = false;
  #target: BodyTarget | undefined;
  #endSent = false;
  /** The client's side waits: for room in the store, or for the upstream. */
  #waits = false;
  #waitsForRoom = false;
  /** The store may ask for its memory: a long message of `#holdsMessages`. */
  #isHeld = false;
  /** The inspection waits: for its decoder, or for its turn. */
  #decoding = false;
  #queued = false;
  #closed = false;
  #charged = 0;

  /** `inspector` has begun the request, whose head it has seen; it is given back at the end. */
  constructor(
    owner: ScreenOwner,
    engine: WafEngine,
    request: CanonicalRequest,
    waf: RouteWaf,
    inspector: Inspector,
  ) {
    this.#owner = owner;
    this.#engine = engine;
    this.#waf = waf;
    this.#inspector = inspector;
    const declared = request.bodyKind === BODY_LENGTH ? request.bodyLength : 0;
    this.#held = new HeldBody(engine.store, declared);
    this.#inspection = engine.takeBody();
    this.#inspection.begin(request, waf, inspector, this);
    const hasCodedMessages = grpcEncoding(request) !== undefined;
    const isCall = isGrpc(request);
    this.#isCoded = request.fieldText(F.contentEncoding) !== undefined || (hasCodedMessages && !isCall);
    this.#isCall = !this.#isCoded && isCall;
    this.#holdsMessages = this.#isCall && hasCodedMessages;
    this.#flows = !this.#isCoded && (waf.streams || this.#isCall || declared > waf.inspectBufferBytes);
    this.heldSinceMs = engine.wheel.nowMs;
    // Calls are many, last, and hold next to nothing: they are charged for what they do hold.
    if (this.#flows && !this.#isCall) this.#charge();
  }

  /** Nothing was sent: the same body can go to another connection. */
  get isWhole(): boolean {
    return this.#held.sent === 0;
  }

  /** To be asked before the first `take`. False: refused for its length or type, or it waits for `onBodyWanted`. */
  start(): boolean {
    if (this.#inspection!.verdict.refused) {
      this.#refuse(this.#inspection!.verdict);
      return !this.#closed;
    }
    if (!this.#flows) this.#engine.store.hold(this);
    this.#waits = this.#lacksRoom();
    if (this.#isCall) {
      this.#told = true;
      this.#owner.onBodyCleared();
    }
    return !this.#waits && !this.#closed;
  }

  /** Bytes from the client. False asks to wait for `onBodyWanted`. */
  take(bytes: Buffer, start: number, end: number): boolean {
    if (this.#closed) return true;
    this.#held.take(bytes, start, end);
    if (!this.#flows && !this.#isCoded && this.#held.taken > this.#waf.inspectBufferBytes) {
      this.#flows = true;
      this.#engine.store.letGo(this);
      this.#charge();
    }
    if (this.#flows) this.#advance();
    if (this.#closed) return true;
    this.#waits = this.#isFull();
    return !this.#waits;
  }

  #isFull(): boolean {
    if (!this.#flows) return this.#lacksRoom();
    if (!this.#holdsMessages) return this.#held.heldBytes > FLOW_BYTES;
    if (this.#unsentBytes > FLOW_BYTES) return true;
    const isLong = this.#held.heldBytes - this.#unsentBytes > FLOW_BYTES;
    if (isLong !== this.#isHeld) this.#hold(isLong);
    return isLong && this.#lacksRoom();
  }

  /** A long message takes memory that others may want more; see SegmentStore. */
  #hold(isLong: boolean): void {
    this.#isHeld = isLong;
    if (!isLong) {
      this.#engine.store.letGo(this);
      return;
    }
    this.heldSinceMs = this.#engine.wheel.nowMs;
    this.#engine.store.hold(this);
  }

  /** Cleared, and not taken by the upstream. */
  get #unsentBytes(): number {
    return Math.max(0, this.#cleared - this.#held.sent);
  }

  /** The client has sent all. */
  end(): void {
    if (this.#closed) return;
    this.#ended = true;
    this.#stopWaiting();
    this.#engine.store.letGo(this);
    this.#advance();
  }

  /** Sends what is cleared to the upstream connection, which is ready for it. */
  pump(target: BodyTarget): void {
    this.#target = target;
    this.#send();
  }

  /** The connection that `pump` had is gone; another one may come while `isWhole`. */
  unplug(): void {
    this.#target = undefined;
  }

  /** Ends it at any point. Any number of times. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopWaiting();
    this.#engine.store.letGo(this);
    this.#held.close();
    this.#engine.store.charge(-this.#charged);
    this.#target = undefined;
    this.#endInspection();
    this.#engine.give(this.#inspector);
  }

  // --- inspection

  #advance(): void {
    if (this.#passes) {
      this.#clear();
      return;
    }
    if (this.#decoding || this.#queued || this.#allowed) return;
    const held = this.#held;
    const inspection = this.#inspection!;
    while (held.inspected < held.taken) {
      // Other requests have their turn: a step of hostile bytes takes a millisecond or more.
      if (!this.#engine.turns.mayRun) {
        this.#queued = true;
        this.#engine.turns.queue(this);
        break;
      }
      const startMs = this.#engine.turns.nowMs();
      const from = held.inspected;
      const goesOn = held.show(from, Math.min(held.taken, from + STEP_BYTES), (bytes, start, end) => {
        held.inspected = from + end - start;
        return inspection.write(bytes, start, end);
      });
      this.#engine.turns.spend(startMs);
      if (goesOn) continue;
      if (inspection.verdict.refused) {
        this.#refuse(inspection.verdict);
        return;
      }
      // The decoder has enough for now: it calls `drained`.
      this.#decoding = true;
      break;
    }
    if (this.#ended && held.inspected === held.taken && !this.#decoding) {
      this.#decoding = true;
      inspection.end((verdict) => this.#onVerdict(verdict));
    } else if (this.#flows) this.#clear();
  }

  /** Called by the turns: it may run again. */
  run(): void {
    this.#queued = false;
    if (this.#closed) return;
    try {
      this.#advance();
      if (!this.#closed) this.#ask();
    } catch (cause) {
      this.#owner.onDefect(cause);
    }
  }

  /** The decoder can take more. */
  drained(): void {
    if (this.#closed) return;
    this.#decoding = false;
    this.run();
  }

  /** The body was refused between two calls. */
  refused(): void {
    if (this.#closed || this.#passes) return;
    try {
      this.#refuse(this.#inspection!.verdict);
    } catch (cause) {
      this.#owner.onDefect(cause);
    }
  }

  #onVerdict(verdict: WafVerdict): void {
    if (this.#closed) return;
    if (verdict.refused) {
      this.#refuse(verdict);
      return;
    }
    this.#allowed = true;
    this.#owner.onBodyVerdict(verdict, this.#inspector);
    this.#endInspection();
    this.#clear();
  }

  #refuse(verdict: WafVerdict): void {
    this.#passes = true;
    this.#owner.onBodyVerdict(verdict, this.#inspector);
    if (this.#closed) return;
    // A shadow: the bytes go on as if nothing had been said.
    this.#endInspection();
    this.#held.inspected = this.#held.taken;
    this.#flows = true;
    this.#clear();
    if (!this.#closed) this.#ask();
  }

  #endInspection(): void {
    if (this.#inspection === undefined) return;
    this.#engine.giveBody(this.#inspection);
    this.#inspection = undefined;
  }

  // --- forwarding

  /** End of what may be sent now. */
  get #cleared(): number {
    if (this.#allowed || this.#passes) return this.#held.taken;
    const behind = this.#flows ? this.#held.inspected - (this.#inspection?.lagBytes ?? 0) : 0;
    return this.#isCall ? Math.max(behind, this.#inspection?.settled ?? 0) : behind;
  }

  #clear(): void {
    if (!this.#allowed && !this.#passes && this.#cleared <= 0) return;
    if (!this.#told) {
      this.#told = true;
      this.#owner.onBodyCleared();
      return;
    }
    this.#send();
  }

  #send(): void {
    const target = this.#target;
    if (target === undefined) return;
    const held = this.#held;
    if (this.#passes) held.inspected = held.taken;
    while (held.sent < this.#cleared && !this.#closed && this.#target === target) {
      const from = held.sent;
      const goesOn = held.show(from, this.#cleared, (bytes, start, end) => {
        held.sent = from + end - start;
        return target.sendBody(bytes, start, end);
      });
      if (this.#closed) return;
      held.release();
      if (!goesOn) {
        // The next `pump` goes on.
        this.#target = undefined;
        break;
      }
    }
    if (this.#closed) return;
    const isWholeSent = this.#ended && (this.#allowed || this.#passes) && held.sent === held.taken;
    if (isWholeSent && !this.#endSent && this.#target === target) {
      this.#endSent = true;
      target.endBody();
    } else this.#ask();
  }

  // --- room

  /** Lets the client go on when what it waited for is there. */
  #ask(): void {
    if (!this.#waits || this.#waitsForRoom || this.#ended) return;
    const waiting = this.#holdsMessages ? this.#unsentBytes : this.#held.heldBytes;
    if (this.#flows && waiting > FLOW_LOW_BYTES) return;
    this.#waits = false;
    this.#owner.onBodyWanted();
  }

  #charge(): void {
    this.#charged = FLOW_BYTES;
    this.#engine.store.charge(FLOW_BYTES);
  }

  /** True: it waits until somebody gives memory back. */
  #lacksRoom(): boolean {
    const { store, wheel } = this.#engine;
    if (!store.hasRoom) store.makeRoom(wheel.nowMs - ROOM_WAIT_MS);
    if (store.hasRoom || this.#closed) return false;
    this.#waitsForRoom = true;
    store.wait(this);
    wheel.set(this.#deadline, wheel.nowMs + ROOM_WAIT_MS);
    return true;
  }

  /** Called by the store: others want its memory, and it had time. */
  onEvicted(): void {
    this.#giveUp();
  }

  #stopWaiting(): void {
    if (!this.#waitsForRoom) return;
    this.#waitsForRoom = false;
    this.#engine.store.forget(this);
    this.#engine.wheel.clear(this.#deadline);
  }

  /** Called by the store: there is room. */
  onRoom(): void {
    this.#stopWaiting();
    try {
      this.#ask();
    } catch (cause) {
      this.#owner.onDefect(cause);
    }
  }

  /** Called by the timer wheel. */
  expire(nowMs: number): void {
    this.#engine.store.makeRoom(nowMs - ROOM_WAIT_MS);
    // It may have been the oldest itself, or be served already.
    if (!this.#waitsForRoom) return;
    if (this.#engine.store.hasRoom) this.onRoom();
    else this.#giveUp();
  }

  #giveUp(): void {
    this.#stopWaiting();
    this.#engine.store.overloads++;
    if (!this.#waf.shadow) {
      this.#owner.onBodyOverload(reasons.overload);
      return;
    }
    // A shadow refuses nothing: what it has no room for goes on unseen.
    this.#passes = true;
    this.#endInspection();
    this.#held.inspected = this.#held.taken;
    this.#flows = true;
    this.#clear();
    if (!this.#closed) this.#ask();
  }
}

/** Bytes given to the inspection at a time: they complete at most one window of the engine, which is 8 KiB. */
const STEP_BYTES = 4_096;
/** Bytes of one flowing body that are held at most, but for one read: more than any lag. What a flow is charged for. */
const FLOW_BYTES = 196_608;
/** Below this the client goes on: also more than any lag, or nobody would ever move. */
const FLOW_LOW_BYTES = 163_840;
/** As long as a client waits for memory (issue: 503 after 5 s). */
const ROOM_WAIT_MS = 5_000;

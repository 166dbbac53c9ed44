import { isUtf8 } from "node:buffer";
import type { ScreenedTunnel, TunnelScreen } from "../http/tunnel-end.ts";
import {
  CLOSE,
  CLOSE_NOT_TEXT,
  CLOSE_POLICY,
  CLOSE_TOO_BIG,
  CLOSE_TRY_LATER,
  CONTINUATION,
  FRAME_HEAD_BYTES_MAX,
  type FrameListener,
  FrameMeter,
  maskBytes,
  STOPPED,
  TEXT,
  writeFrameHead,
} from "../http/websocket-frames.ts";
import { type Reason, reasons } from "../reason.ts";
import type { Inspector } from "../waf/inspector.ts";
import type { RoomHolder } from "./segment-store.ts";
import type { Turn } from "./turns.ts";
import type { BodyInspection } from "./waf-body.ts";
import type { WafEngine } from "./waf-engine.ts";
import type { RouteWaf } from "./waf-settings.ts";
import type { WafVerdict } from "./waf-verdict.ts";

/** The exchange whose WebSocket it is. */
export interface MessageOwner {
  /** A message was looked at. A refusal is the owner's to carry out: it ends the tunnel, or lets a shadow go on. */
  onMessageVerdict(verdict: WafVerdict, inspector: Inspector): void;
  onDefect(cause: unknown): void;
}

/** What a route says about it. */
export interface MessageRule {
  readonly waf: RouteWaf;
  /** Name of the route, for exclusions. */
  readonly route: string;
  /** Bytes of one message, put together from its fragments. */
  readonly messageBytesMax: number;
}

/**
 * Stands in the client's way through a WebSocket: puts each message together, has the WAF look at it, and sends it on in
 * one frame, masked as the client masked it. So the upstream reads the message that was looked at, however it was cut
 * (RFC 6455 §5.4 lets intermediaries do that where no extension was agreed on, and none is: gate/upgrade.ts). Text and
 * binary alike: most servers read JSON out of either. Control frames pass in between, as they may.
 */
export class MessageScreen implements TunnelScreen, FrameListener, Turn, RoomHolder {
  closed = false;
  heldSinceMs = 0;
  before: RoomHolder | undefined = undefined;
  behind: RoomHolder | undefined = undefined;
  readonly #owner: MessageOwner;
  readonly #engine: WafEngine;
  readonly #rule: MessageRule;
  readonly #meter = new FrameMeter(true, false, this);
  #tunnel: ScreenedTunnel | undefined;

  /** The message under way: room for a head, then its payload, unmasked. */
  #message: Buffer = EMPTY;
  #messageEnd = FRAME_HEAD_BYTES_MAX;
  #opcode = TEXT;
  #charged = 0;
  /** Of its first frame: unpredictable for the page that sends it, as it must be (RFC 6455 §10.3). */
  readonly #mask = new Uint8Array(4);

  /** The frame under way, and the mask of its payload. */
  #frameOpcode = CONTINUATION;
  #isFinal = false;
  readonly #frameMask = new Uint8Array(4);
  #frameBytes = 0;
  readonly #control = Buffer.alloc(FRAME_HEAD_BYTES_MAX + CONTROL_BYTES_MAX);

  /** While a message waits for its verdict: what came behind it. */
  #inspection: BodyInspection | undefined;
  #inspector: Inspector | undefined;
  #inspectedEnd = 0;
  #rest: Buffer = EMPTY;
  /** A shadow's verdict is known: nothing more is looked at. */
  #passes = false;
  #stopped = false;
  /** The upstream has room, as far as is known. */
  #wanted = true;

  constructor(owner: MessageOwner, engine: WafEngine, rule: MessageRule) {
    this.#owner = owner;
    this.#engine = engine;
    this.#rule = rule;
  }

  get busy(): boolean {
    return this.#inspection !== undefined;
  }

  start(tunnel: ScreenedTunnel): void {
    this.#tunnel = tunnel;
  }

  take(bytes: Buffer, start: number, end: number, nowMs: number): boolean {
    if (this.#stopped) return true;
    this.#wanted = true;
    if (this.busy) this.#keep(bytes, start, end);
    else this.#follow(bytes, start, end, nowMs);
    return this.#wanted && !this.busy;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#rest = EMPTY;
    this.#endInspection();
    this.#letGo();
  }

  // --- frames

  #follow(bytes: Buffer, start: number, end: number, nowMs: number): void {
    for (let at = start; at < end; at = this.#meter.position) {
      const fault = this.#meter.take(bytes, at, end, nowMs);
      if (fault === 0 || this.#stopped) return;
      if (fault !== STOPPED) {
        this.#tunnel!.close(faultReason(fault), fault);
        return;
      }
      this.#inspect();
      if (this.#stopped) return;
      if (!this.busy) continue;
      this.#keep(bytes, this.#meter.position, end);
      return;
    }
  }

  onFrame(opcode: number, final: boolean, length: number, mask: Uint8Array): number {
    this.#frameOpcode = opcode;
    this.#isFinal = final;
    this.#frameMask.set(mask);
    this.#frameBytes = 0;
    if (opcode >= CLOSE) return 0;
    if (opcode !== CONTINUATION) {
      this.#opcode = opcode;
      this.#mask.set(mask);
      this.heldSinceMs = this.#engine.wheel.nowMs;
      this.#engine.store.hold(this);
    }
    const messageBytes = this.#messageEnd - FRAME_HEAD_BYTES_MAX + length;
    if (messageBytes > this.#rule.messageBytesMax) return CLOSE_TOO_BIG;
    return 0;
  }

  onPayload(bytes: Uint8Array, start: number, end: number): void {
    if (this.#stopped) return;
    const count = end - start;
    if (this.#frameOpcode >= CLOSE) {
      this.#control.set(bytes.subarray(start, end), FRAME_HEAD_BYTES_MAX + this.#frameBytes);
    } else {
      if (!this.#makeRoom(count)) return;
      this.#message.set(bytes.subarray(start, end), this.#messageEnd);
      maskBytes(this.#message, this.#messageEnd, this.#messageEnd + count, this.#frameMask, this.#frameBytes);
      this.#messageEnd += count;
    }
    this.#frameBytes += count;
  }

  onFrameEnd(): boolean {
    if (this.#stopped) return true;
    if (this.#frameOpcode < CLOSE) return this.#isFinal;
    // Its payload stays as the client masked it.
    const end = FRAME_HEAD_BYTES_MAX;
    const start = writeFrameHead(this.#control, end, this.#frameOpcode, this.#frameBytes, this.#frameMask);
    if (this.#frameOpcode === CLOSE) this.closed = true;
    this.#send(this.#control, start, end + this.#frameBytes);
    return false;
  }

  // --- messages

  /** Looks at the message that is complete: at once, or in turns when others want theirs. */
  #inspect(): void {
    const isText = this.#opcode === TEXT;
    if (isText && !isUtf8(this.#message.subarray(FRAME_HEAD_BYTES_MAX, this.#messageEnd))) {
      this.#tunnel!.close(reasons.websocketProtocol, CLOSE_NOT_TEXT);
      return;
    }
    if (this.#passes) {
      this.#sendMessage();
      return;
    }
    const { waf, route } = this.#rule;
    this.#inspector = this.#engine.begin(waf, route);
    this.#inspection = this.#engine.takeBody();
    this.#inspection.beginMessage(isText, waf, this.#inspector);
    this.#inspectedEnd = FRAME_HEAD_BYTES_MAX;
    this.#engine.store.letGo(this);
    this.#advance();
  }

  #advance(): void {
    const { turns } = this.#engine;
    const inspection = this.#inspection!;
    while (this.#inspectedEnd < this.#messageEnd && !inspection.verdict.refused) {
      if (!turns.mayRun) {
        turns.queue(this);
        return;
      }
      const startMs = turns.nowMs();
      const end = Math.min(this.#messageEnd, this.#inspectedEnd + STEP_BYTES);
      inspection.write(this.#message, this.#inspectedEnd, end);
      this.#inspectedEnd = end;
      turns.spend(startMs);
    }
    inspection.end((verdict) => this.#conclude(verdict));
  }

  /** Called by the turns. */
  run(): void {
    if (this.#stopped) return;
    try {
      this.#advance();
      if (this.busy || this.#stopped) return;
      this.#goOn();
    } catch (cause) {
      this.#owner.onDefect(cause);
    }
  }

  #conclude(verdict: WafVerdict): void {
    const inspector = this.#inspector!;
    if (verdict.refused) this.#passes = true;
    this.#owner.onMessageVerdict(verdict, inspector);
    this.#endInspection();
    if (!this.#stopped) this.#sendMessage();
  }

  #endInspection(): void {
    if (this.#inspection === undefined) return;
    this.#engine.giveBody(this.#inspection);
    this.#engine.give(this.#inspector!);
    this.#inspection = undefined;
    this.#inspector = undefined;
  }

  /** After a verdict that came in a later turn: what came behind the message, and then the client again. */
  #goOn(): void {
    const rest = this.#rest;
    this.#rest = EMPTY;
    this.#follow(rest, 0, rest.length, this.#engine.wheel.nowMs);
    if (!this.#stopped && !this.busy) this.#tunnel!.onScreened();
  }

  #sendMessage(): void {
    // One without a payload took no memory.
    const message = this.#charged === 0 ? Buffer.allocUnsafe(FRAME_HEAD_BYTES_MAX) : this.#message;
    const end = this.#messageEnd;
    maskBytes(message, FRAME_HEAD_BYTES_MAX, end, this.#mask);
    const length = end - FRAME_HEAD_BYTES_MAX;
    const start = writeFrameHead(message, FRAME_HEAD_BYTES_MAX, this.#opcode, length, this.#mask);
    this.#send(message, start, end);
    this.#letGo();
  }

  #send(bytes: Buffer, start: number, end: number): void {
    if (!this.#tunnel!.sendScreened(bytes, start, end)) this.#wanted = false;
  }

  /** What came behind a message that waits: at most what was read at once. */
  #keep(bytes: Buffer, start: number, end: number): void {
    if (start < end) this.#rest = Buffer.concat([this.#rest, bytes.subarray(start, end)]);
  }

  // --- memory

  /** False: there is none, and the tunnel is closed. */
  #makeRoom(count: number): boolean {
    const needed = this.#messageEnd + count;
    if (needed <= this.#message.length) return true;
    const { store } = this.#engine;
    const limit = FRAME_HEAD_BYTES_MAX + this.#rule.messageBytesMax;
    const size = Math.min(limit, Math.max(needed, this.#message.length * 2));
    if (size > SMALL_BYTES) {
      if (!store.hasRoom) store.makeRoom(this.#engine.wheel.nowMs - HOLD_MS);
      if (this.#stopped) return false;
      if (!store.hasRoom) {
        this.onEvicted();
        return false;
      }
    }
    const grown = Buffer.allocUnsafe(size);
    this.#message.copy(grown, 0, 0, this.#messageEnd);
    this.#message = grown;
    store.charge(size - this.#charged);
    this.#charged = size;
    return true;
  }

  /** Called by the store: others want its memory, and the message had time. */
  onEvicted(): void {
    if (this.#stopped) return;
    this.#engine.store.overloads++;
    this.#tunnel!.close(reasons.overload, CLOSE_TRY_LATER);
  }

  /** The message is gone. */
  #letGo(): void {
    const { store } = this.#engine;
    store.letGo(this);
    store.charge(-this.#charged);
    this.#charged = 0;
    this.#message = EMPTY;
    this.#messageEnd = FRAME_HEAD_BYTES_MAX;
  }
}

function faultReason(code: number): Reason {
  if (code === CLOSE_TOO_BIG) return reasons.websocketSize;
  // The meter ends floods with 1008, everything else is no WebSocket.
  return code === CLOSE_POLICY ? reasons.websocketFlood : reasons.websocketProtocol;
}

const EMPTY = Buffer.alloc(0);
const CONTROL_BYTES_MAX = 125;
/** Given to the inspection at a time, as of bodies. */
const STEP_BYTES = 4_096;
/** A buffer of this size is made without asking: what a small message takes is not held for longer than a read. */
const SMALL_BYTES = 4_096;
/** A message under way may hold memory this long while others want it. */
const HOLD_MS = 5_000;

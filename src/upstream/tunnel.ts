import { randomBytes } from "node:crypto";
import type { ScreenedTunnel, TunnelEnd, TunnelScreen, TunnelSide } from "../http/tunnel-end.ts";
import {
  CLOSE_GOING_AWAY,
  CLOSE_POLICY,
  CLOSE_UNAUTHORIZED,
  closeFrame,
  FrameMeter,
} from "../http/websocket-frames.ts";
import { type Reason, reasons } from "../reason.ts";
import { Deadline, type TimerWheel } from "../std/timer-wheel.ts";

/** How long a WebSocket may live. */
export interface TunnelLimits {
  /** Without a byte in either direction. */
  readonly idleMs: number;
  readonly ageMs: number;
  /** What ends it then: its age, or that of the credentials it was opened with. */
  readonly ageReason: Reason;
}

/** The exchange, as its tunnel sees it. */
export interface TunnelOwner {
  /** Bytes on their way to the upstream, or to the client. */
  onTunnelBytes(toUpstream: boolean, count: number): void;
  /** Over, once. `reason` undefined: both ends, or a Close frame, said so. */
  onTunnelEnd(reason: Reason | undefined, detail: string): void;
}

/** After one end sent FIN, the other has this long to do the same. */
const HALF_CLOSE_MS = 10_000;

/**
 * Two connections spliced after a WebSocket handshake. Bytes go over as they are, with backpressure: at most one read
 * waits per direction. Frames are followed, not changed, so that an end by us (drain, age, idleness, broken frames)
 * can be said with a Close frame between two others. Only where the route says so, a screen stands in the client's way.
 */
export class Tunnel implements ScreenedTunnel {
  /** What the client's connection tells. */
  readonly client: TunnelSide;
  /** What the upstream's connection tells. */
  readonly upstream: TunnelSide;
  readonly #owner: TunnelOwner;
  readonly #wheel: TimerWheel;
  readonly #idleMs: number;
  readonly #endsMs: number;
  readonly #endReason: Reason;
  readonly #deadline = new Deadline(this);
  readonly #toUpstream: Direction;
  readonly #toClient: Direction;
  /** Undefined = nobody looks at what the client says. */
  readonly #screen: TunnelScreen | undefined;
  /** The upstream has enough for now. */
  #upstreamFull = false;
  /** The client's FIN came while the screen was busy. */
  #endWaits = false;
  #activeMs: number;
  #halfClosedMs = Infinity;
  #over = false;

  constructor(
    owner: TunnelOwner,
    limits: TunnelLimits,
    wheel: TimerWheel,
    extensions: boolean,
    screen?: TunnelScreen,
  ) {
    this.#owner = owner;
    this.#screen = screen;
    this.#wheel = wheel;
    this.#idleMs = limits.idleMs;
    this.#endsMs = wheel.nowMs + limits.ageMs;
    this.#endReason = limits.ageReason;
    this.#activeMs = wheel.nowMs;
    this.#toUpstream = new Direction(new FrameMeter(true, extensions), true);
    this.#toClient = new Direction(new FrameMeter(false, extensions), false);
    this.client = new Side(this, this.#toUpstream, this.#toClient);
    this.upstream = new Side(this, this.#toClient, this.#toUpstream);
  }

  /** Both ends are there. */
  start(client: TunnelEnd, upstream: TunnelEnd): void {
    this.#toClient.target = client;
    this.#toUpstream.target = upstream;
    this.#screen?.start(this);
    this.#arm();
  }

  /** Ends the tunnel for a reason of ours, with a Close frame to whoever can be told between two frames. */
  close(reason: Reason, code: number = CLOSE_GOING_AWAY, detail = ""): void {
    if (this.#over) return;
    for (const direction of [this.#toClient, this.#toUpstream]) {
      const { target } = direction;
      if (target === undefined || !this.#takesClose(direction)) continue;
      const frame = closeFrame(code, direction.toUpstream ? randomBytes(4) : undefined);
      target.sendTunnel(frame, 0, frame.length);
    }
    this.#finish(reason, detail);
  }

  #takesClose({ meter, ended, toUpstream }: Direction): boolean {
    if (ended) return false;
    if (toUpstream && this.#screen !== undefined) return !this.#screen.closed;
    return meter.isBetweenFrames && !meter.closed;
  }

  /** Called by the timer wheel. */
  expire(nowMs: number): void {
    if (nowMs >= this.#endsMs) this.#endLife();
    else if (nowMs >= this.#halfClosedMs) this.#finish(undefined, "half_closed");
    else if (nowMs - this.#activeMs >= this.#idleMs) this.close(reasons.streamIdle);
    else this.#arm();
  }

  #endLife(): void {
    const isExpired = this.#endReason === reasons.streamExpired;
    this.close(this.#endReason, isExpired ? CLOSE_UNAUTHORIZED : CLOSE_GOING_AWAY);
  }

  /** From a side: bytes that go `along`. */
  pass(along: Direction, bytes: Buffer, start: number, end: number): boolean {
    if (this.#over || along.ended) return true;
    const { meter, target } = along;
    this.#activeMs = this.#wheel.nowMs;
    if (along.toUpstream && this.#screen !== undefined)
      return this.#screen.take(bytes, start, end, this.#activeMs);
    const fault = meter.take(bytes, start, end, this.#activeMs);
    const until = fault === 0 ? end : meter.faultStart;
    if (until > start) this.#owner.onTunnelBytes(along.toUpstream, until - start);
    const wanted = until === start || target!.sendTunnel(bytes, start, until);
    if (fault === 0) return wanted;
    this.close(fault === CLOSE_POLICY ? reasons.websocketFlood : reasons.websocketProtocol, fault);
    return true;
  }

  sendScreened(bytes: Buffer, start: number, end: number): boolean {
    const { target } = this.#toUpstream;
    if (this.#over || target === undefined) return true;
    this.#owner.onTunnelBytes(true, end - start);
    this.#upstreamFull = !target.sendTunnel(bytes, start, end);
    return !this.#upstreamFull;
  }

  onScreened(): void {
    if (this.#over) return;
    if (this.#endWaits) this.endAlong(this.#toUpstream, this.#toClient);
    else if (!this.#upstreamFull) this.#toClient.target?.resumeTunnel();
  }

  /** From a side: whoever sends to it may go on, because its connection took what was queued. */
  resumeBack(back: Direction): void {
    if (back.toUpstream) {
      this.#upstreamFull = false;
      if (this.#screen?.busy === true) return;
    }
    const source = back.toUpstream ? this.#toClient : this.#toUpstream;
    source.target?.resumeTunnel();
  }

  /** From a side: its connection sent FIN, so nothing more goes `along`. */
  endAlong(along: Direction, back: Direction): void {
    if (this.#over || along.ended) return;
    if (along.toUpstream && this.#screen?.busy === true) {
      this.#endWaits = true;
      return;
    }
    along.ended = true;
    // After a Close frame each way there is nothing left to say.
    if (back.ended || (along.meter.closed && back.meter.closed)) {
      this.#finish(undefined, "");
      return;
    }
    along.target!.endTunnel();
    this.#halfClosedMs = this.#wheel.nowMs + HALF_CLOSE_MS;
    this.#arm();
  }

  /** From a side: its connection is gone. A Close frame in either direction, or a FIN before, was a farewell. */
  lose(along: Direction, back: Direction, reason: Reason, detail: string): void {
    if (this.#over) return;
    const wasEnding = along.ended || along.meter.closed || back.meter.closed;
    back.target = undefined;
    this.#finish(wasEnding && reason.blame !== "gateway" ? undefined : reason, detail);
  }

  #finish(reason: Reason | undefined, detail: string): void {
    this.#over = true;
    this.#screen?.stop();
    this.#wheel.clear(this.#deadline);
    this.#toClient.target?.leaveTunnel();
    this.#toUpstream.target?.leaveTunnel();
    this.#owner.onTunnelEnd(reason, detail);
  }

  #arm(): void {
    this.#wheel.set(
      this.#deadline,
      Math.min(this.#endsMs, this.#halfClosedMs, this.#activeMs + this.#idleMs),
    );
  }
}

/** One way through the tunnel. */
class Direction {
  /** Where its bytes go; undefined before the start, and when that connection is gone. */
  target: TunnelEnd | undefined = undefined;
  /** Nothing more comes this way. */
  ended = false;
  readonly meter: FrameMeter;
  readonly toUpstream: boolean;

  constructor(meter: FrameMeter, toUpstream: boolean) {
    this.meter = meter;
    this.toUpstream = toUpstream;
  }
}

/** What one connection tells: its bytes go `along`, and what it has taken came `back`. */
class Side implements TunnelSide {
  readonly #tunnel: Tunnel;
  readonly #along: Direction;
  readonly #back: Direction;

  constructor(tunnel: Tunnel, along: Direction, back: Direction) {
    this.#tunnel = tunnel;
    this.#along = along;
    this.#back = back;
  }

  onBytes(bytes: Buffer, start: number, end: number): boolean {
    return this.#tunnel.pass(this.#along, bytes, start, end);
  }

  onEnd(): void {
    this.#tunnel.endAlong(this.#along, this.#back);
  }

  onDrain(): void {
    this.#tunnel.resumeBack(this.#back);
  }

  onGone(reason: Reason, detail: string): void {
    this.#tunnel.lose(this.#along, this.#back, reason, detail);
  }
}

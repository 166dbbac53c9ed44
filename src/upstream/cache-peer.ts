import net from "node:net";
import { outcomes } from "../cache/counts.ts";
import type { Peers } from "../cache/desk.ts";
import type { FetchFault, Fetching, FetchOwner, FetchRecord } from "../cache/fetching.ts";
import {
  ASK,
  askPayload,
  BODY,
  END,
  FAULT,
  FrameReader,
  frameHeader,
  HEAD_FRAME,
  NOT_MINE,
  STORED_HEAD,
} from "../cache/peer-frame.ts";
import type { CanonicalRequest } from "../http/request.ts";
import { writeRequest } from "../http/request-image.ts";
import { ResponseHead, readResponseHead } from "../http/response-head.ts";
import { allReasons, reasons } from "../reason.ts";
import { Deadline, type TimerWheel } from "../std/timer-wheel.ts";
import type { FetchGround } from "./cache-fetch.ts";

/** Another worker: where it listens for questions about stored answers. */
export interface PeerPlace {
  readonly slot: number;
  readonly socket: string;
}

/** Questions under way to one worker; beyond them the upstream is asked. */
const ASKS_MAX = 128;
const IDLE_MAX = 32;
/**
 * A worker that says nothing for so long is stuck: the upstream is asked. What has begun breaks off where the worker says
 * nothing for that much longer than its upstream may pause.
 */
const SILENT_MS = 5000;

export interface PeerRingDeps {
  readonly wheel: TimerWheel;
  nowMs(): number;
  onDefect(cause: unknown): void;
  /** Counted. */
  onAsked(): void;
}

/** The workers of this gateway, as one of them sees them: each owns the keys for which its slot scores highest. */
export class PeerRing implements Peers<FetchGround> {
  readonly deps: PeerRingDeps;
  readonly #ownSlot: number;
  #token: Buffer = Buffer.alloc(0);
  #places: readonly PeerPlace[] = [];
  readonly #idle = new Map<string, net.Socket[]>();
  readonly #asking = new Map<string, number>();

  constructor(ownSlot: number, deps: PeerRingDeps) {
    this.#ownSlot = ownSlot;
    this.deps = deps;
  }

  /** All that there are now, this one among them. */
  adopt(places: readonly PeerPlace[], token: Uint8Array): void {
    this.#places = places;
    this.#token = Buffer.from(token);
    const known = new Set(places.map(({ socket }) => socket));
    for (const [socket, idle] of this.#idle) {
      if (known.has(socket)) continue;
      for (const connection of idle) connection.destroy();
      this.#idle.delete(socket);
      this.#asking.delete(socket);
    }
  }

  open(
    hash: number,
    request: CanonicalRequest,
    ground: FetchGround,
    wantsFresh: boolean,
    owner: FetchOwner,
  ): Fetching | undefined {
    const place = ownerOf(hash, this.#places);
    if (place === undefined || place.slot === this.#ownSlot) return undefined;
    if ((this.#asking.get(place.socket) ?? 0) >= ASKS_MAX) return undefined;
    this.deps.onAsked();
    return new PeerFetch(this, place.socket, request, ground, wantsFresh, owner);
  }

  /** A connection that is free, or a new one, which has said the token. */
  take(socket: string): net.Socket {
    this.#asking.set(socket, (this.#asking.get(socket) ?? 0) + 1);
    const idle = this.#idle.get(socket)?.pop();
    if (idle !== undefined) {
      unhear(idle);
      return idle;
    }
    const connection = net.connect(socket);
    connection.write(this.#token);
    return connection;
  }

  /** The question is answered; `isClean`: nothing is left on the connection. */
  give(socket: string, connection: net.Socket, isClean: boolean): void {
    const asking = this.#asking.get(socket);
    if (asking !== undefined) this.#asking.set(socket, Math.max(0, asking - 1));
    unhear(connection);
    const idle = this.#idle.get(socket) ?? [];
    const isKnown = this.#places.some((place) => place.socket === socket);
    if (!isClean || connection.destroyed || !isKnown || idle.length >= IDLE_MAX) {
      connection.on("error", () => {});
      connection.destroy();
      return;
    }
    const leave = (): void => {
      const at = idle.indexOf(connection);
      if (at >= 0) idle.splice(at, 1);
      connection.destroy();
    };
    // Nobody asked: whatever comes ends it.
    connection.on("data", leave);
    connection.on("error", leave);
    connection.on("close", leave);
    connection.resume();
    idle.push(connection);
    this.#idle.set(socket, idle);
  }
}

/** Node's own listeners stay. */
function unhear(connection: net.Socket): void {
  for (const event of ["data", "error", "close"]) connection.removeAllListeners(event);
}

/** Rendezvous: when a worker comes or goes, only its keys change their owner. */
export function ownerOf(hash: number, places: readonly PeerPlace[]): PeerPlace | undefined {
  let best: PeerPlace | undefined;
  let highest = -1;
  for (const place of places) {
    const score = mix(hash ^ Math.imul(place.slot + 1, 0x9e3779b1));
    if (score <= highest) continue;
    highest = score;
    best = place;
  }
  return best;
}

/** The finalizer of MurmurHash3. */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** One question to the worker that owns a key. */
class PeerFetch implements Fetching {
  readonly record: FetchRecord;
  readonly #ring: PeerRing;
  readonly #socketName: string;
  readonly #request: CanonicalRequest;
  readonly #ground: FetchGround;
  readonly #wantsFresh: boolean;
  readonly #owner: FetchOwner;
  readonly #frames = new FrameReader();
  readonly #deadline = new Deadline(this);
  #connection: net.Socket | undefined = undefined;
  #hasHead = false;
  #isLasting = false;

  constructor(
    ring: PeerRing,
    socketName: string,
    request: CanonicalRequest,
    ground: FetchGround,
    wantsFresh: boolean,
    owner: FetchOwner,
  ) {
    this.#ring = ring;
    this.#socketName = socketName;
    this.#request = request;
    this.#ground = ground;
    this.#wantsFresh = wantsFresh;
    this.#owner = owner;
    this.record = { startedMs: ring.deps.nowMs(), upstream: undefined, retries: 0, outcome: "MISS" };
  }

  start(): void {
    const { route, upstream } = this.#ground;
    const connection = this.#ring.take(this.#socketName);
    this.#connection = connection;
    connection.on("error", () => this.#fault("peer_error"));
    connection.on("close", () => this.#fault("peer_closed"));
    connection.on("data", (bytes: Buffer) => {
      try {
        this.#onData(bytes);
      } catch (cause) {
        this.#ring.deps.onDefect(cause);
        this.#fault("defect");
      }
    });
    const payload = askPayload(route, upstream.name, this.#wantsFresh, writeRequest(this.#request));
    connection.write(frameHeader(ASK, payload.length));
    connection.write(payload);
    this.#arm();
  }

  resume(): void {
    this.#arm();
    this.#connection?.resume();
  }

  cancel(): void {
    this.#leave(false);
  }

  unhurry(): void {
    this.#isLasting = true;
    this.#ring.deps.wheel.clear(this.#deadline);
  }

  /** Called by the timer wheel. */
  expire(): void {
    this.#fault("peer_silent");
  }

  #onData(bytes: Buffer): void {
    if (this.#connection === undefined) return;
    this.#arm();
    let wanted = true;
    const isRead = this.#frames.read(bytes, (kind, payload) => {
      if (this.#isOutOfTurn(kind)) this.#fault("peer_frame");
      else if (kind === BODY) wanted = this.#owner.onFetchBody(payload, 0, payload.length);
      else this.#take(kind, payload);
      return this.#connection !== undefined;
    });
    if (!isRead) this.#fault("peer_frame");
    if (this.#connection === undefined) return;
    if (this.#hasHead) this.#owner.onFetchFlush();
    if (wanted || this.#connection === undefined) return;
    this.#ring.deps.wheel.pause(this.#deadline);
    this.#connection.pause();
  }

  /** One head, then a body and an end: whoever waits would wait for ever, or get two answers in one. */
  #isOutOfTurn(kind: number): boolean {
    return this.#hasHead
      ? kind === HEAD_FRAME || kind === STORED_HEAD || kind === NOT_MINE
      : kind === BODY || kind === END;
  }

  #take(kind: number, payload: Buffer): void {
    if (kind === STORED_HEAD) {
      const outcome = outcomes[payload[0]!];
      if (outcome !== undefined && outcome !== "BYPASS") this.record.outcome = outcome;
      this.#take(HEAD_FRAME, payload.subarray(1));
    } else if (kind === HEAD_FRAME) {
      const head = new ResponseHead();
      if (readResponseHead(payload, 0, payload.length, false, head) <= 0) {
        this.#fault("peer_head");
        return;
      }
      this.#hasHead = true;
      this.#arm();
      this.#owner.onFetchHead(head);
    } else if (kind === END) {
      this.#leave(true);
      this.#owner.onFetchFlush();
      this.#owner.onFetchEnd(false);
    } else if (kind === FAULT) {
      const reason = allReasons[payload.readUInt32LE(0)] ?? reasons.upstreamReset;
      this.#leave(true);
      this.#owner.onFetchFault({ reason, detail: payload.latin1Slice(4), isPeer: false });
    } else this.#fault("peer_declined", true);
  }

  #fault(detail: string, isClean = false): void {
    if (this.#connection === undefined) return;
    const fault: FetchFault = { reason: reasons.upstreamReset, detail, isPeer: !this.#hasHead };
    this.#leave(isClean);
    this.#owner.onFetchFault(fault);
  }

  #leave(isClean: boolean): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    this.#ring.deps.wheel.clear(this.#deadline);
    this.#ring.give(this.#socketName, connection, isClean);
  }

  #arm(): void {
    const { wheel } = this.#ring.deps;
    const pauseMs = this.#hasHead ? this.#ground.upstream.config.idleTimeoutMs : 0;
    if (!this.#isLasting) wheel.set(this.#deadline, wheel.nowMs + pauseMs + SILENT_MS);
  }
}

import { timingSafeEqual } from "node:crypto";
import net from "node:net";
import type { CacheDesk } from "../cache/desk.ts";
import type { FetchFault } from "../cache/fetching.ts";
import {
  ASK,
  BODY,
  END,
  FAULT,
  FrameReader,
  frameHeader,
  HEAD_FRAME,
  NOT_MINE,
  passedHeadText,
  readAsk,
  STORED_HEAD,
  storedHeadPayload,
  TOKEN_BYTES,
} from "../cache/peer-frame.ts";
import type { StoredAnswer } from "../cache/stored-answer.ts";
import { StoredSource } from "../cache/stored-source.ts";
import type { Passage, PassedTo, Served, Visitor } from "../cache/visitor.ts";
import { isEventStream } from "../http/event-stream.ts";
import { CanonicalRequest } from "../http/request.ts";
import { readRequest } from "../http/request-image.ts";
import type { ResponseHead } from "../http/response-head.ts";
import type { Reason } from "../reason.ts";
import type { Route } from "../snapshot.ts";
import type { State } from "../state.ts";
import type { FetchGround } from "../upstream/cache-fetch.ts";

/** An asker that takes nothing, or asks nothing, for so long is let go; it connects again. */
const IDLE_MS = 120_000;

/**
 * Listens for questions of the other workers. `socketName` is a name that nobody can know before: it is made anew by every
 * worker, so that nobody else can take it in its place; who connects says the token that only workers have.
 */
export function openCachePeers(socketName: string, token: () => Uint8Array, state: State): net.Server {
  const server = net.createServer((connection) => new PeerConnection(connection, token, state));
  // Without it the others ask their upstreams.
  server.on("error", () => {});
  server.listen(socketName);
  server.unref();
  return server;
}

/** A worker that asks, one question after the other. */
class PeerConnection implements Visitor, PassedTo {
  readonly request = new CanonicalRequest();
  readonly #connection: net.Socket;
  readonly #token: () => Uint8Array;
  readonly #state: State;
  readonly #frames = new FrameReader();
  #said: Buffer | undefined = Buffer.alloc(0);
  #route: Route | undefined = undefined;
  #ground: FetchGround | undefined = undefined;
  #fill: { leave(visitor: Visitor): void } | undefined = undefined;
  /** What its answer comes from. */
  #source: { resume(): void; close(): void } | undefined = undefined;
  #isBusy = false;

  constructor(connection: net.Socket, token: () => Uint8Array, state: State) {
    this.#connection = connection;
    this.#token = token;
    this.#state = state;
    connection.setTimeout(IDLE_MS, () => {
      // An upstream may be silent for longer: its own limits of time end that.
      if (!this.#isBusy || connection.writableLength > 0) connection.destroy();
      else connection.setTimeout(IDLE_MS);
    });
    connection.on("error", () => connection.destroy());
    connection.on("close", () => this.#drop());
    connection.on("drain", () => this.#guard(() => this.#source?.resume()));
    connection.on("data", (bytes: Buffer) => this.#guard(() => this.#onData(bytes)));
  }

  onStored(answer: StoredAnswer, { outcome }: Served): void {
    this.#fill = undefined;
    this.#send(STORED_HEAD, storedHeadPayload(answer, outcome, this.#state.clock.nowMs()));
    const source = new StoredSource(this, answer, answer.head.status === 204 ? [] : WHOLE);
    this.#source = source;
    source.resume();
  }

  onPassed(head: ResponseHead, passage: Passage): PassedTo | undefined {
    this.#fill = undefined;
    if (this.#connection.destroyed) return undefined;
    if (isEventStream(head)) {
      // It may be silent for hours, here as in the worker that asked.
      passage.unhurry();
      this.#connection.setTimeout(0);
    }
    this.#source = passage;
    this.#send(HEAD_FRAME, passedHeadText(head));
    return this;
  }

  onReleased(): void {
    this.#fill = undefined;
    this.#ask(false, true);
  }

  onUnavailable({ reason, detail }: FetchFault): void {
    this.#fail(reason, detail);
  }

  onBypassed(): void {
    this.#decline();
  }

  onAbsent(): void {
    this.#decline();
  }

  onAnswerBody(bytes: Buffer, start: number, end: number): boolean {
    this.#connection.write(frameHeader(BODY, end - start));
    // Bytes of a passed answer are valid during the call only; those of a stored one stay as they are.
    const part = bytes.subarray(start, end);
    return this.#connection.write(this.#source instanceof StoredSource ? part : Buffer.from(part));
  }

  onAnswerFlush(): boolean {
    return true;
  }

  /** Nobody asked for them: what other workers ask for is for many clients. */
  onAnswerTrailers(): void {}

  onAnswerEnd(): void {
    this.#end(END, NOTHING);
  }

  onSourceFault(reason: Reason, detail: string): void {
    this.#fail(reason, detail);
  }

  #onData(bytes: Buffer): void {
    if (this.#said !== undefined) {
      const said = Buffer.concat([this.#said, bytes]);
      this.#said = said;
      if (said.length < TOKEN_BYTES) return;
      const token = this.#token();
      if (token.length !== TOKEN_BYTES || !timingSafeEqual(said.subarray(0, TOKEN_BYTES), token)) {
        this.#connection.destroy();
        return;
      }
      this.#said = undefined;
      bytes = said.subarray(TOKEN_BYTES);
    }
    const isRead = this.#frames.read(bytes, (kind, payload) => {
      if (kind !== ASK || this.#isBusy) this.#connection.destroy();
      else this.#onAsk(payload);
      return !this.#connection.destroyed;
    });
    if (!isRead) this.#connection.destroy();
  }

  #onAsk(payload: Buffer): void {
    this.#isBusy = true;
    const asked = readAsk(payload);
    const { snapshot, cache } = this.#state;
    const route = asked === undefined ? undefined : snapshot.cachedRoutes.get(asked.route);
    const upstream = [route?.upstream, ...(route?.transform.split.map((one) => one.upstream) ?? [])].find(
      (one) => one?.name === asked?.upstream,
    );
    // The two workers have different generations for a moment.
    if (asked === undefined || upstream === undefined || !readRequest(asked.request, this.request)) {
      this.#decline();
      return;
    }
    this.#route = route;
    this.#ground = { upstream, hop: snapshot.hop, mergeSlashes: route!.mergeSlashes, route: asked.route };
    cache.counts.peerServed++;
    this.#ask(asked.wantsFresh, false);
  }

  #ask(wantsFresh: boolean, isAlone: boolean): void {
    const desk: CacheDesk<FetchGround> = this.#state.cache;
    const rule = this.#route?.cache;
    if (rule === undefined) this.#decline();
    else this.#fill = desk.ask(this, rule, this.#ground!, true, wantsFresh, isAlone);
  }

  #decline(): void {
    this.#end(NOT_MINE, NOTHING);
  }

  #fail(reason: Reason, detail: string): void {
    const payload = Buffer.alloc(4);
    payload.writeUInt32LE(reason.index);
    this.#end(FAULT, Buffer.concat([payload, Buffer.from(detail, "latin1")]));
  }

  #end(kind: number, payload: Buffer): void {
    this.#fill = undefined;
    this.#source = undefined;
    this.#isBusy = false;
    this.#connection.setTimeout(IDLE_MS);
    this.#send(kind, payload);
  }

  #send(kind: number, payload: Buffer): void {
    if (this.#connection.destroyed) return;
    this.#connection.write(frameHeader(kind, payload.length));
    if (payload.length > 0) this.#connection.write(payload);
  }

  /** The asker is gone. */
  #drop(): void {
    this.#guard(() => {
      this.#fill?.leave(this);
      this.#source?.close();
    });
    this.#fill = undefined;
    this.#source = undefined;
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (cause) {
      this.#state.onDefect(cause);
      this.#connection.destroy();
    }
  }
}

const WHOLE = [{ start: 0, end: Infinity }];
const NOTHING = Buffer.alloc(0);

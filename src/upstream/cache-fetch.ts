import type { Fetching, FetchOwner } from "../cache/fetching.ts";
import { headField } from "../cache/head-image.ts";
import { F } from "../http/field.ts";
import { isSafe } from "../http/method.ts";
import { ForwardedMemo, type HopFacts } from "../http/print-request.ts";
import type { CanonicalRequest } from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import type { Trailers } from "../http/trailer.ts";
import { reasons } from "../reason.ts";
import type { Fault } from "./answer-sink.ts";
import type { Endpoint, UpstreamDeps } from "./endpoint.ts";
import { type ForwardedExchange, Forwarding } from "./forward.ts";
import type { Upstream } from "./upstream.ts";

/** The way to the upstream of an exchange that missed the cache. */
export interface FetchGround {
  readonly upstream: Upstream;
  readonly hop: HopFacts;
  readonly mergeSlashes: boolean;
  /** The route's, for another worker that is asked. */
  readonly route: string;
}

/** Methods that may change what a URI stands for. */
export function isUnsafe(method: number): boolean {
  return !isSafe(method);
}

/** URIs that an answer says it is about, too (RFC 9111 §4.4). */
export function namedUris(head: ResponseHead): readonly string[] {
  return [headField(head, F.location), headField(head, F.contentLocation)].filter((uri) => uri !== "");
}

/** A GET without a body for the cache, by the upstream's pools, balance, breaker and retries. */
export class CacheFetch implements Fetching, ForwardedExchange {
  readonly request: CanonicalRequest;
  readonly hop: HopFacts;
  readonly mergeSlashes: boolean;
  readonly record: {
    readonly startedMs: number;
    upstream: Pick<Endpoint, "url" | "logPiece"> | undefined;
    retries: number;
    readonly outcome: "MISS";
  };
  readonly forwardedMemo = new ForwardedMemo();
  readonly peerText: string;
  readonly wantsTrailers = false;
  readonly sendsTrailers = false;
  readonly deadlineMs = Infinity;
  readonly requestTrailers = undefined;
  readonly isStream = false;
  readonly #owner: FetchOwner;
  readonly #deps: UpstreamDeps;
  readonly #forwarding: Forwarding;
  #answered = false;

  constructor(request: CanonicalRequest, ground: FetchGround, deps: UpstreamDeps, owner: FetchOwner) {
    this.request = request;
    this.hop = ground.hop;
    this.mergeSlashes = ground.mergeSlashes;
    this.peerText = request.clientAddress;
    this.record = { startedMs: deps.nowMs(), upstream: undefined, retries: 0, outcome: "MISS" };
    this.#owner = owner;
    this.#deps = deps;
    this.#forwarding = new Forwarding(this, ground.upstream, deps, undefined);
  }

  start(): void {
    this.#forwarding.start();
  }

  resume(): void {
    this.#forwarding.connection?.resume();
  }

  cancel(): void {
    this.#forwarding.cancel();
  }

  unhurry(): void {
    this.#forwarding.connection?.unhurry();
  }

  // --- what the connection says

  onConnected(): void {}

  startRequestBody(): void {
    this.#forwarding.connection?.endBody();
  }

  resumeRequestBody(): void {}

  onAnswerHead(head: ResponseHead): void {
    this.#answered = true;
    this.#forwarding.settle(head.status, this.#deps.nowMs());
    this.#owner.onFetchHead(head);
  }

  onAnswerBody(bytes: Buffer, start: number, end: number): boolean {
    return this.#owner.onFetchBody(bytes, start, end);
  }

  onAnswerFlush(): boolean {
    return this.#owner.onFetchFlush();
  }

  onAnswerTrailers(trailers: Trailers): void {
    this.#owner.onFetchTrailers(trailers);
  }

  onAnswerSwitch(): undefined {
    // Connections let a 101 through for WebSocket handshakes only, and those go past the cache.
    this.onFault({ reason: reasons.upstreamInvalid, nothingSent: false, detail: "unasked_101" });
    return undefined;
  }

  onAnswerEnd(atOnce: boolean): void {
    this.#forwarding.finish();
    this.#owner.onFetchEnd(atOnce);
  }

  onFault(fault: Fault): void {
    if (!this.#answered && this.#forwarding.retry(fault, true)) {
      this.record.retries++;
      return;
    }
    this.#forwarding.finish();
    this.#owner.onFetchFault({ reason: fault.reason, detail: fault.detail, isPeer: false });
  }
}

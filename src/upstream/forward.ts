import { reasons } from "../reason.ts";
import type { AnswerSink, Fault } from "./answer-sink.ts";
import type { Carrier } from "./carrier.ts";
import type { Endpoint, UpstreamDeps } from "./endpoint.ts";
import { faultWithoutCarrier } from "./no-carrier.ts";
import { ANSWERED, ANSWERED_BADLY, CONNECTION_FAILED } from "./outlier.ts";
import type { Upstream } from "./upstream.ts";

/** What forwarding writes into the record. Met by record.ts `ExchangeRecord`. */
export interface ForwardRecord {
  readonly startedMs: number;
  upstream: Pick<Endpoint, "url" | "logPiece"> | undefined;
}

/** The exchange as the attempts see it. */
export interface ForwardedExchange extends AnswerSink {
  readonly record: ForwardRecord;
}

/**
 * The attempts of one exchange: admits it (bulkhead, breaker), chooses an endpoint, takes a connection, and may try
 * once more where that cannot do anything twice. Afterwards it tells breaker, balance and outlier detection how it
 * went.
 */
export class Forwarding {
  connection: Carrier | undefined = undefined;
  readonly #exchange: ForwardedExchange;
  readonly #upstream: Upstream;
  readonly #deps: UpstreamDeps;
  /** The member that the client keeps to. */
  readonly #wanted: Endpoint | undefined;
  #endpoint: Endpoint | undefined = undefined;
  #attempts = 0;
  #ticket = -1;
  #attemptMs = 0;
  #admitted = false;

  constructor(
    exchange: ForwardedExchange,
    upstream: Upstream,
    deps: UpstreamDeps,
    wanted: Endpoint | undefined,
  ) {
    this.#exchange = exchange;
    this.#upstream = upstream;
    this.#deps = deps;
    this.#wanted = wanted;
  }

  /** The one of the attempt under way. */
  get endpoint(): Endpoint | undefined {
    return this.#endpoint;
  }

  start(): void {
    const upstream = this.#upstream;
    const full = upstream.checkRoom();
    if (full !== undefined) {
      upstream.shed++;
      this.#exchange.onFault({ reason: full, nothingSent: true, detail: "" });
      return;
    }
    if (upstream.breaker !== undefined) {
      this.#ticket = upstream.breaker.admit(this.#deps.nowMs());
      if (this.#ticket < 0) {
        upstream.brokenOff++;
        this.#exchange.onFault({ reason: reasons.upstreamOpen, nothingSent: true, detail: "" });
        return;
      }
    }
    this.#admitted = true;
    upstream.inFlight++;
    upstream.budget.deposit();
    this.#attempt(undefined, this.#exchange.record.startedMs, false);
  }

  /** Tries again after `fault` where attempts, budget and `replayable` allow. False: the fault stands. */
  retry(fault: Fault, replayable: boolean): boolean {
    const upstream = this.#upstream;
    if (!this.#admitted) return false;
    const failed = this.#endpoint;
    this.#reportFault(fault);
    // Who did not answer in time is not asked again: the client would wait twice as long for the same.
    const isAlone = fault.reason === reasons.upstreamTimeout && upstream.endpoints.length === 1;
    const allowed =
      replayable && this.#attempts <= upstream.config.retry.attempts && !isLocal(fault) && !isAlone;
    // A stale connection says nothing of the endpoint: the other try goes anywhere, and costs no budget.
    if (!allowed || (fault.detail !== "stale" && !upstream.budget.withdraw())) {
      this.#settleBreaker(fault);
      return false;
    }
    upstream.retries++;
    const stale = fault.detail === "stale";
    this.#attempt(stale ? undefined : failed, this.#deps.nowMs(), stale);
    return true;
  }

  /** The answer's head is here. */
  settle(status: number, nowMs: number): void {
    const upstream = this.#upstream;
    const endpoint = this.#endpoint!;
    endpoint.observeLatency(nowMs - this.#attemptMs, nowMs);
    const bad = status === 502 || status === 503 || status === 504;
    upstream.answers[Math.floor(status / 100) % 6]!++;
    if (this.#ticket >= 0) {
      upstream.breaker!.settle(this.#ticket, !bad, nowMs);
      this.#ticket = -1;
    }
    upstream.outliers.report(upstream.endpoints, endpoint, bad ? ANSWERED_BADLY : ANSWERED, nowMs);
  }

  /** The answer was a 101: a WebSocket takes no place of `max_in_flight`, which is for requests. */
  release(): void {
    if (!this.#admitted) return;
    this.#admitted = false;
    this.#upstream.inFlight--;
  }

  /** Over: answered, or given up. */
  finish(): void {
    this.connection = undefined;
    this.#leaveEndpoint();
    if (!this.#admitted) return;
    this.#admitted = false;
    this.#upstream.inFlight--;
    if (this.#ticket >= 0) this.#upstream.breaker!.cancel(this.#ticket);
    this.#ticket = -1;
  }

  /** The answer's head was enough. */
  discard(): void {
    this.connection?.discard();
    this.finish();
  }

  /** The client is gone, or the exchange ends for another reason of ours. */
  cancel(): void {
    this.connection?.abandon();
    this.finish();
  }

  #attempt(exclude: Endpoint | undefined, nowMs: number, fresh: boolean): void {
    this.#attemptMs = nowMs;
    const endpoint = this.#upstream.choose(this.#exchange.request, nowMs, exclude, this.#wanted);
    if (endpoint === undefined) {
      this.#exchange.onFault({
        reason: reasons.upstreamUnavailable,
        nothingSent: true,
        detail: "no_endpoint",
      });
      return;
    }
    if (exclude !== undefined && endpoint !== exclude) this.#upstream.failovers++;
    this.#endpoint = endpoint;
    this.#exchange.record.upstream = endpoint;
    endpoint.inFlight++;
    const connection = endpoint.take(fresh, this.#exchange.request.webSocket);
    if (typeof connection === "string") {
      this.#leaveEndpoint();
      // Another member may have room.
      if (exclude === undefined && this.#upstream.endpoints.length > 1) {
        this.#attempt(endpoint, nowMs, fresh);
        return;
      }
      const fault = faultWithoutCarrier(connection);
      if (fault.reason === reasons.upstreamBusy) this.#upstream.shed++;
      this.#exchange.onFault(fault);
      return;
    }
    this.#attempts++;
    this.connection = connection;
    connection.begin(this.#exchange);
  }

  #reportFault(fault: Fault): void {
    const upstream = this.#upstream;
    const nowMs = this.#deps.nowMs();
    const endpoint = this.#endpoint;
    this.connection = undefined;
    this.#leaveEndpoint();
    if (fault.detail === "stale") return;
    upstream.countError(fault.reason);
    if (endpoint === undefined || isLocal(fault)) return;
    if (fault.reason === reasons.upstreamTimeout) endpoint.observeLatency(nowMs - this.#attemptMs, nowMs);
    upstream.outliers.report(
      upstream.endpoints,
      endpoint,
      isConnectionFault(fault) ? CONNECTION_FAILED : ANSWERED_BADLY,
      nowMs,
    );
  }

  /** The breaker judges the exchange, not the attempt: a failure that a retry made good is none. */
  #settleBreaker(fault: Fault): void {
    if (this.#ticket < 0 || isLocal(fault)) return;
    this.#upstream.breaker!.settle(this.#ticket, false, this.#deps.nowMs());
    this.#ticket = -1;
  }

  #leaveEndpoint(): void {
    if (this.#endpoint === undefined) return;
    this.#endpoint.inFlight--;
    this.#endpoint = undefined;
  }
}

/** The endpoint could not be reached, or dropped the connection; time-outs inside an answer are not that. */
function isConnectionFault(fault: Fault): boolean {
  return (
    fault.reason === reasons.upstreamConnect ||
    fault.reason === reasons.upstreamConnectTimeout ||
    fault.reason === reasons.upstreamTls ||
    fault.reason === reasons.upstreamReset
  );
}

/** Faults that say nothing about an endpoint. */
function isLocal(fault: Fault): boolean {
  return (
    fault.reason === reasons.upstreamBusy ||
    fault.reason === reasons.upstreamOpen ||
    fault.reason === reasons.grpcDeadline ||
    fault.reason === reasons.upstreamUnavailable
  );
}

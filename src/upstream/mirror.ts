import { addField, editRequestFields, type FieldEdits } from "../http/field-edit.ts";
import { isGrpc } from "../http/grpc.ts";
import { BODY_LENGTH, BODY_NONE, CanonicalRequest } from "../http/request.ts";
import { copyRequest } from "../http/request-copy.ts";
import { type Reason, reasons } from "../reason.ts";
import { GrowingBytes } from "../std/growing-bytes.ts";
import type { UpstreamDeps } from "./endpoint.ts";
import { OwnExchange, type OwnExchangeSettings } from "./own-exchange.ts";

/** Of which requests of a route another upstream gets a copy. */
export interface MirrorRule extends OwnExchangeSettings {
  /** Above 0, at most 100. */
  readonly percent: number;
  /** As bits. */
  readonly methods: number;
  readonly bodyBytesMax: number;
  /** In this worker. */
  readonly inFlightMax: number;
  /** What the copy loses; undefined = nothing. */
  readonly edits: FieldEdits | undefined;
  readonly mergeSlashes: boolean;
  readonly counts: Counts;
  readonly deps: UpstreamDeps;
}

/** Met by record/mirror-counts.ts `MirrorCounts`. */
interface Counts {
  inFlight: number;
  readonly results: {
    answered: number;
    cut: number;
    failed: number;
    timeout: number;
    full: number;
    too_large: number;
    unsent: number;
  };
}

/** Nothing is set in copies that would need one. */
const NO_SCOPE = { route: "", params: new Map() };
/** Longer answers are cut off. */
const ANSWER_BYTES_MAX = 1_048_576;

/**
 * The copy of a request, or undefined where there is to be none. `draw`: 0 to 100, random. It holds a place of
 * `inFlightMax` from now on, until it is sent and over, or left.
 */
export function beginCopy(rule: MirrorRule, request: CanonicalRequest, draw: number): MirrorCopy | undefined {
  const { counts, percent, methods, bodyBytesMax, inFlightMax } = rule;
  if ((methods & (1 << request.method)) === 0 || draw >= percent) return undefined;
  // What has no end of its own cannot be copied.
  if (request.webSocket || isGrpc(request)) return undefined;
  if (request.bodyKind === BODY_LENGTH && request.bodyLength > bodyBytesMax) counts.results.too_large++;
  else if (counts.inFlight >= inFlightMax) counts.results.full++;
  else {
    counts.inFlight++;
    return new MirrorCopy(rule);
  }
  return undefined;
}

/**
 * A copy while the request itself is still coming in: its head as it goes upstream, and its body. When both are here it is
 * sent, behind everything that waits at that moment; the request's own way upstream is never held up by it.
 */
export class MirrorCopy {
  readonly #rule: MirrorRule;
  readonly #body: GrowingBytes;
  #bodyEnded = false;
  #head: { readonly request: CanonicalRequest; readonly peerText: string } | undefined;
  #isOver = false;

  constructor(rule: MirrorRule) {
    this.#rule = rule;
    this.#body = new GrowingBytes(rule.bodyBytesMax);
  }

  /** Bytes of the body, valid during the call only. */
  take(bytes: Buffer, start: number, end: number): void {
    if (this.#isOver) return;
    if (this.#body.length + end - start > this.#rule.bodyBytesMax) this.#leave("too_large");
    else this.#body.take(bytes, start, end);
  }

  endBody(): void {
    this.#bodyEnded = true;
    this.#send();
  }

  /** The request as it goes upstream. */
  takeHead(request: CanonicalRequest, peerText: string): void {
    if (this.#isOver) return;
    const { edits } = this.#rule;
    const copy = new CanonicalRequest(request.arenaEnd + 64, request.fieldCount + 1);
    copyRequest(request, copy);
    if (edits !== undefined) editRequestFields(copy, edits, NO_SCOPE);
    addField(copy, "X-Zion-Mirror", "1");
    this.#head = { request: copy, peerText };
    if (request.bodyKind === BODY_NONE) this.#bodyEnded = true;
    this.#send();
  }

  /** The request is over: a copy that is not on its way by now is none. */
  leave(): void {
    if (!this.#isOver) this.#leave("unsent");
  }

  #leave(result: "too_large" | "unsent"): void {
    this.#isOver = true;
    this.#body.forget();
    this.#rule.counts.inFlight--;
    this.#rule.counts.results[result]++;
  }

  #send(): void {
    if (this.#isOver || !this.#bodyEnded || this.#head === undefined) return;
    this.#isOver = true;
    const { request, peerText } = this.#head;
    const body = this.#body.bytes;
    if (request.bodyKind !== BODY_NONE) {
      request.bodyKind = BODY_LENGTH;
      request.bodyLength = body.length;
    }
    const { deps } = this.#rule;
    const mirroring = new Mirroring(this.#rule, request, body, peerText);
    // Not now: the head or body of the request itself may stand in the outbox that all of them share.
    setImmediate(() => {
      try {
        mirroring.start();
      } catch (cause) {
        deps.onDefect(cause);
      }
    });
  }
}

/** It is not tried again. */
class Mirroring extends OwnExchange {
  readonly mergeSlashes: boolean;
  readonly peerText: string;
  protected readonly answerBytesMax = ANSWER_BYTES_MAX;
  readonly #counts: Counts;
  readonly #body: Buffer;

  constructor(rule: MirrorRule, request: CanonicalRequest, body: Buffer, peerText: string) {
    super(request, rule, rule.deps);
    this.mergeSlashes = rule.mergeSlashes;
    this.peerText = peerText;
    this.#counts = rule.counts;
    this.#body = body;
  }

  /** All at once: it is short, and held anyway. */
  startRequestBody(): void {
    const { connection } = this.forwarding;
    connection?.sendBody(this.#body, 0, this.#body.length);
    connection?.endBody();
  }

  protected mayRetry(): boolean {
    return false;
  }

  protected onHead(): void {}

  protected onOver(reason: Reason | undefined, cut: boolean): void {
    const { results } = this.#counts;
    this.#counts.inFlight--;
    if (reason !== undefined) results[timeouts.has(reason) ? "timeout" : "failed"]++;
    else results[cut ? "cut" : "answered"]++;
  }
}

const timeouts: ReadonlySet<Reason> = new Set([
  reasons.upstreamTimeout,
  reasons.upstreamConnectTimeout,
  reasons.upstreamIdle,
  reasons.upstreamTotal,
]);

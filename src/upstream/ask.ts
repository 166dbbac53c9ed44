import { type HeadLimits, readHead } from "../http/head.ts";
import {
  CanonicalRequest,
  FIELD_SLOTS,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import { type Reason, reasons } from "../reason.ts";
import type { UpstreamDeps } from "./endpoint.ts";
import { OwnExchange, type OwnExchangeSettings } from "./own-exchange.ts";

export interface AskSettings extends OwnExchangeSettings {
  /** What the head may be. */
  readonly limits: HeadLimits;
  /** Fields of the answer that are wanted, in lower case. */
  readonly wanted: readonly string[];
}

export interface Asked {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
}

/** Longer answers are cut off: their status is all that counts. */
const ANSWER_BYTES_MAX = 65_536;

/**
 * A request of the gateway's own about a client's, by the upstream's pools, balance, breaker and retries. `head` is an
 * HTTP/1.1 request head without a body. Resolves with the answer or with why there is none. Never rejects.
 */
export function ask(
  settings: AskSettings,
  deps: UpstreamDeps,
  head: Buffer,
  about: CanonicalRequest,
): Promise<Asked | Reason> {
  const request = new CanonicalRequest(head.length + 1024);
  if (readHead(head, 0, head.length, request, settings.limits) <= 0)
    return Promise.resolve(request.refusal ?? reasons.headTimeout);
  request.clientAddress = about.clientAddress;
  request.clientIp = about.clientIp;
  request.secure = about.secure;
  copyIds(about, request);
  return new Promise((resolve) => new Asking(request, settings, deps, resolve).start());
}

/** One trace for the request and what was asked about it. */
function copyIds(from: CanonicalRequest, to: CanonicalRequest): void {
  const bytes = from.idLinesEnd - from.idLinesStart;
  to.reserve(bytes);
  from.arena.copy(to.arena, to.arenaEnd, from.idLinesStart, from.idLinesEnd);
  to.idLinesStart = to.arenaEnd;
  to.idLinesEnd = to.arenaEnd += bytes;
}

/** It has no body. */
class Asking extends OwnExchange {
  readonly mergeSlashes = false;
  protected readonly answerBytesMax = ANSWER_BYTES_MAX;
  readonly #wanted: readonly string[];
  readonly #resolve: (asked: Asked | Reason) => void;
  #asked: Asked | undefined = undefined;

  constructor(
    request: CanonicalRequest,
    settings: AskSettings,
    deps: UpstreamDeps,
    resolve: (asked: Asked | Reason) => void,
  ) {
    super(request, settings, deps);
    this.#wanted = settings.wanted;
    this.#resolve = resolve;
  }

  get peerText(): string {
    return this.request.clientAddress;
  }

  startRequestBody(): void {
    this.forwarding.connection?.endBody();
  }

  protected mayRetry(): boolean {
    return this.#asked === undefined;
  }

  protected onHead(head: ResponseHead): void {
    this.#asked = { status: head.status, fields: readWanted(head, this.#wanted) };
  }

  protected onOver(reason: Reason | undefined): void {
    this.#resolve(reason ?? this.#asked!);
  }
}

/** Lines of one name are one value (RFC 9110 §5.3). */
function readWanted(
  { source, fields, fieldCount }: ResponseHead,
  wanted: readonly string[],
): Asked["fields"] {
  const found = new Map<string, string>();
  for (let index = 0; index < fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    const name = source.latin1Slice(fields[slot + NAME_START]!, fields[slot + NAME_END]!).toLowerCase();
    if (!wanted.includes(name)) continue;
    const value = source.latin1Slice(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!);
    const before = found.get(name);
    found.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return found;
}

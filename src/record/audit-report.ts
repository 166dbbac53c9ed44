import type { AuditFeed } from "../audit/feed.ts";
import { FLOOD_WINDOW_MS, FloodCounter } from "../audit/flood.ts";
import type { AuditEvent, EventKind } from "../audit/record.ts";
import { refusedHeadText } from "../http/refused-head.ts";
import { type CanonicalRequest, methodNames } from "../http/request.ts";
import { type Reason, reasons } from "../reason.ts";
import type { ExchangeRecord } from "./record.ts";
import type { Redaction } from "./redaction.ts";

/** As the newest configuration has it. */
export interface AuditReportSettings {
  readonly redaction: Redaction;
  /** Every request is reported, not only those that were refused. */
  readonly requests: boolean;
  /** Requests are refused while nothing can be recorded. */
  readonly refusesOnFailure: boolean;
}

/**
 * The audit log's view of an exchange: which endings are evidence, and what of them is told. The log gets positions and
 * names, never what was matched.
 */
export class AuditReport {
  readonly feed: AuditFeed;
  readonly #floods = new FloodCounter();
  readonly #timer: NodeJS.Timeout;
  #settings: AuditReportSettings;
  /** Of the newest exchange, and of the seconds since: floods end without requests too. */
  #nowMs = 0;
  /** When the writer was last seen; -1 = no request has asked yet. */
  #upMs = -1;

  constructor(feed: AuditFeed, settings: AuditReportSettings) {
    this.feed = feed;
    this.#settings = settings;
    this.#timer = setInterval(() => {
      this.#nowMs += SWEEP_MS;
      this.#sweep(this.#nowMs);
    }, SWEEP_MS);
    this.#timer.unref();
  }

  /** A new configuration is in force. */
  adopt(settings: AuditReportSettings): void {
    this.#settings = settings;
  }

  /** Tells what is left, and waits for the writer at most so long. */
  async close(withinMs = CLOSE_MS): Promise<void> {
    clearInterval(this.#timer);
    this.#sweep(Infinity);
    await this.feed.close(withinMs);
  }

  /** Nothing can be recorded, and the configuration says that nothing is served then. */
  refuses(nowMs: number): boolean {
    if (!this.#settings.refusesOnFailure) return false;
    if (this.feed.isUp || this.#upMs < 0) this.#upMs = nowMs;
    // A writer that is replaced is away for less; its queue is here.
    return nowMs - this.#upMs > AWAY_MS;
  }

  /** An exchange ended. */
  conclude(record: ExchangeRecord, request: CanonicalRequest, nowMs: number): void {
    this.#nowMs = nowMs;
    const { reason } = record;
    const kind = reason === undefined ? "request_completed" : kindOf(reason);
    if (kind === "request_completed" && !this.#settings.requests) return;
    const rule = record.wafGate === "" ? (reason?.code ?? "") : record.wafDetail;
    if (kind !== "request_completed") {
      const id = request.text(request.requestIdStart, request.requestIdEnd);
      const ip = this.#settings.redaction.address(request.clientAddress);
      if (!this.#floods.admit(prefixOf(request), kind, rule, ip, id, nowMs)) return;
    }
    this.feed.report(this.#eventOf(record, request, kind, rule));
  }

  /** Tells the floods whose time is over. */
  #sweep(nowMs: number): void {
    for (const { kind, rule, ip, count, ids } of this.#floods.ended(nowMs))
      this.feed.report({
        data: { count, first_ids: ids, of: kind, rules: [rule], window_ms: FLOOD_WINDOW_MS },
        kind: "aggregate",
        src: { ip },
      });
  }

  /** Keys in ascending order: that is how they are sealed. */
  #eventOf(record: ExchangeRecord, request: CanonicalRequest, kind: EventKind, rule: string): AuditEvent {
    const { redaction } = this.#settings;
    const out: Record<string, string | number | object> = {};
    if (record.findings.length > 0)
      out["findings"] = record.findings.map(({ rule: found, place, start, end, decoders }) => ({
        decoders,
        end,
        place,
        rule: found.id,
        start,
      }));
    if (record.wafGate !== "") out["gate"] = record.wafGate;
    if (record.reason !== undefined) out["reason"] = record.reason.code;
    if (rule !== "") out["rule"] = rule;
    if (record.wafScore > 0) out["score"] = record.wafScore;
    out["status"] = record.status;
    return {
      cfg: record.generation,
      kind,
      out: out as NonNullable<AuditEvent["out"]>,
      ...requestPart(record, request, redaction),
      rid: request.text(request.requestIdStart, request.requestIdEnd),
      src: sourceOf(request, redaction),
      trace: request.text(request.traceStart + 3, request.traceStart + 35),
    };
  }
}

/** Who it was: address, and certificate where one was shown. */
function sourceOf(
  { clientAddress, shownCertificate }: CanonicalRequest,
  redaction: Redaction,
): NonNullable<AuditEvent["src"]> {
  const ip = redaction.address(clientAddress);
  return shownCertificate === undefined
    ? { ip }
    : { cert: redaction.fingerprint(shownCertificate.fingerprint), ip };
}

/** Of a head that was refused, what could be made out of it. */
function requestPart(
  record: ExchangeRecord,
  request: CanonicalRequest,
  redaction: Redaction,
): { readonly req?: NonNullable<AuditEvent["req"]> } {
  if (request.refusal === undefined) return { req: requestOf(record, request, redaction) };
  const head = request.refusedHead === undefined ? "" : refusedHeadText(request.refusedHead);
  return head === "" ? {} : { req: { head } };
}

/** A request that could be read. */
function requestOf(
  record: ExchangeRecord,
  request: CanonicalRequest,
  redaction: Redaction,
): NonNullable<AuditEvent["req"]> {
  const path = request.text(
    request.pathStart,
    Math.min(request.pathEnd, request.pathStart + PATH_LENGTH_MAX),
  );
  const query =
    request.queryEnd > request.queryStart
      ? `?${redaction.query(request.text(request.queryStart + 1, request.queryEnd))}`
      : "";
  return {
    host: request.hostText().slice(0, 255),
    m: methodNames[request.method]!,
    path: `${path}${query}`,
    ...(record.route === undefined ? {} : { route: record.route.name.slice(0, 255) }),
  };
}

/** Faults of the gateway and of upstreams are no evidence about a client: they are in the access log. */
function kindOf(reason: Reason): EventKind {
  if (reason.stage === "waf") return "request_blocked";
  if (reason.blame !== "client" || reason.status === 0 || !JUDGES.has(reason.stage))
    return "request_completed";
  if (reason === reasons.rateLimited || reason.status === 429) return "rate_limited";
  return reason.status === 401 || /^(?:token|client_cert)_/.test(reason.code)
    ? "auth_failure"
    : "request_refused";
}

/** Stages that judge a request. A path that does not exist is no refusal. */
const JUDGES: ReadonlySet<string> = new Set(["framing", "target", "fields", "body", "gate"]);

/** IPv4: /24. IPv6: /48, which is what one site gets. */
function prefixOf({ clientIp, clientAddress }: CanonicalRequest): string {
  const { v4, w0, w1, w3 } = clientIp;
  if (v4) return w3 === 0 ? clientAddress : String(w3 >>> 8);
  return `${w0} ${w1 >>> 16}`;
}

const PATH_LENGTH_MAX = 1024;
const SWEEP_MS = 1000;
const CLOSE_MS = 400;
const AWAY_MS = 3000;

import type { CanonicalRequest } from "../http/request.ts";
import { TRACE_AT } from "../http/trace.ts";
import { Histogram } from "./histogram.ts";
import type { Exemplar } from "./metric-frame.ts";
import { families, type MetricFamily, type MetricSample } from "./metrics.ts";
import { MirrorCounts } from "./mirror-counts.ts";
import type { ExchangeRecord } from "./record.ts";
import { StreamCounts } from "./stream-counts.ts";

/** Status classes in counter order. */
const CLASSES = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"] as const;
const ALLOW = 0;
const DENY = 1;
const ERROR = 2;
const SHADOW = 3;
const DECISIONS = ["allow", "deny", "error", "shadow"] as const;

/** What became of exchanges, in counter order; index = `decisionOf`. */
export const decisionNames: readonly string[] = DECISIONS;

/**
 * Everything counted for one route, in typed arrays: an increment costs nanoseconds where a labelled counter costs
 * 0.3-0.8 us (dependencies.md). Lives as long as the worker, under the route's name.
 */
export class RouteCounts {
  readonly streams = new StreamCounts();
  readonly mirror = new MirrorCounts();
  /** Answers of the upstream in place of which clients got an error page. */
  intercepted = 0;
  /** Exchanges under way. */
  readonly load = { inFlight: 0 };
  readonly #route: string;
  /** Labels of the cells that were counted in: made once, so that a scrape compares and copies none. */
  readonly #labels = new Map<string, readonly string[]>();
  /** At most one a second, of a trace that is reported. */
  #exemplar: { bucket: number; value: number; traceId: string; atMs: number } | undefined;
  readonly #requests = new Float64Array(CLASSES.length * DECISIONS.length);
  readonly #duration = new Histogram(families.duration.buckets!);
  readonly #gates = new Histogram(families.gates.buckets!);
  readonly #upstream = new Histogram(families.upstreamDuration.buckets!);
  /** Refusals by `gate\nreason\nmode`: closed words and names of rules, so this does not grow with traffic. */
  readonly #refusals = new Map<string, number>();

  constructor(route: string) {
    this.#route = route;
  }

  /** `request` for an exemplar only; undefined = none is wanted. */
  count(record: ExchangeRecord, nowMs: number, request?: CanonicalRequest): void {
    const codeClass = record.status === 0 ? 0 : Math.min(5, Math.floor(record.status / 100));
    this.#requests[codeClass * DECISIONS.length + decisionOf(record)]!++;
    const seconds = (nowMs - record.startedMs) / 1000;
    const bucket = this.#duration.observe(seconds);
    if (request?.sampled === true && !(nowMs - (this.#exemplar?.atMs ?? -Infinity) < EXEMPLAR_MS)) {
      const at = request.traceStart + TRACE_AT;
      this.#exemplar = { bucket, value: seconds, traceId: request.text(at, at + 32), atMs: nowMs };
    }
    // Refused by a gate: then they ended with the exchange.
    const gatedMs = record.gatedMs === 0 ? nowMs : record.gatedMs;
    this.#gates.observe((gatedMs - record.startedMs) / 1000);
    if (record.answeredMs !== 0 && record.sentMs !== 0)
      this.#upstream.observe((record.answeredMs - record.sentMs) / 1000);
    if (record.reason !== undefined || record.wafGate !== "") this.#countRefusal(record);
  }

  #countRefusal({ reason, wafGate, wafDetail, wafShadow, findings }: ExchangeRecord): void {
    if (wafGate !== "") {
      const top = findings.find(({ rule }) => rule.id === wafDetail);
      const why = top === undefined ? wafDetail : top.rule.class;
      this.#addRefusal(`${wafGate}\n${why}\n${wafShadow ? "shadow" : "enforce"}`);
      if (!wafShadow) return;
    }
    if (reason !== undefined) this.#addRefusal(`${reason.stage}\n${reason.code}\nenforce`);
  }

  #addRefusal(key: string): void {
    this.#refusals.set(key, (this.#refusals.get(key) ?? 0) + 1);
  }

  get isIdle(): boolean {
    return this.load.inFlight === 0 && this.streams.open === 0;
  }

  /** The newest request of a reported trace; `epochMs` is added to monotonic ms. */
  exemplar(epochMs: number): Exemplar | undefined {
    if (this.#exemplar === undefined) return undefined;
    const { atMs, ...rest } = this.#exemplar;
    return { route: this.#route, ...rest, wallMs: atMs + epochMs };
  }

  /** At a scrape. Routes that never had a stream have no samples of streams. */
  read(samples: MetricSample[]): void {
    const add = (family: MetricFamily, labels: string, value: number): void => {
      if (value !== 0) this.#put(samples, family, labels, value);
    };
    for (let i = 0; i < this.#requests.length; i++)
      add(families.requests, REQUEST_LABELS[i]!, this.#requests[i]!);
    for (const [key, count] of this.#refusals) add(families.gateDecisions, key, count);
    for (const [family, histogram] of [
      [families.duration, this.#duration],
      [families.gates, this.#gates],
      [families.upstreamDuration, this.#upstream],
    ] as const) {
      const sample = histogram.sample(family.name, this.#labelsOf(""));
      if (sample !== undefined) samples.push(sample);
    }
    add(families.routeInFlight, "", this.load.inFlight);
    add(families.intercepted, "", this.intercepted);
    this.#readStreams(samples);
    for (const [result, count] of Object.entries(this.mirror.results)) add(families.mirrored, result, count);
    if (this.mirror.isUsed) this.#put(samples, families.mirrorInFlight, "", this.mirror.inFlight);
  }

  #readStreams(samples: MetricSample[]): void {
    const { streams } = this;
    for (const [result, value] of Object.entries(streams.upgrades))
      if (value > 0) this.#put(samples, families.webSocketUpgrades, result, value);
    if (streams.upgrades.switched > 0) {
      this.#put(samples, families.webSockets, "", streams.webSockets);
      this.#put(samples, families.webSocketBytes, "upstream", streams.bytesToUpstream);
      this.#put(samples, families.webSocketBytes, "client", streams.bytesToClient);
    }
    if (streams.messages > 0) this.#put(samples, families.webSocketMessages, "", streams.messages);
    if (streams.eventStreamsTotal > 0) {
      this.#put(samples, families.eventStreams, "", streams.eventStreams);
      this.#put(samples, families.eventStreamsTotal, "", streams.eventStreamsTotal);
    }
  }

  /** `rest`: the labels behind the route's, with line feeds between them. */
  #put(samples: MetricSample[], { name }: MetricFamily, rest: string, value: number): void {
    samples.push({ name, labels: this.#labelsOf(rest), value });
  }

  #labelsOf(rest: string): readonly string[] {
    let labels = this.#labels.get(rest);
    if (labels === undefined) {
      labels = rest === "" ? [this.#route] : [this.#route, ...rest.split("\n")];
      this.#labels.set(rest, labels);
    }
    return labels;
  }
}

const EXEMPLAR_MS = 1000;
const REQUEST_LABELS: readonly string[] = CLASSES.flatMap((codeClass) =>
  DECISIONS.map((decision) => `${codeClass}\n${decision}`),
);

/**
 * The client's fault is a denial, everything else that is not an answer is an error. Answered although the WAF would
 * have refused it: a shadow.
 */
export function decisionOf(
  record: Pick<ExchangeRecord, "reason" | "wafShadow">,
): typeof ALLOW | typeof DENY | typeof ERROR | typeof SHADOW {
  const { reason } = record;
  if (reason === undefined) return record.wafShadow ? SHADOW : ALLOW;
  return reason.blame === "client" && reason.status !== 0 ? DENY : ERROR;
}

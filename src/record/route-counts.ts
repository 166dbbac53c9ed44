import { Histogram } from "./histogram.ts";
import { families, type MetricSample } from "./metrics.ts";
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
  /** Exchanges under way. */
  readonly load = { inFlight: 0 };
  readonly #requests = new Float64Array(CLASSES.length * DECISIONS.length);
  readonly #duration = new Histogram(families.duration.buckets!);
  readonly #gates = new Histogram(families.gates.buckets!);
  readonly #upstream = new Histogram(families.upstreamDuration.buckets!);
  /** Refusals by `gate\nreason\nmode`: closed words and names of rules, so this does not grow with traffic. */
  readonly #refusals = new Map<string, number>();

  count(record: ExchangeRecord, nowMs: number): void {
    const codeClass = record.status === 0 ? 0 : Math.min(5, Math.floor(record.status / 100));
    this.#requests[codeClass * DECISIONS.length + decisionOf(record)]!++;
    this.#duration.observe((nowMs - record.startedMs) / 1000);
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

  /** At a scrape. Routes that never had a stream have no samples of streams. */
  read(samples: MetricSample[], route: string): void {
    const add = (name: string, labels: readonly string[], value: number): void => {
      if (value !== 0) samples.push({ name, labels: [route, ...labels], value });
    };
    for (let i = 0; i < this.#requests.length; i++) {
      const labels = [CLASSES[Math.floor(i / DECISIONS.length)]!, DECISIONS[i % DECISIONS.length]!];
      add(families.requests.name, labels, this.#requests[i]!);
    }
    for (const [key, count] of this.#refusals) add(families.gateDecisions.name, key.split("\n"), count);
    for (const [{ name }, histogram] of [
      [families.duration, this.#duration],
      [families.gates, this.#gates],
      [families.upstreamDuration, this.#upstream],
    ] as const) {
      const sample = histogram.sample(name, [route]);
      if (sample !== undefined) samples.push(sample);
    }
    add(families.routeInFlight.name, [], this.load.inFlight);
    this.#readStreams(samples, route);
  }

  #readStreams(samples: MetricSample[], route: string): void {
    const { streams } = this;
    const add = (name: string, labels: readonly string[], value: number): void => {
      samples.push({ name, labels: [route, ...labels], value });
    };
    for (const [result, value] of Object.entries(streams.upgrades))
      if (value > 0) add(families.webSocketUpgrades.name, [result], value);
    if (streams.upgrades.switched > 0) {
      add(families.webSockets.name, [], streams.webSockets);
      if (streams.messages > 0) add(families.webSocketMessages.name, [], streams.messages);
      add(families.webSocketBytes.name, ["upstream"], streams.bytesToUpstream);
      add(families.webSocketBytes.name, ["client"], streams.bytesToClient);
    }
    if (streams.eventStreamsTotal > 0) {
      add(families.eventStreams.name, [], streams.eventStreams);
      add(families.eventStreamsTotal.name, [], streams.eventStreamsTotal);
    }
  }
}

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

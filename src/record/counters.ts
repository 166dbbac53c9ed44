import { methodNames } from "../http/request.ts";
import { allReasons, reasons } from "../reason.ts";
import { families, type MetricSample } from "./metrics.ts";
import type { ExchangeRecord, RouteCounters } from "./record.ts";
import { StreamCounts } from "./stream-counts.ts";

/** Status classes in counter order. */
const CLASSES = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"] as const;
const ALLOW = 0;
const DENY = 1;
const ERROR = 2;
const SHADOW = 3;
const DECISIONS = ["allow", "deny", "error", "shadow"] as const;
const METHODS = methodNames.length;
const BOUNDS = families.duration.buckets!;
const BUCKETS = BOUNDS.length + 1;

/** Met by gate/client-lists.ts `ListCounts`. */
interface ListCounts {
  matches: number;
}

/** The route label of exchanges that no route took. */
const NO_ROUTE = "_none";

/**
 * What a worker counts, in typed arrays: an increment costs nanoseconds where a labelled counter costs 0.3-0.8 us
 * (dependencies.md). Label values come from configuration and closed lists only, so nothing here grows with traffic.
 */
export class Counters {
  readonly rejects = new Float64Array(allReasons.length);
  readonly scrubbed = { override: 0, name: 0 };
  requestBytes = 0;
  responseBytes = 0;
  tracesInvalid = 0;
  xffMalformed = 0;
  defects = 0;
  expectContinue = 0;
  /** PROXY headers, by version; `refused` also counts those that never came. */
  readonly proxyHeaders = { v1: 0, v2: 0 };
  /** CORS preflights answered by the gateway. */
  preflights = 0;
  /** HTTP/2 connections ended as floods, by kind. */
  readonly http2Floods = { ping: 0, settings: 0, rejected_heads: 0, idle_bytes: 0, rate: 0 };
  /** Most control frames per second seen on one HTTP/2 connection. */
  http2FramesPeak = 0;
  readonly connectionsTotal = { http: 0, https: 0 };
  readonly handshakes = new Map<string, number>();
  readonly #routes = new Map<string, RouteCounters>();
  readonly #lists = new Map<string, ListCounts>();
  readonly #none: RouteCounters;
  readonly #gateDecisions = new Map<string, number>();
  readonly #ruleMatches = new Map<string, number>();

  constructor() {
    this.#none = this.route(NO_ROUTE);
  }

  /** The counts of a list's name; the same ones for the same name across reloads. */
  list(name: string): ListCounts {
    let counts = this.#lists.get(name);
    if (counts === undefined) {
      counts = { matches: 0 };
      this.#lists.set(name, counts);
    }
    return counts;
  }

  /** The counters of a route name; the same ones for the same name across reloads. */
  route(name: string): RouteCounters {
    let counters = this.#routes.get(name);
    if (counters === undefined) {
      counters = {
        requests: new Float64Array(METHODS * CLASSES.length * DECISIONS.length),
        durations: new Float64Array(CLASSES.length * BUCKETS),
        durationSums: new Float64Array(CLASSES.length),
        streams: new StreamCounts(),
        load: { inFlight: 0 },
      };
      this.#routes.set(name, counters);
    }
    return counters;
  }

  conclude(record: ExchangeRecord, method: number, nowMs: number): void {
    const counters = record.route?.counters ?? this.#none;
    const codeClass = record.status === 0 ? 0 : Math.min(5, Math.floor(record.status / 100));
    counters.requests[(method * CLASSES.length + codeClass) * DECISIONS.length + decisionOf(record)]!++;
    const seconds = (nowMs - record.startedMs) / 1000;
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]!) bucket++;
    counters.durations[codeClass * BUCKETS + bucket]!++;
    counters.durationSums[codeClass]! += seconds;
    this.requestBytes += record.requestBytes;
    this.responseBytes += record.responseBytes;
    if (record.reason !== undefined) this.rejects[record.reason.index]!++;
    if (record.findings.length > 0 || record.wafGate !== "") this.#countWaf(record);
  }

  /** Names are of gates, rules and routes: nothing here grows with traffic. */
  #countWaf(record: ExchangeRecord): void {
    for (const { rule } of record.findings)
      this.#ruleMatches.set(rule.id, (this.#ruleMatches.get(rule.id) ?? 0) + 1);
    if (record.wafGate === "") return;
    const top = record.findings.find(({ rule }) => rule.id === record.wafDetail);
    const reason = top === undefined ? record.wafDetail : top.rule.class;
    const mode = record.wafShadow ? "shadow" : "enforce";
    const key = `${record.wafGate}\n${reason}\n${record.route?.name ?? NO_ROUTE}\n${mode}`;
    this.#gateDecisions.set(key, (this.#gateDecisions.get(key) ?? 0) + 1);
  }

  countHandshake(result: string, version: string): void {
    const key = `${result}\n${version}`;
    this.handshakes.set(key, (this.handshakes.get(key) ?? 0) + 1);
  }

  /** Everything counted so far. At a scrape, not on the hot path. */
  read(): MetricSample[] {
    const samples: MetricSample[] = [];
    const add = (name: string, labels: readonly string[], value: number): void => {
      if (value !== 0) samples.push({ name, labels, value });
    };
    for (const [route, counters] of this.#routes) {
      for (let i = 0; i < counters.requests.length; i++) {
        const decision = DECISIONS[i % DECISIONS.length]!;
        const rest = Math.floor(i / DECISIONS.length);
        const method = methodNames[Math.floor(rest / CLASSES.length)]!;
        add(
          families.requests.name,
          [route, method, CLASSES[rest % CLASSES.length]!, decision],
          counters.requests[i]!,
        );
      }
      this.#readStreams(samples, route, counters.streams);
      add(families.routeInFlight.name, [route], counters.load.inFlight);
      CLASSES.forEach((codeClass, index) => {
        const counts = Array.from(counters.durations.subarray(index * BUCKETS, (index + 1) * BUCKETS));
        if (counts.every((count) => count === 0)) return;
        samples.push({
          name: families.duration.name,
          labels: [route, codeClass],
          value: counters.durationSums[index]!,
          counts,
        });
      });
    }
    for (const reason of allReasons)
      add(families.rejects.name, [reason.stage, reason.code], this.rejects[reason.index]!);
    add(families.scrubbed.name, ["override"], this.scrubbed.override);
    add(families.scrubbed.name, ["name"], this.scrubbed.name);
    add(families.requestBytes.name, [], this.requestBytes);
    add(families.responseBytes.name, [], this.responseBytes);
    add(families.tracesInvalid.name, [], this.tracesInvalid);
    add(families.loops.name, [], this.rejects[reasons.loop.index]!);
    add(families.xffMalformed.name, [], this.xffMalformed);
    add(families.defects.name, [], this.defects);
    for (const [flood, count] of Object.entries(this.http2Floods))
      add(families.http2Floods.name, [flood], count);
    add(families.http2FramesPeak.name, [], Math.round(this.http2FramesPeak));
    add(families.expectContinue.name, [], this.expectContinue);
    for (const [name, { matches }] of this.#lists) add(families.listMatches.name, [name], matches);
    for (const [result, count] of Object.entries(this.proxyHeaders))
      add(families.proxyHeaders.name, [result], count);
    add(families.proxyHeaders.name, ["refused"], this.rejects[reasons.proxyHeader.index]!);
    add(families.preflights.name, [], this.preflights);
    add(families.connectionsTotal.name, ["http"], this.connectionsTotal.http);
    add(families.connectionsTotal.name, ["https"], this.connectionsTotal.https);
    for (const [key, value] of this.#gateDecisions) add(families.gateDecisions.name, key.split("\n"), value);
    for (const [rule, value] of this.#ruleMatches) add(families.ruleMatches.name, [rule], value);
    for (const [key, value] of this.handshakes) add(families.handshakes.name, key.split("\n"), value);
    return samples;
  }

  /** Routes that never had a stream have no samples. */
  #readStreams(samples: MetricSample[], route: string, streams: StreamCounts): void {
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

export const decisionNames: readonly string[] = DECISIONS;

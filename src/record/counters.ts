import { type CanonicalRequest, methodNames } from "../http/request.ts";
import { allReasons, reasons } from "../reason.ts";
import { derivedSamples } from "./derived.ts";
import { Histogram } from "./histogram.ts";
import type { Exemplar } from "./metric-frame.ts";
import { families, type MetricSample } from "./metrics.ts";
import type { ExchangeRecord } from "./record.ts";
import { RouteCounts } from "./route-counts.ts";

/** Met by gate/origin-class.ts `OriginCounts`. */
interface OriginCounts {
  requests: number;
}

/** Met by gate/client-lists.ts `ListCounts`. */
interface ListCounts {
  matches: number;
}

/** The route label of exchanges that no route took. */
export const noRoute = "_none";

/**
 * What a worker counts, in typed arrays: an increment costs nanoseconds where a labelled counter costs 0.3-0.8 us
 * (dependencies.md). Label values come from configuration and closed lists only, so nothing here grows with traffic.
 */
export class Counters {
  readonly #methods = new Float64Array(methodNames.length);
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
  readonly http2Floods = { ping: 0, settings: 0, reset: 0, rejected_heads: 0, idle_frames: 0, rate: 0 };
  /** Most control frames per second seen on one HTTP/2 connection. */
  http2FramesPeak = 0;
  readonly connectionsTotal = { http: 0, https: 0 };
  readonly handshakes = new Map<string, number>();
  /** Of those that succeeded, by group. */
  readonly tlsGroups = new Map<string, number>();
  readonly #handshakeDuration = new Histogram(families.handshakeDuration.buckets!);
  readonly #routes = new Map<string, RouteCounts>();
  readonly #lists = new Map<string, ListCounts>();
  readonly #originClasses = new Map<string, OriginCounts>();
  readonly #none: RouteCounts;
  readonly #ruleMatches = new Map<string, number>();

  constructor() {
    this.#none = this.route(noRoute);
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

  /** The same for a class of networks. */
  originClass(name: string): OriginCounts {
    let counts = this.#originClasses.get(name);
    if (counts === undefined) {
      counts = { requests: 0 };
      this.#originClasses.set(name, counts);
    }
    return counts;
  }

  /** The counts of a route's name; the same ones for the same name across reloads. */
  route(name: string): RouteCounts {
    let counts = this.#routes.get(name);
    if (counts === undefined) {
      counts = new RouteCounts(name);
      this.#routes.set(name, counts);
    }
    return counts;
  }

  /** A reload: counts of routes and lists that are gone, and have nothing under way, are forgotten. */
  retain(routes: ReadonlySet<string>, lists: ReadonlySet<string>): void {
    for (const [name, counts] of this.#routes)
      if (name !== noRoute && !routes.has(name) && counts.isIdle) this.#routes.delete(name);
    for (const name of this.#lists.keys()) if (!lists.has(name)) this.#lists.delete(name);
  }

  conclude(record: ExchangeRecord, request: CanonicalRequest, nowMs: number): void {
    (record.route?.counters ?? this.#none).count(record, nowMs, request);
    this.#methods[request.refusal === undefined ? request.method : 0]!++;
    this.requestBytes += record.requestBytes;
    this.responseBytes += record.responseBytes;
    if (record.reason !== undefined) this.rejects[record.reason.index]!++;
    for (const { rule } of record.findings)
      this.#ruleMatches.set(rule.id, (this.#ruleMatches.get(rule.id) ?? 0) + 1);
  }

  exemplars(epochMs: number): Exemplar[] {
    return [...this.#routes.values()].flatMap((counts) => counts.exemplar(epochMs) ?? []);
  }

  /** `seconds` of one that succeeded. */
  countHandshake(result: string, version: string, seconds?: number): void {
    if (seconds !== undefined) this.#handshakeDuration.observe(seconds);
    const key = `${result}\n${version}`;
    this.handshakes.set(key, (this.handshakes.get(key) ?? 0) + 1);
  }

  countTlsGroup(group: string): void {
    this.tlsGroups.set(group, (this.tlsGroups.get(group) ?? 0) + 1);
  }

  /** Everything counted so far. At a scrape, not on the hot path. */
  read(): MetricSample[] {
    const samples: MetricSample[] = [];
    const add = (name: string, labels: readonly string[], value: number): void => {
      if (value !== 0) samples.push({ name, labels, value });
    };
    for (const counts of this.#routes.values()) counts.read(samples);
    const handshakes = this.#handshakeDuration.sample(families.handshakeDuration.name, NO_LABELS);
    if (handshakes !== undefined) samples.push(handshakes);
    samples.push(...derivedSamples(this));
    for (const [method, name] of methodNames.entries())
      add(families.methods.name, [name], this.#methods[method]!);
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
    for (const [name, { requests }] of this.#originClasses)
      add(families.originClasses.name, [name], requests);
    for (const [result, count] of Object.entries(this.proxyHeaders))
      add(families.proxyHeaders.name, [result], count);
    add(families.proxyHeaders.name, ["refused"], this.rejects[reasons.proxyHeader.index]!);
    add(families.preflights.name, [], this.preflights);
    add(families.connectionsTotal.name, ["http"], this.connectionsTotal.http);
    add(families.connectionsTotal.name, ["https"], this.connectionsTotal.https);
    for (const [rule, value] of this.#ruleMatches) add(families.ruleMatches.name, [rule], value);
    for (const [key, value] of this.handshakes) add(families.handshakes.name, key.split("\n"), value);
    for (const [group, value] of this.tlsGroups) add(families.tlsGroups.name, [group], value);
    return samples;
  }
}

const NO_LABELS: readonly string[] = [];

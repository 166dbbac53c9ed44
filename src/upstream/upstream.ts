import tls from "node:tls";
import type { UpstreamConfig } from "../config/config.ts";
import type { SentAddress } from "../http/destination.ts";
import {
  type CanonicalRequest,
  FIELD_SLOTS,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";
import { type Reason, reasons } from "../reason.ts";
import { Balance, chooseEndpoint, tryEndpoint } from "./balance.ts";
import { Breaker } from "./breaker.ts";
import { Endpoint, type EndpointOwner, hostOf, type UpstreamDeps } from "./endpoint.ts";
import { OutlierDetection } from "./outlier.ts";
import { RetryBudget } from "./retry-budget.ts";
import { Sticky } from "./sticky.ts";

/**
 * A configured upstream as a worker runs it: endpoints with their connections, balancing, breaker, bulkhead, retry
 * budget. Survives a reload that does not change its table.
 */
export class Upstream implements EndpointOwner {
  readonly name: string;
  readonly config: UpstreamConfig;
  readonly endpoints: readonly Endpoint[];
  readonly secureContext: tls.SecureContext | undefined;
  /** How it is asked. Where each member has a host of its own, nobody knows it before one is chosen: then the client's. */
  readonly address: SentAddress;
  readonly breaker: Breaker | undefined;
  readonly budget: RetryBudget;
  readonly outliers: OutlierDetection;
  /** Undefined = clients keep to no member. */
  readonly sticky: Sticky<Endpoint> | undefined;
  idleCount = 0;
  inFlight = 0;
  retired = false;
  // Counters for the metrics.
  readonly answers = new Float64Array(6);
  readonly errors = new Map<string, number>();
  retries = 0;
  /** Retries at another endpoint. */
  failovers = 0;
  /** Connections begun. */
  opened = 0;
  /** Refused by the bulkhead. */
  shed = 0;
  /** Refused by the breaker. */
  brokenOff = 0;
  readonly #balance: Balance;
  readonly #hash: ((request: CanonicalRequest) => number) | undefined;

  constructor(config: UpstreamConfig, deps: UpstreamDeps, seed: number) {
    this.name = config.name;
    this.config = config;
    const secure = config.endpoints.some((endpoint) => endpoint.scheme === "https");
    this.secureContext = secure ? tls.createSecureContext(contextOptions(config)) : undefined;
    const [first, ...others] = config.endpoints;
    const host = config.preserveHost || others.length > 0 ? "" : hostOf(first!);
    this.address = { secure, host };
    this.breaker = config.circuitBreaker === undefined ? undefined : new Breaker(config.circuitBreaker);
    this.budget = new RetryBudget(config.retry.budgetPct);
    this.outliers = new OutlierDetection(config.outlierDetection);
    this.endpoints = config.endpoints.map((endpoint) => new Endpoint(endpoint, config, this, deps));
    this.sticky =
      config.sticky === undefined ? undefined : new Sticky(config.name, config.sticky, this.endpoints, deps);
    this.#balance = new Balance(config.balance, seed);
    this.#hash = config.balance === "consistent_hash" ? buildHash(config.hashKey) : undefined;
  }

  /** Bulkhead before breaker: a full house says so even while the breaker would probe. */
  checkRoom(): Reason | undefined {
    const { maxInFlight } = this.config;
    return maxInFlight > 0 && this.inFlight >= maxInFlight ? reasons.upstreamBusy : undefined;
  }

  /** The endpoint for an attempt: `wanted` while it may be used; not `exclude` when there is another usable one. */
  choose(
    request: CanonicalRequest,
    nowMs: number,
    exclude: Endpoint | undefined,
    wanted: Endpoint | undefined,
  ): Endpoint | undefined {
    if (wanted !== undefined && wanted !== exclude && wanted.isUsable(nowMs)) {
      tryEndpoint(wanted, nowMs);
      return wanted;
    }
    const keyHash = this.#hash === undefined ? 0 : this.#hash(request);
    return chooseEndpoint(this.#balance, this.endpoints, nowMs, keyHash, exclude) as Endpoint | undefined;
  }

  retryAfterSecs(nowMs: number): number {
    return this.breaker?.retryAfterSecs(nowMs) ?? 1;
  }

  countError(reason: Reason): void {
    this.errors.set(reason.code, (this.errors.get(reason.code) ?? 0) + 1);
  }

  /** No longer configured: exchanges under way finish, nothing is kept. */
  retire(): void {
    this.retired = true;
    for (const endpoint of this.endpoints) endpoint.closeIdle();
  }
}

function contextOptions(config: UpstreamConfig): tls.SecureContextOptions {
  return {
    minVersion: "TLSv1.2",
    ...(config.caPem === undefined ? {} : { ca: config.caPem }),
    ...(config.clientCertPem === undefined ? {} : { cert: config.clientCertPem }),
    ...(config.clientKeyPem === undefined ? {} : { key: config.clientKeyPem }),
  };
}

/** 32-bit FNV-1a over what `hash_key` names; the client's address when the request lacks it. */
function buildHash(hashKey: string): (request: CanonicalRequest) => number {
  const byClient = (request: CanonicalRequest): number => hashText(request.clientAddress);
  if (hashKey === "path") {
    return (request) => hashBytes(request.arena, request.routePathStart, request.routePathEnd);
  }
  const header = hashKey.startsWith("header:") ? hashKey.slice(7).toLowerCase() : undefined;
  const cookie = hashKey.startsWith("cookie:") ? hashKey.slice(7) : undefined;
  if (header === undefined && cookie === undefined) return byClient;
  const wanted = header ?? "cookie";
  return (request) => {
    for (let index = 0; index < request.fieldCount; index++) {
      const slot = index * FIELD_SLOTS;
      const nameStart = request.fields[slot + NAME_START]!;
      const nameEnd = request.fields[slot + NAME_END]!;
      if (nameEnd - nameStart !== wanted.length || request.text(nameStart, nameEnd).toLowerCase() !== wanted)
        continue;
      const start = request.fields[slot + VALUE_START]!;
      const end = request.fields[slot + VALUE_END]!;
      if (cookie === undefined) return hashBytes(request.arena, start, end);
      for (const pair of request.text(start, end).split(";")) {
        const equals = pair.indexOf("=");
        if (equals > 0 && pair.slice(0, equals).trim() === cookie) return hashText(pair.slice(equals + 1));
      }
    }
    return byClient(request);
  };
}

function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash >>> 0;
}

function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

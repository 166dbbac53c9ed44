import type { LimitConfig, LimitKeyConfig } from "../config/config.ts";
import { buildLimitHosts } from "../gate/limit-hosts.ts";
import {
  ADDRESS,
  API_KEY,
  CLAIM,
  CLIENT_CERT,
  COOKIE,
  HEADER,
  isIdentityKind,
  type KeyPart,
  SEGMENT,
} from "../gate/limit-key.ts";
import type { RateLimit, Settlement } from "../gate/rate-limit.ts";
import type { LimitFacts, Limits } from "../limit/limits.ts";
import { fixedWindow, gcra } from "../limit/rate.ts";
import { isPatternProblem, parsePattern } from "../route/pattern.ts";

/** What a worker keeps of a limit across reloads. A new rate applies to what was counted under the old one. */
export function limitFacts(config: LimitConfig): LimitFacts {
  const { name, rate, windowMs, burst, algorithm, keys, ipv6Prefix, maxKeys, store } = config;
  const isWindow = algorithm === "fixed_window";
  return {
    name,
    // Numbers of windows of another length mean something else.
    identity: JSON.stringify([algorithm, keys, ipv6Prefix, maxKeys, isWindow ? windowMs : 0, store]),
    keysMax: maxKeys,
    rate: isWindow ? fixedWindow(rate, windowMs) : gcra(rate, windowMs, burst),
    inStore: store === "valkey",
  };
}

/** What workers keep: of strict limits nothing, those are the primary's. */
export function workerLimits(configs: readonly LimitConfig[]): readonly LimitFacts[] {
  return configs.map((config) => ({ ...limitFacts(config), ...(config.strict ? { keysMax: 0 } : {}) }));
}

/** What the primary keeps. */
export function strictLimits(configs: readonly LimitConfig[]): readonly LimitFacts[] {
  return configs.filter(({ strict }) => strict).map(limitFacts);
}

/** The limits of a route, by when they are asked. */
export interface RouteLimits {
  readonly limits: readonly RateLimit[];
  readonly strictLimits: readonly RateLimit[];
  /** By who somebody is. */
  readonly identityLimits: readonly RateLimit[];
  readonly strictIdentityLimits: readonly RateLimit[];
}

export function buildRouteLimits(
  route: { readonly path: string; readonly limits: readonly string[] },
  configs: readonly LimitConfig[],
  adopted: ReturnType<Limits["adopt"]>,
): RouteLimits {
  const named = (fits: (config: LimitConfig) => boolean) =>
    buildRateLimits(
      route.limits.filter((name) => configs.some((config) => config.name === name && fits(config))),
      route.path,
      configs,
      adopted,
    );
  const isByIdentity = ({ keys }: LimitConfig) => keys.some(({ kind }) => isIdentityKind(kind));
  return {
    limits: named((config) => !config.strict && !isByIdentity(config)),
    strictLimits: named((config) => config.strict && !isByIdentity(config)),
    identityLimits: named((config) => !config.strict && isByIdentity(config)),
    strictIdentityLimits: named((config) => config.strict && isByIdentity(config)),
  };
}

/** Claims that limits count by. */
export function countedClaims(configs: readonly LimitConfig[]): readonly string[] {
  const keys = configs.flatMap((config) => config.keys);
  return [...new Set(keys.filter(({ kind }) => kind === "claim").map(({ name }) => name))];
}

/** Compiles the limits that `names` lists, for a route with the pattern `path`, or for a listener without one. */
export function buildRateLimits(
  names: readonly string[],
  path: string | undefined,
  configs: readonly LimitConfig[],
  adopted: ReturnType<Limits["adopt"]>,
): readonly RateLimit[] {
  return names.map((name) => {
    const config = configs.find((one) => one.name === name);
    const held = adopted.get(name);
    if (config === undefined || held === undefined) throw new Error(`no limit "${name}"`);
    const windowSecs = config.windowMs / 1000;
    return {
      limiter: held.limiter,
      rate: held.rate,
      key: config.keys.map((key) => buildKey(key, path)),
      ipv6Mask: maskWords(config.ipv6Prefix),
      shadow: config.shadow,
      hosts: config.hosts === undefined ? undefined : buildLimitHosts(config.hosts),
      settlement: buildSettlement(config),
      inStore: config.store === "valkey",
      onStoreError: config.onStoreError === "local" ? undefined : config.onStoreError,
      policyLine: `RateLimit-Policy: "${name}";q=${config.rate};w=${windowSecs}\r\n`,
    };
  });
}

function buildSettlement({ countStatuses, cost }: LimitConfig): Settlement | undefined {
  if (countStatuses === undefined && cost === "request") return undefined;
  return {
    statuses: countStatuses === undefined ? undefined : new Set(countStatuses),
    byScore: cost === "waf_score",
  };
}

const kinds = {
  address: ADDRESS,
  header: HEADER,
  cookie: COOKIE,
  path: SEGMENT,
  claim: CLAIM,
  api_key: API_KEY,
  client_cert: CLIENT_CERT,
} as const;

function buildKey({ kind, name }: LimitKeyConfig, path: string | undefined): KeyPart {
  const base = {
    kind: kinds[kind],
    name: Buffer.from(name, "latin1"),
    claim: name,
    segment: 0,
    toEnd: false,
  };
  if (kind !== "path") return base;
  const pattern = path === undefined ? undefined : parsePattern(path);
  if (pattern === undefined || isPatternProblem(pattern)) throw new Error(`no path with {${name}}`);
  const at = pattern.names.indexOf(name);
  if (at < 0) throw new Error(`no {${name}} in ${path}`);
  if (pattern.catchAll && at === pattern.names.length - 1)
    return { ...base, segment: pattern.segments.length, toEnd: true };
  const parameters = pattern.segments.flatMap((text, index) => (text === undefined ? [index] : []));
  return { ...base, segment: parameters[at]! };
}

/** The first `bits` of 128 are ones. */
function maskWords(bits: number): Int32Array {
  return Int32Array.from({ length: 4 }, (_, index) => {
    const ones = Math.min(32, Math.max(0, bits - 32 * index));
    return ones === 0 ? 0 : -1 << (32 - ones);
  });
}

import type { LimitConfig, LimitKeyConfig } from "../config/config.ts";
import { ADDRESS, COOKIE, HEADER, type KeyPart, SEGMENT } from "../gate/limit-key.ts";
import type { RateLimit } from "../gate/rate-limit.ts";
import type { LimitFacts, Limits } from "../limit/limits.ts";
import { fixedWindow, gcra } from "../limit/rate.ts";
import { isPatternProblem, parsePattern } from "../route/pattern.ts";

/** What a worker keeps of a limit across reloads. A new rate applies to what was counted under the old one. */
export function limitFacts(config: LimitConfig): LimitFacts {
  const { name, rate, windowMs, burst, algorithm, keys, ipv6Prefix, maxKeys } = config;
  const isWindow = algorithm === "fixed_window";
  return {
    name,
    // Numbers of windows of another length mean something else.
    identity: JSON.stringify([algorithm, keys, ipv6Prefix, maxKeys, isWindow ? windowMs : 0]),
    keysMax: maxKeys,
    rate: isWindow ? fixedWindow(rate, windowMs) : gcra(rate, windowMs, burst),
  };
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
      countStatuses: config.countStatuses === undefined ? undefined : new Set(config.countStatuses),
      policyLine: `RateLimit-Policy: "${name}";q=${config.rate};w=${windowSecs}\r\n`,
    };
  });
}

const kinds = { address: ADDRESS, header: HEADER, cookie: COOKIE, path: SEGMENT } as const;

function buildKey({ kind, name }: LimitKeyConfig, path: string | undefined): KeyPart {
  const base = { kind: kinds[kind], name: Buffer.from(name, "latin1"), segment: 0, toEnd: false };
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

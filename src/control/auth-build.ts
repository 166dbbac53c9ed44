import type { Config, RouteConfig, ServiceProfileConfig } from "../config/config.ts";
import type { AuthRule } from "../gate/auth.ts";
import { AuthService } from "../gate/auth-service.ts";
import { fieldIdOf } from "../http/field.ts";
import type { HeadLimits } from "../http/head.ts";
import type { HopFacts } from "../http/print-request.ts";
import { Issuers } from "../identity/issuers.ts";
import { ask } from "../upstream/ask.ts";
import type { UpstreamDeps } from "../upstream/endpoint.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { BuiltProfile } from "./auth-desk.ts";

/** What a route asks of its clients, from the profiles that it names; undefined = nothing. */
export function buildRouteAuth(
  { name, auth }: RouteConfig,
  profiles: ReadonlyMap<string, BuiltProfile>,
  wallMs: () => number,
): AuthRule | undefined {
  if (auth === undefined) return undefined;
  const named = auth.profiles.map((profile) => {
    const built = profiles.get(profile);
    if (built === undefined) throw new Error(`route "${name}": no auth profile "${profile}"`);
    return built;
  });
  const verifiers = named.flatMap(({ verifier }) => (verifier === undefined ? [] : [verifier]));
  return {
    tokens: verifiers.length === 0 ? undefined : new Issuers(verifiers),
    // At most one of each: the configuration was checked.
    passwords: named.find(({ passwords }) => passwords !== undefined)?.passwords,
    apiKeys: named.find(({ apiKeys }) => apiKeys !== undefined)?.apiKeys,
    certificates: named.find(({ certificates }) => certificates !== undefined)?.certificates,
    service: named.find(({ service }) => service !== undefined)?.service,
    scopes: auth.scopes,
    roles: auth.roles,
    challenge: [...new Set(named.map(({ challenge }) => challenge))].join(""),
    wallMs,
  };
}

/** Names, in lower case, that only the gateway may set; those that it knows anyway left out. */
export function identityFieldsOf({ authProfiles }: Config): readonly string[] {
  const names = authProfiles.flatMap((profile) => {
    if (profile.kind === "jwt") return profile.fields.map(({ field }) => field);
    return profile.kind === "forward" ? profile.answerFields : [];
  });
  return [...new Set(names.map((name) => name.toLowerCase()))].filter((name) => fieldIdOf(name) === 0);
}

export interface ServiceDeps {
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly upstreamDeps: UpstreamDeps;
  readonly hop: HopFacts;
  readonly limits: HeadLimits;
}

/** A service is asked as clients' requests are sent: by an upstream's pools, health, breaker and bulkhead. */
export function buildService(profile: ServiceProfileConfig, deps: ServiceDeps): AuthService {
  const { path, requestFields, answerFields, timeoutMs, cacheMs } = profile;
  const { upstreamDeps, hop, limits } = deps;
  const upstream = deps.upstreams.get(profile.upstream);
  if (upstream === undefined)
    throw new Error(`auth profile "${profile.name}": no upstream "${profile.upstream}"`);
  const wanted = ["www-authenticate", "x-auth-subject", ...answerFields.map((name) => name.toLowerCase())];
  // What we add to the client's fields does not count against the client's limits.
  const room = { ...limits, headBytesMax: limits.headBytesMax + limits.targetBytesMax + 4096 };
  const valueBytesMax = Math.max(limits.valueBytesMax, limits.targetBytesMax + 4096);
  const settings = {
    upstream,
    hop,
    limits: { ...room, fieldsMax: limits.fieldsMax + 8, valueBytesMax },
    timeoutMs,
    wanted,
  };
  return new AuthService({
    path,
    requestFields,
    answerFields,
    cacheMs,
    ask: (head, about) => ask(settings, upstreamDeps, head, about),
  });
}

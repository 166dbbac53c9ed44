import { type AcmeSource, acmeEndpoints } from "./acme-endpoints.ts";
import type { AdminEndpoint } from "./admin.ts";
import { type BanSource, banEndpoints } from "./ban-endpoints.ts";
import { type CacheSource, cacheEndpoints } from "./cache-endpoints.ts";
import type { CertificateDesk } from "./certificate-desk.ts";
import { certificateEndpoints } from "./certificate-endpoints.ts";
import type { ControlAnswer } from "./control-listener.ts";
import { type DecisionSource, decisionsEndpoint } from "./decisions-endpoint.ts";
import { type DrainSource, drainEndpoints } from "./drain-endpoints.ts";
import { exclusionEndpoint, type ProveExclusion } from "./exclusion-endpoint.ts";
import { type ExplainRequest, explainEndpoints } from "./explain-endpoints.ts";
import { type GatewaySource, gatewayEndpoints } from "./gateway-endpoints.ts";
import { type GenerationSource, generationEndpoints } from "./generation-endpoints.ts";
import type { OverviewRequest } from "./overview.ts";
import { revocationEndpoints } from "./revocation-endpoints.ts";
import type { Revocations } from "./revocations.ts";
import type { TicketKeys } from "./tickets.ts";

/** What the admin listener's endpoints read and do. */
export interface AdminSources {
  readonly overview: (request: OverviewRequest) => Promise<ControlAnswer>;
  readonly gateway: GatewaySource;
  readonly generations: GenerationSource;
  readonly drain: DrainSource;
  /** What happens, live. */
  readonly events: AdminEndpoint;
  readonly decisions: DecisionSource;
  readonly bans: BanSource;
  readonly cache: CacheSource;
  readonly explain: ExplainRequest;
  readonly proveExclusion: ProveExclusion;
  readonly acme: AcmeSource;
  readonly certificates: Pick<CertificateDesk, "served" | "ocspOf">;
  readonly tickets: Pick<TicketKeys, "rotate">;
  readonly revocations: Pick<Revocations, "list" | "add" | "remove">;
}

/** Every endpoint of the admin listener; whoever adds one adds a row. */
export function adminEndpoints(sources: AdminSources): readonly AdminEndpoint[] {
  return [
    {
      method: "GET",
      path: "/snapshot",
      role: "read",
      does: "the gateway as it stands: configuration without secrets, platform, workers, upstreams and why one is not used, certificates, totals, percentiles; `path` for a part, such as config.server; ETag",
      answer: ({ query, header }) =>
        sources.overview({ path: query.get("path") ?? undefined, ifNoneMatch: header("if-none-match") }),
    },
    ...gatewayEndpoints(sources.gateway),
    ...generationEndpoints(sources.generations),
    decisionsEndpoint(sources.decisions),
    ...explainEndpoints(sources.explain),
    exclusionEndpoint(sources.proveExclusion),
    sources.events,
    ...drainEndpoints(sources.drain),
    ...banEndpoints(sources.bans),
    ...cacheEndpoints(sources.cache),
    ...acmeEndpoints(sources.acme),
    ...revocationEndpoints(sources.revocations),
    ...certificateEndpoints(sources.certificates, sources.tickets),
  ];
}

import type { Decision } from "../record/decision-log.ts";
import type { AdminEndpoint } from "./admin.ts";
import { type BanSource, banEndpoints } from "./ban-endpoints.ts";
import { type ControlAnswer, json, text } from "./control-listener.ts";
import { type DecisionRing, readDecisionQuery } from "./decision-ring.ts";
import type { GenerationEntry } from "./generations.ts";
import type { Overview } from "./overview.ts";
import type { ReloadResult } from "./reload.ts";
import { revocationEndpoints } from "./revocation-endpoints.ts";
import type { Revocations } from "./revocations.ts";

/** What the admin listener's endpoints read and do. */
export interface AdminSources {
  readonly overview: () => Overview;
  readonly generations: () => readonly GenerationEntry[];
  readonly reload: () => Promise<ReloadResult>;
  readonly decisions: Pick<DecisionRing, "find">;
  readonly bans: BanSource;
  readonly revocations: Pick<Revocations, "list" | "add" | "remove">;
}

/** Every endpoint of the admin listener; whoever adds one adds a row. */
export function adminEndpoints(sources: AdminSources): readonly AdminEndpoint[] {
  return [
    {
      method: "GET",
      path: "/snapshot",
      does: "version, generation, workers, and every route with what the WAF does on it",
      answer: () => json(200, sources.overview()),
    },
    {
      method: "GET",
      path: "/v1/generations",
      does: "the last configurations: when, from where, and what was refused",
      answer: () => json(200, { generations: sources.generations() }),
    },
    {
      method: "POST",
      path: "/v1/reload",
      does: "reads the configuration file again; waits for the result",
      answer: async () => reloadAnswer(await sources.reload()),
    },
    {
      method: "GET",
      path: "/v1/decisions",
      does: "the last refusals and some of what was let through; since, gate, reason, route, client, request_id, decision, limit",
      answer: ({ query }) => {
        const wanted = readDecisionQuery(query);
        if (typeof wanted === "string") return text(400, wanted);
        return json(200, { decisions: sources.decisions.find(wanted).map(shownDecision) });
      },
    },
    ...banEndpoints(sources.bans),
    ...revocationEndpoints(sources.revocations),
  ];
}

function reloadAnswer(result: ReloadResult): ControlAnswer {
  if (result.kind === "refused")
    return json(422, { generation: result.generation, reason: result.reason, error: result.problem });
  return json(200, { generation: result.generation });
}

/** Times as people read them. */
function shownDecision({ timeMs, totalMs, ...rest }: Decision): object {
  return { time: new Date(timeMs).toISOString(), ...rest, totalMs: Math.round(totalMs * 1000) / 1000 };
}

import type { AdminEndpoint } from "./admin.ts";
import { json } from "./control-listener.ts";
import { type DecisionRing, readDecisionQuery, shownDecision } from "./decision-ring.ts";

export interface DecisionSource extends Pick<DecisionRing, "find"> {
  /** Has the workers tell what they have not told yet. */
  readonly hurry: () => Promise<void>;
}

/** `GET /v1/decisions`. Who asks for one request gets it, however little ago it was: its id came with the refusal. */
export function decisionsEndpoint({ find, hurry }: DecisionSource): AdminEndpoint {
  return {
    method: "GET",
    path: "/v1/decisions",
    role: "read",
    does: "the last refusals and some of what was let through; since, gate, reason, route, client, request_id, decision, limit",
    answer: async ({ query }) => {
      const wanted = readDecisionQuery(query);
      if (typeof wanted === "string") return json(400, { error: wanted });
      let decisions = find(wanted);
      if (decisions.length === 0 && wanted.requestId !== undefined) {
        await hurry();
        decisions = find(wanted);
      }
      return json(200, { decisions: decisions.map(shownDecision) });
    },
  };
}

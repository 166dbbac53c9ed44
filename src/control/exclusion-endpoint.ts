import type { AdminEndpoint } from "./admin.ts";
import { type ControlAnswer, json } from "./control-listener.ts";

/** What an exclusion would be and cost, as `zion exclude --format json` says it. Rejects with what is wrong. */
export type ProveExclusion = (wanted: WantedExclusion) => Promise<string>;

export interface WantedExclusion {
  readonly route: string;
  readonly rule: string;
  readonly field: string;
}

/** Longer than any place that findings name. */
const textMax = 600;

/** `GET /v1/exclusion`: changes nothing. One at a time, because each costs a process and a second. */
export function exclusionEndpoint(prove: ProveExclusion): AdminEndpoint {
  let isBusy = false;
  return {
    method: "GET",
    path: "/v1/exclusion",
    role: "read",
    does: "the [[exclude]] for route, rule and field as a patch, and the known attacks that would pass with it",
    answer: async ({ query }): Promise<ControlAnswer> => {
      const [route, rule, field] = ["route", "rule", "field"].map((name) => query.get(name) ?? "");
      for (const text of [route!, rule!, field!])
        if (text === "" || text.length > textMax) return json(400, { error: "give route, rule and field" });
      if (isBusy) return json(503, { error: "another exclusion is being proven" }, { "Retry-After": "1" });
      isBusy = true;
      try {
        const body = await prove({ route: route!, rule: rule!, field: field! });
        return { status: 200, body, type: "application/json" };
      } catch (error) {
        return json(422, { error: error instanceof Error ? error.message : String(error) });
      } finally {
        isBusy = false;
      }
    },
  };
}

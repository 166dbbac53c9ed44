import { differencesBetween } from "../config/difference.ts";
import { type CutConfig, createPartStore } from "../config/parts.ts";
import { showConfig } from "../config/shown.ts";
import type { AdminEndpoint } from "./admin.ts";
import { json } from "./control-listener.ts";
import type { Reloader } from "./reload.ts";

/** What differs between a configuration that was in force and another one, by default that of today. Secrets are left out. */
export function generationDiffEndpoint({
  find,
  ...source
}: Pick<Reloader, "find"> & { readonly generation: () => number }): AdminEndpoint {
  return {
    method: "GET",
    path: "/v1/diff/{generation}",
    role: "read",
    does: "what differs from that configuration to the one in force, or to generation `to`; secrets are not compared",
    answer: ({ query }, text) => {
      const from = Number(text);
      const to = Number(query.get("to") ?? source.generation());
      const [before, after] = [find(from), find(to)];
      if (before === undefined || after === undefined) {
        const unknown = before === undefined ? text : String(to);
        return json(404, { error: `generation ${unknown} is not among those that are kept` });
      }
      return json(200, { from, to, differences: differencesBetween(shownOf(before), shownOf(after)) });
    },
  };
}

/** As the snapshot shows it: a key without a value is no key. */
function shownOf({ manifest, parts }: CutConfig): unknown {
  return JSON.parse(JSON.stringify(showConfig(createPartStore().assemble(manifest, parts))));
}

import type { ListConfig } from "../config/config.ts";
import type { ClientList, ClientLists } from "../gate/client-lists.ts";
import { readWords } from "../identity/range-table.ts";
import type { Counters } from "../record/counters.ts";

/** The lists of a configuration, compiled once for all who use them. */
export interface ListTable {
  /** Those of these names, by what they do; undefined without names. */
  pick(names: readonly string[]): ClientLists | undefined;
}

export function buildListTable(configs: readonly ListConfig[], counters: Counters): ListTable {
  const lists = new Map(
    configs.map(({ name, action, v4, v6, userAgents }) => {
      const ranges = { v4: readWords(v4), v6: readWords(v6) };
      const list: ClientList = { name, ranges, userAgents, counts: counters.list(name) };
      return [name, { action, list }] as const;
    }),
  );
  return {
    pick(names) {
      if (names.length === 0) return undefined;
      const chosen = names.map((name) => {
        const found = lists.get(name);
        if (found === undefined) throw new Error(`no list "${name}"`);
        return found;
      });
      const by = (action: ListConfig["action"]) =>
        chosen.filter((one) => one.action === action).map(({ list }) => list);
      return { exempt: by("exempt"), deny: by("deny"), allow: by("allow") };
    },
  };
}

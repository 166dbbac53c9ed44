import type { ListConfig } from "../config/config.ts";
import type { ClientList, ClientLists } from "../gate/client-lists.ts";
import { type RangeTable, readWords } from "../identity/range-table.ts";
import type { Counters } from "../record/counters.ts";
import type { Steps } from "../std/steps.ts";

/** The lists of a configuration, compiled once for all who use them. */
export interface ListTable {
  /** Those of these names, by what they do; undefined without names. */
  pick(names: readonly string[]): ClientLists | undefined;
  /** The addresses of one. */
  ranges(name: string): RangeTable;
}

/** In steps: half a million blocks are read in some milliseconds. */
export function* listTableSteps(configs: readonly ListConfig[], counters: Counters): Steps<ListTable> {
  const lists = new Map<string, { readonly action: ListConfig["action"]; readonly list: ClientList }>();
  for (const { name, action, v4, v6, userAgents } of configs) {
    yield;
    const ranges = { v4: readWords(v4), v6: readWords(v6) };
    const isSlow = action === "tarpit";
    lists.set(name, { action, list: { name, ranges, userAgents, isSlow, counts: counters.list(name) } });
  }
  const find = (name: string) => {
    const found = lists.get(name);
    if (found === undefined) throw new Error(`no list "${name}"`);
    return found;
  };
  return {
    ranges: (name) => find(name).list.ranges,
    pick(names) {
      if (names.length === 0) return undefined;
      const chosen = names.map(find);
      const by = (...actions: readonly ListConfig["action"][]) =>
        chosen.filter(({ action }) => actions.includes(action)).map(({ list }) => list);
      return { exempt: by("exempt"), deny: by("deny", "tarpit"), allow: by("allow") };
    },
  };
}

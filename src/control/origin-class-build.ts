import type { SovereignConfig } from "../config/config.ts";
import type { OriginClass, OriginClasses } from "../gate/origin-class.ts";
import { printLine } from "../identity/identity.ts";
import { readWords } from "../identity/range-table.ts";
import type { Counters } from "../record/counters.ts";
import type { ListTable } from "./list-build.ts";

/** Overrides come before the lists of classes; undefined = `[sovereign]` is off. */
export function buildOriginClasses(
  config: SovereignConfig | undefined,
  lists: ListTable,
  counters: Counters,
): OriginClasses | undefined {
  if (config === undefined) return undefined;
  const build = (name: string): OriginClass => ({
    name,
    isDenied: config.deny.includes(name),
    lines: [printLine("X-Zion-Origin-Class", name)].filter((line) => line !== undefined),
    counts: counters.originClass(name),
  });
  const classes = new Map(config.classes.map(({ name }) => [name, build(name)]));
  const unknown = build("unknown");
  const overrides = config.overrides.map(({ name, v4, v6 }) => ({
    ranges: { v4: readWords(v4), v6: readWords(v6) },
    origin: classes.get(name) ?? unknown,
  }));
  const listed = config.classes.flatMap(({ name, lists: names }) =>
    names.map((list) => ({ ranges: lists.ranges(list), origin: classes.get(name)! })),
  );
  return {
    networks: [...overrides, ...listed],
    unknown,
    isSlow: config.action === "tarpit",
    isLogged: config.isLogged,
  };
}

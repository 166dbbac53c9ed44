import type { Draft } from "./draft.ts";
import type { Item, Ledger } from "./ledger.ts";
import { listOf, type Tree, tableOf } from "./tree.ts";
import type { Outcome } from "./verdict.ts";

/** What the parts of one import share. */
export interface TraefikImport {
  readonly draft: Draft;
  readonly ledger: Ledger;
  /** All files as one table, by their first two keys: static and dynamic ones. */
  readonly roots: readonly Tree[];
  /** The item of each option that was written. */
  readonly items: ReadonlyMap<Tree, Item>;
}

/** An option by its keys, which are compared without their case, as Traefik does. */
export function option(options: Tree | undefined, ...names: readonly string[]): Tree | undefined {
  return names.reduce<Tree | undefined>((tree, name) => {
    const entry = [...tableOf(tree)].find(([key]) => key.toLowerCase() === name.toLowerCase());
    return entry?.[1];
  }, options);
}

/** Tables under two keys in all files, by name. */
export function named({ roots }: TraefikImport, ...keys: readonly string[]): ReadonlyMap<string, Tree> {
  return new Map(roots.flatMap((root) => [...tableOf(option(root, ...keys))]));
}

/** Decides about an option and all that is in it. */
export function decideOption(
  traefik: Pick<TraefikImport, "ledger" | "items">,
  tree: Tree | undefined,
  outcome: Outcome,
): void {
  if (tree === undefined) return;
  const item = traefik.items.get(tree);
  if (item !== undefined) traefik.ledger.decide(item, outcome);
  for (const inner of [...tableOf(tree).values(), ...listOf(tree)]) decideOption(traefik, inner, outcome);
}

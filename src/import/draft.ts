import { findRouteConflicts } from "../route/conflict.ts";
import type { CompressionDraft } from "./compression.ts";
import type { Item, Ledger } from "./ledger.ts";
import { needsYou } from "./verdict.ts";

/** A value of the new file. */
export type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };
export type Keys = Record<string, Value>;

/** A table with a name: an upstream, a list, a limit. */
export interface NamedTable {
  readonly name: string;
  readonly keys: Readonly<Keys>;
}

export interface RouteDraft {
  readonly path: string;
  /** Undefined: any host. */
  readonly hosts: readonly string[] | undefined;
  readonly methods?: readonly string[] | undefined;
  /** Undefined: nothing to send requests to, so it is closed. */
  readonly upstream: string | undefined;
  readonly keys: Readonly<Keys>;
  readonly lists: readonly string[];
  readonly limits: readonly string[];
  /** `[[exclude]]` for this route, without its name. */
  readonly excludes: readonly Keys[];
  /** Why nobody may come in until somebody has decided; empty = open. */
  readonly closed: readonly string[];
  readonly comment: string;
  /** What it was made of. */
  readonly origin: Item;
}

/** The new configuration while it is put together. */
export interface Draft {
  readonly server: Keys;
  readonly tls: Keys;
  /** `[[tls.sni]]`, by server name. */
  readonly sni: Map<string, { readonly cert_path: string; readonly key_path: string }>;
  readonly wafProfile: Keys;
  readonly compression: CompressionDraft;
  readonly routes: RouteDraft[];
  /** Adds a table, or finds the one with the same keys, and returns its name: the wish, or like it. */
  name(kind: TableKind, wish: string, keys: Readonly<Keys>): string;
  tables(kind: TableKind): readonly NamedTable[];
}

export type TableKind = "upstream" | "list" | "limit" | "auth_profile" | "waf_profile";

export function openDraft(): Draft {
  const kinds = new Map<TableKind, Map<string, NamedTable & { readonly wish: string }>>();
  const tablesOf = (kind: TableKind) => {
    const found = kinds.get(kind) ?? new Map<string, NamedTable & { readonly wish: string }>();
    kinds.set(kind, found);
    return found;
  };
  return {
    server: {},
    tls: {},
    sni: new Map(),
    wafProfile: {},
    compression: { keys: {}, everywhere: false },
    routes: [],
    name(kind, wish, keys) {
      const tables = tablesOf(kind);
      const content = JSON.stringify(keys);
      // A dot in a name needs quotes in the file.
      const base = cleanName(wish.replaceAll(".", "-"));
      for (const table of tables.values())
        if (table.wish === base && JSON.stringify(table.keys) === content) return table.name;
      const name = freeName(base, (candidate) => tables.has(candidate));
      tables.set(name, { name, wish: base, keys });
      return name;
    },
    tables: (kind) => [...tablesOf(kind).values()],
  };
}

/** The name that refuses everybody, for places that nobody has decided about. */
export const CLOSED = "closed";

/** `wish` as a name that this gateway takes. */
export function cleanName(wish: string): string {
  const clean = wish
    .replace(/[^A-Za-z0-9_.-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+|[-.]+$/g, "")
    .slice(0, 48);
  return clean === "" ? "import" : clean;
}

export function freeName(base: string, isTaken: (name: string) => boolean): string {
  if (!isTaken(base)) return base;
  let number = 2;
  while (isTaken(`${base}-${number}`)) number++;
  return `${base}-${number}`;
}

/** Leaves out routes for requests that an earlier one serves, and says so: the gateway would refuse the file. */
export function dropConflicts(draft: Draft, ledger: Ledger): void {
  for (;;) {
    const conflict = findRouteConflicts(draft.routes)[0];
    if (conflict === undefined) return;
    const [dropped] = draft.routes.splice(conflict.second, 1);
    const kept = draft.routes[conflict.first]!;
    const text = `the route ${dropped!.path} is left out: line ${kept.origin.line} of ${kept.origin.file} has one for the same requests`;
    ledger.decide(dropped!.origin, needsYou(text));
  }
}

import type { Findings, Path } from "./finding.ts";
import { valueAt } from "./shape.ts";
import type { TomlTree } from "./toml.ts";

/** A key or table that had another name. */
export interface Rename {
  /** Names from the top; "*" = any. Indexes of arrays are left out. */
  readonly from: readonly string[];
  /** The last of the names now; undefined = it has no meaning any more. */
  readonly to: string | undefined;
  /**
   * The version of ours that renamed it, "MAJOR.MINOR": the old name is read, with a warning, in that minor version and the
   * next (test/config/renames.test.ts takes the row out then). Undefined: a name of the reference gateway, which the schema
   * reads for good.
   */
  readonly since: string | undefined;
}

/** One row for each name that `zion migrate` writes anew. */
export const renames: readonly Rename[] = [
  { from: ["sovereign_aimp", "listen"], to: undefined, since: undefined },
  { from: ["sovereign_aimp", "peers"], to: undefined, since: undefined },
  { from: ["sovereign_aimp", "xdp_block_threshold"], to: undefined, since: undefined },
  {
    from: ["sovereign_aimp", "inbound_claims_per_sec"],
    to: "max_inbound_claims_per_peer_per_second",
    since: undefined,
  },
  { from: ["sovereign_aimp"], to: "mesh", since: undefined },
];

/** The row for the key at a path of the document. */
export function renameOf(path: Path, rows: readonly Rename[]): Rename | undefined {
  const names = path.filter((step) => typeof step === "string");
  if (typeof path.at(-1) !== "string") return undefined;
  return rows.find(
    ({ from }) =>
      from.length === names.length && from.every((name, index) => name === "*" || name === names[index]),
  );
}

/**
 * Puts values by old names where the new ones are looked for, and warns. What is said about them later points at the old
 * name. Where both are there the old one stays, and is refused as an unknown key. `tree` is changed.
 */
export function readOldNames(tree: TomlTree, findings: Findings, rows: readonly Rename[]): void {
  const ours = rows.filter(({ since }) => since !== undefined);
  if (ours.length === 0) return;
  const visit = (node: unknown, path: Path): void => {
    if (typeof node !== "object" || node === null || node instanceof Date) return;
    for (const [key, value] of Object.entries(node)) {
      const at = [...path, Array.isArray(node) ? Number(key) : key];
      visit(value, at);
      const row = renameOf(at, ours);
      if (row !== undefined) move(tree, at, row, findings);
    }
  };
  visit(tree, []);
}

function move(tree: TomlTree, at: Path, { to, since }: Rename, findings: Findings): void {
  const table = valueAt(tree, at.slice(0, -1)) as TomlTree;
  const old = String(at.at(-1));
  if (to !== undefined && Object.hasOwn(table, to)) return;
  findings.add({
    code: "Z2001",
    path: at,
    at: "key",
    message:
      to === undefined
        ? `\`${old}\` has no meaning since ${since}`
        : `\`${old}\` is \`${to}\` since ${since}`,
  });
  if (to !== undefined) {
    table[to] = table[old];
    findings.isWrittenAs([...at.slice(0, -1), to], at);
  }
  delete table[old];
}

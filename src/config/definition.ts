import type { DiagnosticCode } from "./codes.ts";
import type { Path } from "./finding.ts";
import { printable } from "./label.ts";
import type { SectionContext } from "./section.ts";
import { nearest } from "./suggest.ts";

/** A name that must be defined in the same file. */
export interface NameUse {
  /** The key that has the name. */
  readonly path: Path;
  /** Who uses it, for the message: `route "shop"`. */
  readonly what: string;
  /** For the message: "upstream". */
  readonly kind: string;
  readonly name: string;
  /** What is defined, and where. */
  readonly defined: ReadonlyMap<string, Path>;
  /** How one is added: "[upstream.x] with a `url`". */
  readonly definition: string;
  /** Default: that of the code. */
  readonly effect?: string;
}

/** Reports a name that nothing defines, with the nearest one that is. */
export function checkDefined(
  { path, what, kind, name, defined, definition, effect }: NameUse,
  context: SectionContext,
): void {
  if (defined.has(name)) return;
  const suggestion = nearest(name, defined.keys());
  const names = [...defined.keys()].slice(0, 8).map(printable).join(", ");
  const at = suggestion === undefined ? undefined : defined.get(suggestion);
  context.findings.add({
    code: "Z1210",
    path,
    message: `${what} uses ${kind} \`${printable(name)}\`, which is not defined`,
    ...(effect === undefined ? {} : { effect }),
    suggestion,
    label: suggestion === undefined ? "" : `did you mean \`${printable(suggestion)}\`?`,
    fix:
      suggestion !== undefined
        ? `write "${printable(suggestion)}"`
        : defined.size === 0
          ? `add ${definition}`
          : `define it; the file has: ${names}`,
    related: at === undefined ? [] : [{ path: at, at: "key", label: "defined here" }],
  });
}

/** Reports a name that cannot be a metric label. `what` it would name: "an upstream". */
export function checkName(
  path: Path,
  what: string,
  name: string,
  { findings }: SectionContext,
  at: "key" | "value" = "key",
): void {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name)) return;
  findings.add({ code: "Z1110", path, at, message: `"${printable(name)}" cannot be the name of ${what}` });
}

/** What is defined in tables of its own, and named by others. */
export interface Definitions {
  /** For the message: "limit". */
  readonly kind: string;
  /** For the message, of those that could use it: "nothing", "no route". */
  readonly nobody: string;
  readonly defined: ReadonlyMap<string, Path>;
  /** Every key that can hold such names, and what it holds. */
  readonly uses: readonly { readonly path: Path; readonly names: readonly string[] }[];
  readonly code: DiagnosticCode;
  /** Default: those of the code. */
  readonly effect?: string;
  readonly fix?: string;
}

/** Warns of what is defined and not used. Not while something is broken that may have been meant to use it. */
export function reportUnused(
  { kind, nobody, defined, uses, code, effect, fix }: Definitions,
  { findings }: SectionContext,
): void {
  if (findings.isPoisoned(["server"]) || findings.isPoisoned(["route"])) return;
  if (uses.some(({ path }) => findings.isPoisoned(path))) return;
  const used = new Set(uses.flatMap(({ names }) => names));
  for (const name of used) if (!defined.has(name)) return;
  for (const [name, path] of defined) {
    if (used.has(name)) continue;
    findings.add({
      code,
      path,
      at: "key",
      message: `${nobody} uses the ${kind} ${printable(name)}`,
      ...(effect === undefined ? {} : { effect }),
      ...(fix === undefined ? {} : { fix }),
    });
  }
}

/** The tables `[kind.NAME]` by their names. */
export function definitionsOf(
  kind: string,
  tables: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, Path> {
  return new Map(Object.keys(tables).map((name): [string, Path] => [name, [kind, name]]));
}

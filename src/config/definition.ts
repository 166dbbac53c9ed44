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

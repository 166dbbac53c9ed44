import type { DiagnosticCode } from "./codes.ts";

/** Where in the parsed document: keys and array indexes from the top. */
export type Path = readonly (string | number)[];

/** A problem by path, before anyone knows its line. Checks make these; `position.ts` places them. */
export interface Finding {
  readonly code: DiagnosticCode;
  readonly path: Path;
  /** Which part of `path` the caret goes under. Default "value". */
  readonly at?: "key" | "value";
  readonly message: string;
  readonly label?: string;
  /** Default: the effect of the code's row. */
  readonly effect?: string;
  readonly fix?: string;
  readonly suggestion?: string | undefined;
  readonly related?: readonly {
    readonly path: Path;
    readonly at?: "key" | "value";
    readonly label: string;
  }[];
  /** Points at one character of a string value: its offset, and the length of the whole string (UTF-16 units). */
  readonly within?: { readonly offset: number; readonly length: number };
  /** For problems in a file that the config names. 1-based, in characters. */
  readonly elsewhere?: { readonly file: string; readonly line: number; readonly column: number };
  /** For problems with a place but no path (syntax). 1-based; columns in UTF-16 units. */
  readonly place?: { readonly line: number; readonly column: number };
}

/** Collects findings, and remembers which keys were bad so that nothing is reported twice ("never cascade"). */
export interface Findings {
  readonly list: readonly Finding[];
  add(finding: Finding): void;
  /** Marks a key as present but unusable: its absence from the parsed data is not a problem of its own. */
  poison(path: Path): void;
  isPoisoned(path: Path): boolean;
  /** From here on, what is said about `path` and what lies in it points at `written`, its name in the file. */
  isWrittenAs(path: Path, written: Path): void;
}

export function createFindings(): Findings {
  const list: Finding[] = [];
  const poisoned = new Set<string>();
  const written: { readonly path: Path; readonly as: Path }[] = [];
  // The last first: what lies in a renamed table may have been renamed before it.
  const inFile = (path: Path): Path =>
    written.reduceRight(
      (at, one) => (isBelow(at, one.path) ? [...one.as, ...at.slice(one.path.length)] : at),
      path,
    );
  return {
    list,
    add(finding) {
      const { path, related } = finding;
      if (written.length === 0) return void list.push(finding);
      const others = related?.map((one) => ({ ...one, path: inFile(one.path) }));
      list.push({ ...finding, path: inFile(path), ...(others === undefined ? {} : { related: others }) });
    },
    isWrittenAs: (path, as) => void written.push({ path, as }),
    poison: (path) => void poisoned.add(pathKey(path)),
    isPoisoned: (path) => poisoned.has(pathKey(path)),
  };
}

/** Whether `path` is `prefix` or lies in it. */
function isBelow(path: Path, prefix: Path): boolean {
  return path.length >= prefix.length && prefix.every((step, index) => path[index] === step);
}

/** A path as a map key. NUL cannot occur in a key: files with NUL are refused. */
export function pathKey(path: Path): string {
  return path.join("\0");
}

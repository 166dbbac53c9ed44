/** One value that differs between two shown configurations. */
export interface Difference {
  /** Keys with dots between them; items of lists by their name, else by their place: `routes.shop.max_body_mb`. */
  readonly path: string;
  /** Undefined: only the other has it. */
  readonly before: unknown;
  readonly after: unknown;
}

/** What differs, in the order of the first and then of the second. Both as `showConfig` shows them: without secrets. */
export function differencesBetween(before: unknown, after: unknown): readonly Difference[] {
  const found: Difference[] = [];
  compare("", before, after, found);
  return found;
}

function compare(path: string, before: unknown, after: unknown, found: Difference[]): void {
  const one = childrenOf(before);
  const other = childrenOf(after);
  if (one === undefined || other === undefined) {
    if (JSON.stringify(before) !== JSON.stringify(after)) found.push({ path, before, after });
    return;
  }
  for (const key of new Set([...one.keys(), ...other.keys()]))
    compare(path === "" ? key : `${path}.${key}`, one.get(key), other.get(key), found);
}

/** Undefined for what is shown as one value: texts, numbers, and lists of them. */
function childrenOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const named = value.map((item) => nameOf(item));
  if (value.length === 0 || named.includes(undefined) || new Set(named).size < named.length) return undefined;
  return new Map(value.map((item, i) => [named[i]!, item]));
}

function nameOf(item: unknown): string | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  const { name } = item as { readonly name?: unknown };
  return typeof name === "string" ? name : undefined;
}

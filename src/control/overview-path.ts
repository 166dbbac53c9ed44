/** Longer paths name nothing. */
const lengthMax = 512;
const segment = /^(?:([\w-]+)|"((?:[^"\\]|\\["\\])*)")(?:\.|$)/;

/** `routes."/{*rest}".waf` as its names; undefined when it is no path. */
export function readPath(text: string): readonly string[] | undefined {
  if (text === "" || text.length > lengthMax) return undefined;
  const names: string[] = [];
  let rest = text;
  while (rest !== "") {
    const match = segment.exec(rest);
    if (match === null) return undefined;
    names.push(match[1] ?? match[2]!.replace(/\\(.)/g, "$1"));
    rest = rest.slice(match[0].length);
    // Behind a dot there is another name.
    if (rest === "" && match[0].endsWith(".")) return undefined;
  }
  return names;
}

export type Picked = { readonly value: unknown } | { readonly problem: string };

/** What stands there. Items of lists go by number, or by their `name`. */
export function pick(value: unknown, names: readonly string[]): Picked {
  let at: unknown = value;
  for (const [depth, name] of names.entries()) {
    const next = childOf(at, name);
    if (next === undefined) {
      const where = depth === 0 ? "here" : `in ${names.slice(0, depth).join(".")}`;
      return { problem: `there is no ${JSON.stringify(name)} ${where}${offers(at)}` };
    }
    at = next;
  }
  return { value: at };
}

function childOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value))
    return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  if (/^\d{1,6}$/.test(name)) return value[Number(name)];
  return value.find((item: unknown) => (item as { readonly name?: unknown } | null)?.name === name);
}

/** The names that there are, as far as they fit into a line. */
function offers(value: unknown): string {
  if (typeof value !== "object" || value === null) return ", which is a value";
  const named = (item: unknown, index: number): string => {
    const name = (item as { readonly name?: unknown } | null)?.name;
    return typeof name === "string" ? name : String(index);
  };
  const names = Array.isArray(value) ? value.map(named) : Object.keys(value);
  if (names.length === 0) return ", which is empty";
  const shown = names.slice(0, 20).map((name) => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name)));
  return `; there are: ${shown.join(", ")}${names.length > shown.length ? ", …" : ""}`;
}

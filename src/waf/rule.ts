import { placeNames } from "../body/place.ts";

/** One rule as it was written, checked. Format: docs/waf-rules.md. */
export interface Rule {
  readonly id: string;
  /** Its file's class. */
  readonly class: string;
  readonly severity: Severity;
  /** Points, 1 to 20. */
  readonly score: number;
  /** Active from this sensitivity of a profile on: 1 to 4. */
  readonly sensitivity: number;
  readonly enabled: boolean;
  readonly where: Where;
  /** Kinds of detectors, one of which confirms; empty when literals do. */
  readonly detect: readonly string[];
  /** Lower-case latin-1; empty when detectors confirm. */
  readonly literals: readonly string[];
  /** RE2 syntax; "" = the literals alone confirm. */
  readonly regex: string;
  readonly caseSensitive: boolean;
  /** Not for requests that a page of the same host made, by their Referer. */
  readonly crossSite: boolean;
  /** Of rules about answers; "" = of a rule about requests. */
  readonly action: "" | LeakAction;
  readonly why: string;
  readonly see: readonly string[];
  readonly block: readonly Example[];
  readonly allow: readonly Example[];
  /** As named when it was loaded. */
  readonly file: string;
}

/**
 * What is done with an answer. `block`: it is refused while its head is held. `block_errors`: the same where its status is 500 or
 * more, else it is reported. `mask`: what was found is written over. `report`: nothing.
 */
export const leakActions = ["block", "block_errors", "mask", "report"] as const;
export type LeakAction = (typeof leakActions)[number];

export const severities = { critical: 5, error: 4, warning: 3, notice: 2 } as const;
export type Severity = keyof typeof severities;

export interface Example {
  /** An entry of `where`, "" = the rule's first place. */
  readonly in: string;
  readonly bytes: Uint8Array;
  /** For messages. */
  readonly shown: string;
}

/** Which places a rule looks at. */
export interface Where {
  /** As written. */
  readonly entries: readonly string[];
  /** Bit per kind of place: any place of these kinds. */
  readonly kinds: number;
  readonly named: readonly NamedPlace[];
}

export interface NamedPlace {
  readonly kinds: number;
  /** Lower-case. */
  readonly name: string;
  /** The name was written with a `*` at its end. */
  readonly prefix: boolean;
}

const groups: Readonly<Record<string, readonly string[]>> = {
  // All that requests have.
  "*": placeNames.filter((name) => name !== "answer"),
  // But for what browsers cut from a page.
  input: placeNames.filter((name) => name !== "answer" && name !== "json_sample"),
  args: ["query_name", "query_value", "form_", "json_", "part_", "xml_", "graphql_", "body_"],
  names: ["query_name", "cookie_name", "form_name", "json_key", "part_name", "xml_name"],
  query: ["query_"],
  cookie: ["cookie_"],
  form: ["form_"],
  json: ["json_"],
  part: ["part_"],
  xml: ["xml_"],
  graphql: ["graphql_"],
  filename: ["part_filename"],
  text: ["body_text", "body_bytes"],
  body: ["form_", "json_", "part_", "xml_", "graphql_", "body_"],
};

/** Everything that `where` may say, without names. */
export const whereWords: readonly string[] = [...Object.keys(groups), ...placeNames];

/** The kinds of place that a word of `where` stands for, as bits; 0 = there is no such word. */
export function kindsOf(word: string): number {
  const members = Object.hasOwn(groups, word) ? groups[word]! : [word];
  let bits = 0;
  for (const [kind, name] of placeNames.entries())
    if (members.some((member) => member === name || (member.endsWith("_") && name.startsWith(member))))
      bits |= 1 << kind;
  return bits;
}

/** `header:user-agent` as kinds and name; undefined when the word before the colon is unknown. */
export function parseWhereEntry(entry: string): NamedPlace | undefined {
  const colon = entry.indexOf(":");
  const kinds = kindsOf(colon < 0 ? entry : entry.slice(0, colon));
  if (kinds === 0 || colon === entry.length - 1) return undefined;
  const name = colon < 0 ? "" : entry.slice(colon + 1).toLowerCase();
  const prefix = name.endsWith("*");
  return { kinds, name: prefix ? name.slice(0, -1) : name, prefix };
}

export function buildWhere(entries: readonly string[]): Where {
  let kinds = 0;
  const named: NamedPlace[] = [];
  for (const entry of entries) {
    const place = parseWhereEntry(entry);
    if (place === undefined) continue;
    if (entry.includes(":")) named.push(place);
    else kinds |= place.kinds;
  }
  return { entries, kinds, named };
}

/** Whether a place is meant. `text` as findings print it (`header:user-agent`): after the first colon stands the name. */
export function isNamedPlace(named: NamedPlace, kind: number, text: string): boolean {
  if ((named.kinds & (1 << kind)) === 0) return false;
  const colon = text.indexOf(":");
  const name = colon < 0 ? "" : text.slice(colon + 1).toLowerCase();
  return named.prefix ? name.startsWith(named.name) : name === named.name;
}

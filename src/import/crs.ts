/** Classes of this gateway's rules that do the work of the OWASP Core Rule Set's, by the ranges of its rule ids. */

interface RuleRange {
  readonly first: number;
  readonly last: number;
  /** What the range is for, in the words of the rule set. */
  readonly about: string;
  /** Classes here; empty = no rules with an id do it here, but a check of requests or nothing. */
  readonly classes: readonly string[];
}

const ranges: readonly RuleRange[] = [
  { first: 900_000, last: 909_999, about: "settings and initialization", classes: [] },
  { first: 910_000, last: 910_999, about: "reputation of addresses", classes: [] },
  { first: 911_000, last: 911_999, about: "methods", classes: [] },
  { first: 913_000, last: 913_999, about: "scanners", classes: ["scanner"] },
  { first: 920_000, last: 920_999, about: "the protocol", classes: [] },
  { first: 921_000, last: 921_999, about: "attacks on the protocol", classes: ["crlf"] },
  { first: 922_000, last: 922_999, about: "multipart", classes: [] },
  { first: 930_000, last: 930_999, about: "local files", classes: ["lfi"] },
  { first: 931_000, last: 931_999, about: "remote files", classes: ["ssrf"] },
  { first: 932_000, last: 932_999, about: "commands", classes: ["rce"] },
  { first: 933_000, last: 933_999, about: "PHP", classes: ["php"] },
  { first: 934_000, last: 934_999, about: "Node and other code", classes: ["node", "ssrf", "ssti"] },
  { first: 941_000, last: 941_999, about: "scripts", classes: ["xss"] },
  { first: 942_000, last: 942_999, about: "SQL", classes: ["sqli", "nosql"] },
  { first: 943_000, last: 943_999, about: "sessions", classes: ["session"] },
  { first: 944_000, last: 944_999, about: "Java", classes: ["java", "lookup"] },
  { first: 949_000, last: 949_999, about: "the score of requests", classes: [] },
  { first: 950_000, last: 980_999, about: "answers", classes: [] },
];

/** The range that an id lies in; undefined: a rule of somebody's own. */
export function rangeOf(id: number): RuleRange | undefined {
  return ranges.find(({ first, last }) => id >= first && id <= last);
}

/** Tags of the rule set, as in `SecRuleRemoveByTag attack-sqli`. */
const tags: Readonly<Record<string, readonly string[]>> = {
  "attack-sqli": ["sqli", "nosql"],
  "attack-xss": ["xss"],
  "attack-rce": ["rce"],
  "attack-lfi": ["lfi"],
  "attack-rfi": ["ssrf"],
  "attack-injection-php": ["php"],
  "attack-injection-java": ["java", "lookup"],
  "attack-injection-generic": ["node", "ssti"],
  "attack-fixation": ["session"],
  "attack-reputation-scanner": ["scanner"],
};

export function classesOfTag(tag: string): readonly string[] | undefined {
  return Object.entries(tags).find(([name]) => tag.toLowerCase().includes(name))?.[1];
}

/** A variable of a rule as a place here: `ARGS:q` → `query:q` and `form:q`. Undefined: there is no such place. */
export function placesOf(variable: string): readonly string[] | undefined {
  const [collection = "", ...rest] = variable.replace(/^["']|["']$/g, "").split(":");
  const name = rest.join(":");
  // A name in slashes is an expression.
  if (/^\//.test(name) || !/^[\x21-\x7e]{0,128}$/.test(name)) return undefined;
  const named = (places: readonly string[]): readonly string[] =>
    name === "" ? places : places.map((place) => `${place}:${name.toLowerCase()}`);
  switch (collection.toUpperCase()) {
    case "ARGS":
      return name === "" ? ["args"] : [`query:${name}`, `form:${name}`, ...jsonPlaces(name)];
    case "ARGS_GET":
      return named(["query"]);
    case "ARGS_POST":
      return named(["form"]);
    case "ARGS_NAMES":
      return name === "" ? ["names"] : undefined;
    case "REQUEST_COOKIES":
      return named(["cookie"]);
    case "REQUEST_COOKIES_NAMES":
      return name === "" ? ["cookie_name"] : undefined;
    case "REQUEST_HEADERS":
      return named(["header"]);
    case "REQUEST_FILENAME":
    case "REQUEST_URI":
    case "REQUEST_BASENAME":
      return name === "" ? ["path"] : undefined;
    case "REQUEST_BODY":
      return name === "" ? ["body"] : undefined;
    case "FILES":
    case "FILES_NAMES":
      return name === "" ? ["filename"] : undefined;
    case "XML":
      return ["xml"];
    default:
      return undefined;
  }
}

/** `json.user.name` of ARGS is a value of a JSON body. */
function jsonPlaces(name: string): readonly string[] {
  return name.startsWith("json.") ? [`json:$.${name.slice("json.".length).toLowerCase()}`] : [];
}

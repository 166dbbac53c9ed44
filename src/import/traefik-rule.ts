import { literalsOf } from "./literal-regex.ts";

/** One way to match a rule of a router: everything in it must hold. */
export interface RuleBranch {
  /** Undefined: any host. */
  readonly hosts: readonly string[] | undefined;
  /** Undefined: any path. */
  readonly paths: readonly { readonly text: string; readonly isPrefix: boolean }[] | undefined;
  readonly methods: readonly string[] | undefined;
  readonly addresses: readonly string[] | undefined;
}

export type RuleReading =
  | { readonly branches: readonly RuleBranch[]; readonly sentences: readonly string[] }
  | { readonly problem: string };

interface Matcher {
  readonly name: string;
  readonly args: readonly string[];
}

const BRANCHES_MAX = 64;

/** Reads "Host(`a`) && (PathPrefix(`/x`) || Path(`/y`))" as the ways to match it. */
export function readTraefikRule(text: string): RuleReading {
  const tokens =
    text.match(/&&|\|\||[!()]|\w+\(\s*(?:(?:`[^`]*`|"(?:\\.|[^"\\])*"|'[^']*')\s*,?\s*)*\)|\S/g) ?? [];
  let at = 0;
  let problem: string | undefined;
  const fail = (why: string): readonly Matcher[][] => {
    problem ??= why;
    return [];
  };
  const either = (): readonly Matcher[][] => {
    let all = both();
    while (tokens[at] === "||") {
      at++;
      all = [...all, ...both()];
    }
    return all;
  };
  const both = (): readonly Matcher[][] => {
    let all = one();
    while (tokens[at] === "&&") {
      at++;
      const next = one();
      all = all.flatMap((left) => next.map((right) => [...left, ...right]));
      if (all.length > BRANCHES_MAX) return fail("the rule has too many ways to match");
    }
    return all;
  };
  const one = (): readonly Matcher[][] => {
    const token = tokens[at++];
    if (token === "!") return fail("`!` cannot be said here");
    if (token === "(") {
      const inner = either();
      return tokens[at++] === ")" ? inner : fail("a parenthesis is never closed");
    }
    const call = /^(\w+)\(([\s\S]*)\)$/.exec(token ?? "");
    if (call === null) return fail("this is no rule");
    const args = [...call[2]!.matchAll(/`([^`]*)`|"((?:\\.|[^"\\])*)"|'([^']*)'/g)].map(
      ([, tick, double, single]) => tick ?? double ?? single ?? "",
    );
    return [[{ name: call[1]!.toLowerCase(), args }]];
  };
  const ways = either();
  if (problem === undefined && at < tokens.length) problem = "this is no rule";
  if (problem !== undefined) return { problem };
  const sentences = new Set<string>();
  const branches: RuleBranch[] = [];
  for (const way of ways) {
    const branch = branchOf(way, sentences);
    if (typeof branch === "string") return { problem: branch };
    branches.push(branch);
  }
  return { branches, sentences: [...sentences] };
}

function branchOf(way: readonly Matcher[], sentences: Set<string>): RuleBranch | string {
  let hosts: readonly string[] | undefined;
  let paths: RuleBranch["paths"];
  let methods: readonly string[] | undefined;
  let addresses: readonly string[] | undefined;
  for (const { name, args } of way) {
    switch (name) {
      case "host":
      case "hostregexp": {
        const found = name === "host" ? args : hostsOfExpressions(args, sentences);
        if (found === undefined) return "an expression of hosts that is no list of names";
        const known: readonly string[] | undefined = hosts;
        hosts = known === undefined ? found : found.filter((host) => known.includes(host));
        break;
      }
      case "path":
      case "pathprefix":
      case "pathregexp": {
        if (paths !== undefined) return "two conditions for the path at once";
        const found = pathsOf(name, args, sentences);
        if (found === undefined) return "an expression of paths that is no list of them";
        paths = found;
        break;
      }
      case "method":
        methods = args.map((arg) => arg.toUpperCase());
        break;
      case "clientip":
        addresses = args;
        break;
      default:
        return `\`${name}\` cannot be said here, as routes know hosts, paths and methods`;
    }
  }
  return { hosts, paths, methods, addresses };
}

/** `^(a|b)\.example\.org$`, `^.+\.example\.org$`, and version 2's `{name:[a-z]+}.example.org`. */
function hostsOfExpressions(args: readonly string[], sentences: Set<string>): readonly string[] | undefined {
  const found: string[] = [];
  for (const arg of args) {
    const literals = literalsOf(arg.startsWith("^") ? arg : `^${arg}`);
    if (literals?.every(({ isPrefix }) => !isPrefix) === true) {
      found.push(...literals.map(({ text }) => text));
      continue;
    }
    const below =
      /^(?:\^?(?:\.[+*]|\[[^\]]+\][+*]|\([^()]*\))\\\.|\{\w+:[^{}]+\}\.)((?:[\w-]|\\?\.)+)\$?$/.exec(arg);
    if (below === null) return undefined;
    found.push(`*.${below[1]!.replaceAll("\\", "")}`);
    sentences.add("any name below the host is taken, at any depth");
  }
  return found;
}

function pathsOf(name: string, args: readonly string[], sentences: Set<string>): RuleBranch["paths"] {
  if (name === "pathregexp") {
    const literals = args.map((arg) => literalsOf(arg));
    if (literals.some((found) => found === undefined)) return undefined;
    const flat = literals.flatMap((found) => found!);
    for (const { text, isPrefix } of flat) if (isPrefix) sayPrefix(text, sentences);
    return flat;
  }
  // `{id}` of version 2 would be a parameter: what it stands for cannot be said in a prefix.
  if (args.some((arg) => arg.includes("{"))) return undefined;
  for (const arg of args) {
    if (name === "pathprefix") sayPrefix(arg, sentences);
    else if (!arg.endsWith("/")) sentences.add(`\`${arg}/\` is the same path here`);
  }
  return args.map((text) => ({ text, isPrefix: name === "pathprefix" }));
}

function sayPrefix(text: string, sentences: Set<string>): void {
  if (text === "/" || text === "") return;
  sentences.add(
    text.endsWith("/")
      ? `\`${text.slice(0, -1)}\` is part of it here`
      : `\`${text}-more\` is another path here: a prefix ends at a \`/\``,
  );
}

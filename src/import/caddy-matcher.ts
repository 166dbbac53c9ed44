import { readCidr, readHostName } from "../config/address.ts";
import type { Segment } from "./caddyfile-syntax.ts";
import { literalsOf } from "./literal-regex.ts";

/** What a matcher takes: all of it must hold. */
export interface CaddyMatcher {
  /** Undefined: any path. */
  readonly paths: readonly { readonly text: string; readonly isPrefix: boolean }[] | undefined;
  readonly methods: readonly string[] | undefined;
  /** Undefined: any host. */
  readonly hosts: readonly string[] | undefined;
  /** Addresses that it takes, or with `not` that it does not. */
  readonly addresses: { readonly isNot: boolean; readonly cidrs: readonly string[] } | undefined;
  readonly sentences: readonly string[];
}

export const everything: CaddyMatcher = {
  paths: undefined,
  methods: undefined,
  hosts: undefined,
  addresses: undefined,
  sentences: [],
};

/** A definition `@name ...`, or why it cannot be said here. */
export function readMatcher(definition: Segment): CaddyMatcher | { readonly problem: string } {
  const parts: readonly {
    readonly name: string;
    readonly args: readonly string[];
    readonly block: readonly Segment[] | undefined;
  }[] =
    definition.args.length > 0
      ? [{ name: definition.args[0]!, args: definition.args.slice(1), block: definition.block }]
      : (definition.block ?? []);
  let matcher = everything;
  for (const part of parts) {
    const next = readPart(part.name, part.args, part.block);
    if ("problem" in next) return next;
    const clash = (["paths", "methods", "hosts", "addresses"] as const).find(
      (key) => matcher[key] !== undefined && next[key] !== undefined,
    );
    if (clash !== undefined) return { problem: `two conditions for ${clash} at once` };
    matcher = {
      paths: matcher.paths ?? next.paths,
      methods: matcher.methods ?? next.methods,
      hosts: matcher.hosts ?? next.hosts,
      addresses: matcher.addresses ?? next.addresses,
      sentences: [...matcher.sentences, ...next.sentences],
    };
  }
  return matcher;
}

function readPart(
  name: string,
  args: readonly string[],
  block: readonly Segment[] | undefined,
): CaddyMatcher | { readonly problem: string } {
  switch (name) {
    case "path":
      return pathMatcher(args);
    case "path_regexp": {
      const literals = literalsOf(args.at(-1) ?? "");
      return literals === undefined
        ? { problem: "an expression that is no list of paths" }
        : { ...everything, paths: literals };
    }
    case "method":
      return { ...everything, methods: args.map((arg) => arg.toUpperCase()) };
    case "host":
      return args.every((arg) => "value" in readHostName(arg, true))
        ? { ...everything, hosts: args.map((arg) => arg.toLowerCase()) }
        : { problem: "a host that cannot be said here" };
    case "remote_ip":
    case "client_ip": {
      const cidrs = args
        .filter((arg) => arg !== "forwarded")
        .flatMap((arg) => (arg === "private_ranges" ? privateRanges : [arg]));
      const readings = cidrs.map((cidr) => readCidr(cidr));
      const good = readings.flatMap((reading) =>
        "value" in reading ? [reading.value] : (reading.suggestion ?? []),
      );
      return good.length === cidrs.length && good.length > 0
        ? { ...everything, addresses: { isNot: false, cidrs: good } }
        : { problem: "addresses that cannot be read" };
    }
    case "not": {
      const inner =
        args.length > 0
          ? readPart(args[0]!, args.slice(1), block)
          : block?.length === 1
            ? readPart(block[0]!.name, block[0]!.args, block[0]!.block)
            : undefined;
      if (inner === undefined || "problem" in inner || inner.addresses === undefined)
        return { problem: "`not` is said of addresses only" };
      return { ...inner, addresses: { ...inner.addresses, isNot: !inner.addresses.isNot } };
    }
    default:
      return { problem: `\`${name}\` cannot be said here` };
  }
}

/** `/x` is that path alone, `/x*` and `/x/*` are prefixes. */
export function pathMatcher(args: readonly string[]): CaddyMatcher | { readonly problem: string } {
  const sentences: string[] = [];
  const paths: { text: string; isPrefix: boolean }[] = [];
  for (const arg of args) {
    if (!arg.startsWith("/") || arg.slice(0, -1).includes("*"))
      return { problem: `\`${arg}\` cannot be a path here` };
    if (!arg.endsWith("*")) {
      paths.push({ text: arg, isPrefix: false });
      if (!arg.endsWith("/")) sentences.push(`\`${arg}/\` is the same path here`);
      continue;
    }
    const text = arg.slice(0, -1);
    paths.push({ text, isPrefix: true });
    if (text === "/") continue;
    sentences.push(
      text.endsWith("/")
        ? `\`${text.slice(0, -1)}\` is part of it here`
        : `\`${text}-more\` is another path here: a prefix ends at a \`/\``,
    );
  }
  return { ...everything, paths, sentences };
}

const privateRanges: readonly string[] = [
  "192.168.0.0/16",
  "172.16.0.0/12",
  "10.0.0.0/8",
  "127.0.0.0/8",
  "fd00::/8",
  "::1/128",
];

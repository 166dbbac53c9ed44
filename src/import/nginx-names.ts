import { readHostName } from "../config/address.ts";
import { literalsOf } from "./literal-regex.ts";
import type { Directive } from "./nginx-syntax.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

export interface ServerNames {
  readonly hosts: readonly string[];
  readonly outcome: Outcome;
}

/** `server_name` as hosts of routes. */
export function readServerNames(directive: Directive): ServerNames {
  const hosts: string[] = [];
  const lost: string[] = [];
  for (const arg of directive.args) {
    const found = hostsOf(arg);
    if (found === undefined) lost.push(arg);
    else hosts.push(...found);
  }
  const unique = [...new Set(hosts)];
  if (lost.length > 0)
    return {
      hosts: unique,
      outcome: needsYou(`${lost.join(", ")} cannot be said here: \`hosts\` are names and *.names`),
    };
  return directive.args.some((arg) => arg.startsWith("~"))
    ? { hosts: unique, outcome: differs(`the names that the expression stands for: ${unique.join(", ")}`) }
    : { hosts: unique, outcome: translated("`hosts`") };
}

function hostsOf(name: string): readonly string[] | undefined {
  // No name, or one that no client sends: only the default server answers to it.
  if (name === "" || name === "_" || name === "$hostname") return [];
  if (name.startsWith("~")) {
    const literals = literalsOf(name.slice(1));
    if (literals?.every(({ isPrefix }) => !isPrefix) !== true) return undefined;
    const hosts = literals.map(({ text }) => text);
    return hosts.every(isHost) ? hosts : undefined;
  }
  if (name.startsWith(".")) return isHost(name.slice(1)) ? [name.slice(1), `*${name}`] : undefined;
  return isHost(name) ? [name.toLowerCase()] : undefined;
}

function isHost(name: string): boolean {
  return "value" in readHostName(name, true);
}

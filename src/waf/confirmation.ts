import { RE2JS } from "re2js";

/** How a rule without a detector confirms; for whoever reads rules and whoever compiles them. Workers load no TOML. */

/** One compiled regex; the flags are the same wherever it is used. Throws RE2JSException. */
export function compileRegex(regex: string, caseSensitive: boolean): RE2JS {
  return RE2JS.compile(regex, RE2JS.DOTALL | (caseSensitive ? 0 : RE2JS.CASE_INSENSITIVE));
}

/** The longest part of a literal between spaces: what the automaton looks for, whatever the white space around it is. */
export function longestWord(literal: string): string {
  return literal.split(" ").reduce((longest, word) => (word.length > longest.length ? word : longest), "");
}

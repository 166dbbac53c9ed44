import type { Detector, Subject } from "../detection.ts";
import { detectorsOf, type LinearPattern } from "./linear-pattern.ts";
import { isManyLines } from "./shell-script.ts";

/** JavaScript that runs on the server: modules that start processes, sandbox escapes, prototype pollution, node-serialize. */

const PATTERNS: readonly LinearPattern[] = [
  {
    kind: "node.process_module",
    needs: [
      "child_process",
      "worker_threads",
      "cluster",
      "inspector",
      "'repl",
      '"repl',
      "`repl",
      "'vm",
      '"vm',
      "`vm",
      ":vm",
      ":repl",
      "process_wrap",
      "spawn_sync",
    ],
    // A chained call is an expression that was smuggled in; `const cp = require('child_process')` alone is a program.
    pattern:
      /(?:require|import|getbuiltinmodule|_load|binding)\s{0,8}\(\s{0,8}["'`](?:node:)?(?:child_process|worker_threads|cluster|inspector|repl|vm|process_wrap|spawn_sync)["'`]\s{0,8}\)\s{0,8}(?:\.|\[|\)\s{0,4}\.)/g,
    accept: (match, subject) => match[0].includes("child_process") || isNoProgram(match, subject),
  },
  {
    kind: "node.file_module",
    needs: [
      "'fs",
      '"fs',
      "`fs",
      "node:",
      "'net'",
      "'http'",
      "'https'",
      "'dns'",
      "'os'",
      '"net"',
      '"http"',
      '"https"',
      '"dns"',
      '"os"',
    ],
    pattern:
      /(?:require|import|getbuiltinmodule|_load)\s{0,8}\(\s{0,8}["'`](?:node:)?(?:fs|fs\/promises|net|http|https|dns|os)["'`]\s{0,8}\)\s{0,8}\.\s{0,4}(?:promises\s{0,4}\.\s{0,4})?(?:readfile|readfilesync|readdir|readdirsync|writefile|writefilesync|createreadstream|appendfile|appendfilesync|unlink|unlinksync|get|request|createconnection|connect|networkinterfaces|userinfo|hostname|createserver|lookup|resolve\w{0,4})\b|\bimport\s{0,4}\(\s{0,4}["'`](?:node:)?(?:fs|child_process|net|http|os)(?:\/promises)?["'`]\s{0,4}\)\s{0,4}\.\s{0,4}then\s{0,4}\(/g,
    accept: isNoProgram,
  },
  {
    kind: "node.process_object",
    needs: [
      "mainmodule",
      "binding",
      "dlopen",
      "reallyexit",
      "process.exit",
      "process.abort",
      "constructor._",
      "process.kill",
      "process?.kill",
      "process[",
      "global",
      "module.constructor",
    ],
    pattern:
      /(?:process\s{0,4}(?:\.|\?\.|\[\s{0,4}["'`])\s{0,4}(?:(?:mainmodule|_linkedbinding|reallyexit)\b(?=[\s"'\]]{0,4}(?:[.([?};)]|$))|(?:binding|dlopen|kill)["'\]]{0,2}\s{0,4}\()|global(?:this)?\s{0,4}(?:\.|\[\s{0,4}["'`])\s{0,4}process\s{0,4}["'`]?\s{0,4}\]?\s{0,4}(?:\.|\[)|\bconstructor\s{0,4}\.\s{0,4}_load\b|^[\s;'")]{0,6}process\s{0,2}\.\s{0,2}(?:exit|abort|kill)\s{0,2}\([^()]{0,40}\)\s{0,2};?\s{0,2}$)/g,
  },
  {
    kind: "node.command_call",
    needs: ["execsync", "spawn", "execfile"],
    pattern:
      /(?:^|[.;,(=\s!+])(?:execsync|spawnsync|execfilesync|execfile|spawn)\s{0,8}\(\s{0,8}["'`](?:\/(?:usr\/)?bin\/\w{1,20}|[a-z]:\\\w{1,20}|cat|ls|id|whoami|uname|pwd|ping|curl|wget|nc|bash|sh|cmd|powershell|node|python|perl|sleep|nslookup|touch|rm|echo|env|calc)[\s"'`/.\\-]/g,
  },
  {
    // A module's object that only a server has, used at the beginning of the value.
    kind: "node.command_call",
    needs: ["child_process.", "child_process .", "vm.runin", "vm.compile"],
    pattern:
      /^[\s;'"){}]{0,8}(?:child_process\s{0,2}\.\s{0,2}(?:exec|spawn|fork)\w{0,10}|vm\s{0,2}\.\s{0,2}(?:run\w{4,16}|compilefunction))\s{0,4}\(/g,
  },
  {
    kind: "node.sandbox_escape",
    needs: ["return process", "return global", "return require", "return import", "return this.p"],
    pattern:
      /\b(?:function|constructor)\s{0,4}\(\s{0,4}["'`]\s{0,4}return\s{1,4}(?:process|global(?:this)?\.|require|import|this\.process)\b/g,
  },
  {
    kind: "node.serialized_function",
    needs: ["_$$nd_func$$_"],
    pattern: /_\$\$nd_func\$\$_/g,
  },
  {
    kind: "node.sandbox_escape",
    needs: ["constructor"],
    pattern:
      /(?:\bthis\s{0,4}\.\s{0,4}|\)\s{0,4}\.\s{0,4}|["'`\]]\s{0,4}\.\s{0,4}|\b[a-z_$][\w$]{0,20}\s{0,4}\.\s{0,4})constructor\s{0,4}\.\s{0,4}constructor\s{0,4}(?:\(|$)|\["constructor"\]\s{0,4}\["constructor"\]|\['constructor'\]\s{0,4}\['constructor'\]/g,
  },
  {
    kind: "node.prototype_pollution",
    needs: ["__proto__", "prototype"],
    pattern:
      /(?:^|[[."'{,?&\s;])__proto__(?:["'\]]{0,2}\s{0,4}[[.:]|["'\]]{1,2}|$)|constructor(?:\]?\[|\.|["']\]\[["'])prototype(?:\]?\[|\.|\]|["']\])|constructor["']\s{0,4}:\s{0,4}\{\s{0,4}["']prototype["']/g,
    accept: (match, subject) => !isProseAbout(subject.lower, match.index + match[0].length),
  },
  {
    kind: "node.code_from_bytes",
    needs: [
      "eval(",
      "eval (",
      "function(b",
      "function(a",
      "function(s",
      "function(r",
      "function(p",
      "function(n",
      "function (b",
    ],
    pattern:
      /\b(?:eval|function)\s{0,8}\(\s{0,8}(?:new\s{1,4})?(?:buffer(?:\.from)?\s{0,4}\(|atob\s{0,4}\(|string\.fromcharcode\s{0,4}\(|require\s{0,4}\(|process\.)/g,
  },
  {
    kind: "node.endless_loop",
    needs: ["for(;", "for (;", "for( ;", "for ( ;"],
    pattern: /\bfor\s{0,2}\(\s{0,2};\s{0,2};\s{0,2}\)\s{0,2}(?:;|\{\s{0,4}\})/g,
  },
  {
    kind: "node.endless_loop",
    needs: ["while(", "while ("],
    pattern:
      /\bwhile\s{0,4}\(([^()a-z]{1,12}|!{0,8}(?:true|false|null|undefined|nan))\)\s{0,4}(?:;|\{\s{0,4}\}|$)/g,
    accept: (match) => isAlwaysTrue(match[1]!),
  },
];

const KINDS = {
  "node.process_module":
    "a module that starts processes or evaluates code is loaded and used in one expression",
  "node.file_module": "the file or network module is loaded and called in one expression",
  "node.process_object": "internals of the process object that lead to native modules",
  "node.command_call": "a call that starts a command with its text",
  "node.serialized_function": "a function in node-serialize's format, run when it is read",
  "node.sandbox_escape": "constructor.constructor: the way from any object to code",
  "node.prototype_pollution": "a key that writes into the prototype of all objects",
  "node.code_from_bytes": "code decoded from bytes or base64 and evaluated",
  "node.endless_loop": "a loop without body and without end",
} as const;

export const node: readonly Detector[] = detectorsOf(KINDS, PATTERNS);

/** Programs of several lines load modules and use them in one line where they like. */
function isNoProgram(match: RegExpExecArray, { lower }: Subject): boolean {
  return match.index <= 8 || !isManyLines(lower);
}

/** "the __proto__. property": a word follows after a space, so somebody writes about it. */
function isProseAbout(lower: string, end: number): boolean {
  return lower.charCodeAt(end) === 0x20 && /^ [a-z]{2,20}[ ,.]/.test(lower.slice(end, end + 24));
}

/** Truth of a constant in JavaScript: `!![]`, `!-0`, `1`, `'x'`. */
function isAlwaysTrue(expression: string): boolean {
  const text = expression.trim();
  let negations = 0;
  while (text[negations] === "!") negations++;
  const atom = text.slice(negations).trim();
  if (atom === "") return false;
  const truth = !/^(?:[-+\s]{0,6}0?|""|''|``|false|null|undefined|nan)$/.test(atom);
  // An unquoted comparison or expression is not a constant.
  if (
    !/^(?:[-+\s]{0,6}[\d.]{1,8}|\[[^\]]{0,8}\]|\{\}|["'`][^"'`]{0,8}["'`]|true|false|null|undefined|nan)$/.test(
      atom,
    )
  )
    return false;
  return negations % 2 === 0 ? truth : !truth;
}

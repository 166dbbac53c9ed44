import type { Token } from "./javascript-token.ts";

/** What counts as "runs script" among tokens. JavaScript is case-sensitive, so the names are compared as they are. */

/** Functions that tests for script injection call to show that it ran. */
export const DIALOGS = new Set(["alert", "confirm", "prompt"]);

/** Functions that run text or send it away. */
export const RUNNERS = new Set([
  "eval", "Function", "execScript", "setTimeout", "setInterval", "setImmediate", "fetch", "import", "print", "atob", "unescape",
  "XMLHttpRequest", "WebSocket", "EventSource", "importScripts", "require", "$", "jQuery", "getScript", "globalEval", "Image",
  "open", "write", "writeln", "sendBeacon", "postMessage", "msgbox", "btoa", "String", "Object", "Reflect", "Array",
]); // biome-ignore format: a list

const GLOBALS = new Set([
  "window",
  "self",
  "top",
  "parent",
  "globalThis",
  "frames",
  "this",
  "document",
  "opener",
]);

/** Members whose use after a break-out is an attack, and whose computed spelling hides them. */
export const HOT_MEMBERS = new Set([
  "alert", "confirm", "prompt", "eval", "Function", "execScript", "setTimeout", "setInterval", "fetch", "cookie", "domain",
  "location", "document", "write", "writeln", "globalEval", "constructor", "atob", "innerHTML", "outerHTML", "getScript", "$",
  "localStorage", "sessionStorage", "onerror", "name", "fromCharCode", "createElement", "body", "appendChild", "referrer",
  "href", "hash", "cookies", "documentElement", "open",
]); // biome-ignore format: a list

/** Whether tokens from `at` call something: `(`, `?.(`, a template, `.call(`, after closing brackets `)(`. */
export function isCalled(tokens: readonly Token[], at: number): boolean {
  let index = at;
  for (let closed = 0; closed < 4 && isMark(tokens[index], ")"); closed += 1) index += 1;
  if (isMark(tokens[index], "?.")) index += 1;
  const next = tokens[index];
  if (next === undefined) return false;
  if (next.type === "template") return true;
  if (isMark(next, "(")) return true;
  if (isMark(next, ".") || tokens[index - 1]?.value === "?.") {
    const name = isMark(next, ".") ? tokens[index + 1] : next;
    return (
      name?.type === "name" &&
      /^(?:call|apply|bind|constructor|name|source|toString|replace)$/.test(name.value)
    );
  }
  return false;
}

/** Whether the name at `index` is called, passed as an argument or assigned: `alert(1)`, `some(alert)`, `x=alert`. */
export function isSunk(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index]!;
  const before = tokens[index - 1];
  if (isMark(before, ".") && !GLOBALS.has(tokens[index - 2]?.value ?? "")) {
    return token.value === "constructor" || token.value === "fromCharCode";
  }
  if (isCalled(tokens, index + 1)) return true;
  const after = tokens[index + 1];
  if (isMark(before, "=") || isMark(before, "(") || isMark(before, ",")) {
    return after === undefined || (after.type === "mark" && /[;,)}\]&|]/.test(after.value));
  }
  return false;
}

/**
 * The member that `window["al"+"ert"]` and the like name, from the `[` at `at`: string literals, joined, up to `]`.
 * Undefined when something else stands there.
 */
export function computedMember(
  tokens: readonly Token[],
  at: number,
): { name: string; joined: boolean } | undefined {
  if (!isMark(tokens[at], "[")) return undefined;
  let name = "";
  let parts = 0;
  for (let index = at + 1; index < tokens.length && parts < 32; index += 1) {
    const token = tokens[index]!;
    if (
      token.type === "string" ||
      token.type === "template" ||
      (token.type === "regex" && isMark(tokens[index + 1], "."))
    ) {
      name += token.value;
      parts += 1;
      if (token.type === "regex") index += 2;
    } else if (isMark(token, "]")) {
      return parts === 0 ? undefined : { name, joined: parts > 1 };
    } else if (!isMark(token, "+")) {
      return undefined;
    }
  }
  return undefined;
}

export function isGlobal(token: Token | undefined): boolean {
  return token?.type === "name" && GLOBALS.has(token.value);
}

export function isMark(token: Token | undefined, value: string): boolean {
  return token !== undefined && token.type === "mark" && token.value === value;
}

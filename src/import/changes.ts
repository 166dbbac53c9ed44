import { z } from "zod";
import { createFindings } from "../config/finding.ts";
import type { RouteInput } from "../config/schema.ts";
import { readTransform } from "../config/transform.ts";
import { transformKeys } from "../config/transform-schema.ts";
import { parseRules } from "../waf/parse-rules.ts";
import type { Keys, Value } from "./draft.ts";

/** What a route changes in requests and answers: put in only where the gateway takes it. */

/** Who answers instead of an upstream. */
export function answersItself(keys: Readonly<Keys>): boolean {
  return keys["redirect"] !== undefined || keys["respond"] !== undefined || keys["mode"] === "static";
}

/** Adds `[route.rewrite]`, `[route.redirect]` or `[route.respond]`; false: the gateway would refuse it, or has one. */
export function addChange(
  route: Keys,
  name: "rewrite" | "redirect" | "respond",
  keys: Readonly<Keys>,
): boolean {
  const before = route[name] as Readonly<Keys> | undefined;
  // A path is rewritten once; the Host that goes with it is another matter.
  if (before !== undefined && ![before, keys].some((one) => Object.keys(one).join() === "host")) return false;
  const all = { ...before, ...keys };
  if (!isTaken({ [name]: all })) return false;
  route[name] = all;
  return true;
}

type Edit = "set" | "add" | "default";

/** Adds a line of `[route.request_headers]` or `[route.response_headers]`; false: the gateway would refuse it. */
export function addField(
  route: Keys,
  whose: "request_headers" | "response_headers",
  how: Edit,
  name: string,
  template: string,
): boolean {
  const edits = (route[whose] ?? {}) as Readonly<Record<string, Readonly<Record<string, Value>>>>;
  const lines = edits[how] ?? {};
  const isThere = Object.keys(lines).some((key) => key.toLowerCase() === name.toLowerCase());
  if (isThere || !isTaken({ [whose]: { [how]: { [name]: template } } })) return false;
  route[whose] = { ...edits, [how]: { ...lines, [name]: template } };
  return true;
}

/** Sets a field, whatever was set before; false: the gateway would refuse it. */
export function replaceField(
  route: Keys,
  whose: "request_headers" | "response_headers",
  name: string,
  template: string,
): boolean {
  const edits = route[whose] as Readonly<Record<string, Readonly<Record<string, Value>>>> | undefined;
  const others = Object.entries(edits?.["set"] ?? {}).filter(
    ([key]) => key.toLowerCase() !== name.toLowerCase(),
  );
  const scratch: Keys = { [whose]: { ...edits, set: Object.fromEntries(others) } };
  if (!addField(scratch, whose, "set", name, template)) return false;
  route[whose] = scratch[whose]!;
  return true;
}

/** Adds a name to `remove`; false: the gateway would refuse it. */
export function removeField(
  route: Keys,
  whose: "request_headers" | "response_headers",
  name: string,
): boolean {
  if (!isTaken({ [whose]: { remove: [name] } })) return false;
  const edits = (route[whose] ?? {}) as Readonly<Record<string, Value>>;
  const before = Array.isArray(edits["remove"]) ? (edits["remove"] as readonly string[]) : [];
  route[whose] = { ...edits, remove: [...new Set([...before, name])] };
  return true;
}

const schema = z.object(transformKeys);

/** Asks the check that `zion check` does. */
function isTaken(keys: Readonly<Keys>): boolean {
  const read = schema.safeParse(keys);
  if (!read.success) return false;
  const findings = createFindings();
  const route = { path: "/{*rest}", ...read.data } as RouteInput;
  readTransform(["route"], "a route", route, new Map(), {
    findings,
    files: { readFile: () => new Uint8Array() },
    directory: "",
    now: () => 0,
    environment: () => undefined,
    builtinRules: () => [],
    readRules: parseRules,
  });
  return findings.list.length === 0;
}

/** Literal text in a template. */
export function literal(text: string): string {
  return text.replace(/[{}]/g, (brace) => brace + brace);
}

/** A prefix taken off and another one put in front: `/api/` → `/v2/`. Undefined: their ends do not fit together. */
export function prefixChange(from: string, to: string): Keys | undefined {
  if (from.endsWith("/") !== to.endsWith("/")) return undefined;
  const keys: Keys = {};
  const strip = from.replace(/\/$/, "");
  const add = to.replace(/\/$/, "");
  if (strip !== "") keys["strip_prefix"] = strip;
  if (add !== "") keys["add_prefix"] = add;
  return keys;
}

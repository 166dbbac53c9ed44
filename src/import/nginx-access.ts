import { readCidr } from "../config/address.ts";
import type { Place } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

type Action = "allow" | "deny";

interface AccessRule {
  readonly action: Action;
  readonly who: string;
}

/** `allow` and `deny` in their order, the first that fits decides, as lists: exempt, deny, allow. */
export function translateAccess(directives: readonly Directive[], place: Place): Outcome {
  const rules = directives.map(({ name, args }) => ({ action: name as Action, who: args[0] ?? "" }));
  const satisfy = place.scope.directives.find(({ name, args }) => name === "satisfy" && args[0] === "any");
  if (satisfy !== undefined) return closeFor(place, "`satisfy any` lets in by address or by password");
  const open = addAccessLists(rules, place);
  return open === undefined ? translated("lists of addresses") : closeFor(place, open);
}

function closeFor(place: Place, why: string): Outcome {
  place.closed.push(why);
  return needsYou(`${why}: the route is closed`);
}

/** Adds lists that act as the rules do. Returns why it cannot be done. */
function addAccessLists(
  rules: readonly AccessRule[],
  place: Pick<Place, "lists" | "closed" | "nginx">,
): string | undefined {
  const { draft } = place.nginx;
  const ends = rules.findIndex(({ who }) => who === "all");
  const last = ends < 0 ? undefined : rules[ends]!.action;
  const listed = ends < 0 ? rules : rules.slice(0, ends);
  for (const { who } of listed)
    if (!("value" in readCidr(whole(who)))) return `\`${who}\` is no address or block of addresses`;
  const groups: { action: Action; who: string[] }[] = [];
  for (const { action, who } of listed) {
    const group = groups.at(-1);
    if (group?.action === action) group.who.push(whole(who));
    else groups.push({ action, who: [whole(who)] });
  }
  const name = (action: string, cidrs: readonly string[]): string =>
    draft.name("list", action === "deny" ? "denied" : action === "exempt" ? "trusted" : "allowed", {
      action,
      cidrs: [...new Set(cidrs)],
    });
  // With `deny all` the last group of `allow` lets in; one before a `deny` makes exceptions from it.
  const first = groups[0];
  if (last === "deny") {
    if (groups.length === 0) {
      place.closed.push("deny all");
      return undefined;
    }
    const lets = groups.at(-1)!.action === "allow" ? groups.pop()! : undefined;
    if (lets === undefined) return "a `deny` directly before `deny all`";
    const shape = groups.map(({ action }) => action).join(" ");
    if (shape !== "" && shape !== "deny" && shape !== "allow deny")
      return "`allow` and `deny` take turns more than once";
    if (shape === "allow deny") place.lists.push(name("exempt", groups[0]!.who));
    if (shape !== "") place.lists.push(name("deny", groups.at(-1)!.who));
    place.lists.push(name("allow", lets.who));
    return undefined;
  }
  // Without it everybody else comes in: the `allow` at the end says nothing.
  if (groups.at(-1)?.action === "allow") groups.pop();
  const shape = groups.map(({ action }) => action).join(" ");
  if (shape === "") return undefined;
  if (shape !== "deny" && shape !== "allow deny") return "`allow` and `deny` take turns more than once";
  if (shape === "allow deny") place.lists.push(name("exempt", first!.who));
  place.lists.push(name("deny", groups.at(-1)!.who));
  return undefined;
}

/** nginx masks host bits away by itself; here a block with host bits is a mistake. */
function whole(who: string): string {
  const reading = readCidr(who);
  return "value" in reading ? reading.value : (reading.suggestion ?? who);
}

/** `limit_except GET POST { deny all; }`: other methods are refused. */
export function translateLimitExcept(directive: Directive, place: Place): Outcome {
  const methods = directive.args.map((arg) => arg.toUpperCase());
  const served = methods.filter((method) => /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/.test(method));
  const inner = (directive.block ?? []).map(({ name, args }) => `${name} ${args.join(" ")}`).join("; ");
  if (inner !== "deny all" || served.length === 0) {
    const why = "methods with access rules of their own";
    place.closed.push(why);
    return needsYou(`${why}: the route is closed`);
  }
  place.methods = served;
  return served.length === methods.length
    ? translated("`methods`")
    : differs("`methods`, but for those that this gateway never serves");
}

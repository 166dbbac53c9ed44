import { wordsOf } from "./literal-regex.ts";
import { httpsRedirect } from "./nginx-redirect.ts";
import type { Place } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";
import { differs, needsYou, type Outcome } from "./verdict.ts";

const served: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * `if (...) { return ...; }`: refused User-Agents and methods. What refuses and cannot be said closes the place; what
 * does anything else needs somebody.
 */
export function translateIf(directive: Directive, place: Place): Outcome {
  const condition = directive.args.join(" ").replace(/^\(\s*|\s*\)$/g, "");
  const block = directive.block ?? [];
  const only = block.length === 1 ? block[0]! : undefined;
  if (only !== undefined && httpsRedirect(only) !== undefined)
    return differs('plain requests are redirected by `http_mode = "redirect"`, for all names');
  const status = only?.name === "return" ? (only.args[0] ?? "") : "";
  if (!/^4\d\d$/.test(status))
    return needsYou("conditions are not known here: what it changes stays as it is without it");
  const translated = refuseAgents(condition, status, place) ?? refuseMethods(condition, status, place);
  if (translated !== undefined) return translated;
  place.closed.push(`if (${condition}) return ${status}`);
  return needsYou("it refuses requests by something that cannot be said here: the route is closed");
}

function refuseAgents(condition: string, status: string, place: Place): Outcome | undefined {
  const match = /^\$http_user_agent ~\*? (.+)$/.exec(condition);
  const words = match === null ? undefined : wordsOf(match[1]!.replace(/^["']|["']$/g, ""));
  // A list takes parts of 3 to 256 characters.
  if (words?.every((word) => word.length >= 3 && word.length <= 256) !== true) return undefined;
  place.lists.push(place.nginx.draft.name("list", "user-agents", { action: "deny", user_agents: words }));
  return differs(
    `a list of User-Agents, in any case; the answer is 403${status === "403" ? "" : `, not ${status}`}`,
  );
}

function refuseMethods(condition: string, status: string, place: Place): Outcome | undefined {
  const match = /^\$request_method (!~\*?|~\*?|!=|=) (.+)$/.exec(condition);
  if (match === null) return undefined;
  const words = wordsOf(match[2]!.replace(/^["']|["']$/g, "").replace(/^\^?\(?|\)?\$?$/g, ""));
  if (words === undefined) return undefined;
  const named = words.map((word) => word.toUpperCase());
  const methods = match[1]!.startsWith("!")
    ? served.filter((method) => named.includes(method))
    : served.filter((method) => !named.includes(method));
  if (methods.length === 0 || methods.length === served.length) {
    return methods.length === 0 ? undefined : differs("methods that this gateway never serves: 405 or 501");
  }
  place.methods =
    place.methods === undefined ? methods : place.methods.filter((method) => methods.includes(method));
  return differs(`\`methods\`; others are refused with 403${status === "403" ? "" : `, not ${status}`}`);
}

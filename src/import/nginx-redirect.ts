import type { Scope } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";
import { differs, type Outcome, translated } from "./verdict.ts";

/** What sends plain requests to https with the same host and path, as `http_mode = "redirect"` does. */
export function httpsRedirect(directive: Directive): Outcome | undefined {
  const target = redirectTarget(directive);
  if (target === undefined) return undefined;
  const match = /^https:\/\/([^/$]+|\$\{?\w+\}?)(?::443)?(\$request_uri|\$uri|\/?\$1|\/)?\??$/.exec(
    target.url,
  );
  if (match === null || (match[2] ?? "/") === "/") return undefined;
  const host = match[1]!;
  const sentences: string[] = [];
  if (target.status !== "301") sentences.push(`301 here (308 for methods with bodies), not ${target.status}`);
  if (!host.startsWith("$")) sentences.push(`to the client's own Host first, not to ${host}`);
  return sentences.length === 0
    ? translated('`http_mode = "redirect"`: 301, and 308 for methods other than GET and HEAD')
    : differs(sentences.join("; "));
}

function redirectTarget({
  name,
  args,
}: Directive): { readonly status: string; readonly url: string } | undefined {
  if (name === "return") {
    if (args.length === 1 && /^https?:/.test(args[0]!)) return { status: "302", url: args[0]! };
    return /^30[1278]$/.test(args[0] ?? "") && args.length === 2
      ? { status: args[0]!, url: args[1]! }
      : undefined;
  }
  if (name !== "rewrite" || !/^\^(?:\/?\(\.\*\)\$?|\.\*\$?|\/)?$|^\(\.\*\)$/.test(args[0] ?? ""))
    return undefined;
  const status = args[2] === "permanent" ? "301" : "302";
  return /^https:/.test(args[1] ?? "") ? { status, url: args[1]! } : undefined;
}

/** The directive that makes a whole server send its clients to https, wherever it stands. */
export function redirectOf(server: Scope): Directive | undefined {
  for (const directive of server.directives) {
    if (httpsRedirect(directive) !== undefined) return directive;
    const inner = directive.block?.find((one) => httpsRedirect(one) !== undefined);
    if (inner === undefined) continue;
    if (directive.name === "if" && /^\(\$(?:host|scheme|https|server_port)$/.test(directive.args[0] ?? ""))
      return inner;
    if (directive.name === "location" && directive.args.at(-1) === "/") return inner;
  }
  return undefined;
}

import type { CaddyPlace, CaddyStep } from "./caddy-place.ts";
import { caddyTemplate } from "./caddy-template.ts";
import { addChange, addField, removeField, replaceField } from "./changes.ts";
import type { Keys } from "./draft.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** `redir TO [CODE]`; undefined: it cannot be said. */
export function translateRedir(
  { args: [to = "", code = "302"] }: CaddyStep,
  { route }: CaddyPlace,
): Outcome | undefined {
  const status = code === "permanent" ? 301 : code === "temporary" ? 302 : Number(code);
  const template = caddyTemplate(to)?.replace(/^\{scheme\}:\/\/\{host\}(?=[/{])/, "");
  if (template === undefined || !addChange(route, "redirect", { to: template, status })) return undefined;
  return translated("[route.redirect]");
}

/** `respond [BODY] [CODE]`; undefined: it cannot be said. */
export function translateRespond({ args, segment }: CaddyStep, { route }: CaddyPlace): Outcome | undefined {
  if (segment.block !== undefined) return undefined;
  const last = args.at(-1) ?? "";
  const hasStatus = /^[1-5]\d\d$/.test(last);
  const body = (hasStatus ? args.slice(0, -1) : args).join(" ");
  if (/[{}]/.test(body) || args.length > 2) return undefined;
  const keys: Keys = { status: hasStatus ? Number(last) : 200 };
  if (body !== "") keys["body"] = body;
  if (!addChange(route, "respond", keys)) return undefined;
  return body === "" ? translated("[route.respond]") : differs("[route.respond], as text/plain");
}

/** `file_server`, for the `root` that was set before; undefined: it cannot be said. */
export function translateFileServer(
  { args, segment, matcher }: CaddyStep,
  { route }: CaddyPlace,
): Outcome | undefined {
  const others = matcher?.methods?.some((method) => method !== "GET" && method !== "HEAD") === true;
  if (args.length > 0 || segment.block !== undefined || others || route["serve_dir"] === undefined)
    return undefined;
  route["mode"] = "static";
  // There is nobody who would get them.
  delete route["request_headers"];
  return differs("`serve_dir`: hidden files are not served, and links must not lead out of it");
}

/** `header`, `request_header`, `header_up` and `header_down`: one line, or a block of them. */
export function translateFields(
  lines: readonly { readonly words: readonly string[]; readonly decide: (outcome: Outcome) => void }[],
  whose: "request_headers" | "response_headers",
  route: Keys,
): Outcome {
  let worst = translated(`\`${whose}\``);
  for (const { words, decide } of lines) {
    const done = changeField(words, whose, route);
    const outcome = done ? translated(`\`${whose}\``) : needsYou("this field cannot be changed here");
    decide(outcome);
    if (!done) worst = outcome;
  }
  return worst;
}

/** `NAME VALUE`, `+NAME VALUE`, `-NAME`, `?NAME VALUE`; `>` only says when. */
function changeField(
  words: readonly string[],
  whose: "request_headers" | "response_headers",
  route: Keys,
): boolean {
  const [written = "", value = "", replacement] = words;
  const [, sign = "", name = ""] = /^([+?>-]?)(.*)$/.exec(written)!;
  if (replacement !== undefined) return false;
  if (sign === "-") return value === "" && removeField(route, whose, name);
  const template = caddyTemplate(value);
  const how = sign === "+" ? "add" : sign === "?" ? "default" : "set";
  if (value === "" || template === undefined) return false;
  // Of two that set a field the later one counts, which is the one for more paths.
  return how === "set"
    ? replaceField(route, whose, name, template)
    : addField(route, whose, how, name, template);
}

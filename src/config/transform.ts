import { RE2JS, RE2JSException } from "re2js";
import { fieldFlags, fieldIdOf, SINGLETON } from "../http/field.ts";
import { parseReplacement } from "../http/target-edit.ts";
import { facts, isTemplateProblem, namedFacts, parseTemplate } from "../http/template.ts";
import { parsePattern } from "../route/pattern.ts";
import type {
  FieldEditsConfig,
  FieldLineConfig,
  RedirectConfig,
  RespondConfig,
  RewriteConfig,
  SplitConfig,
  TransformConfig,
} from "./config.ts";
import { checkDefined } from "./definition.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import type { RouteInput } from "./schema.ts";
import { readNamedFile, requireKey, resolvePath, type SectionContext } from "./section.ts";
import { nearest } from "./suggest.ts";

type EditsInput = NonNullable<RouteInput["request_headers"]>;
type Place = { readonly path: Path; readonly what: string; readonly context: SectionContext };

/** Checks what a route changes in requests and answers. `upstreams`: names that may be sent to. */
export function readTransform(
  route: Path,
  what: string,
  input: RouteInput,
  upstreams: ReadonlyMap<string, Path>,
  context: SectionContext,
): TransformConfig {
  const place = (key: string): Place => ({ path: [...route, key], what, context });
  const params = new Set(paramsOf(input.path));
  checkReply(route, what, input, context);
  return {
    rewrite: input.rewrite === undefined ? undefined : readRewrite(place("rewrite"), input.rewrite),
    requestFields: readEdits(place("request_headers"), input.request_headers, params, requestOwned),
    answerFields: readEdits(place("response_headers"), input.response_headers, params, answerOwned),
    redirect:
      input.redirect === undefined ? undefined : readRedirect(place("redirect"), input.redirect, params),
    respond: input.respond === undefined ? undefined : readRespond(place("respond"), input.respond),
    split: input.split.flatMap((one, i) =>
      readSplit({ path: [...route, "split", i], what, context }, one, upstreams),
    ),
  };
}

/** Names of the path's parameters. */
function paramsOf(path: string | undefined): readonly string[] {
  const pattern = path === undefined ? undefined : parsePattern(path);
  return pattern === undefined || "problem" in pattern ? [] : pattern.names;
}

/** One of: an upstream, a redirect, an answer of our own. */
function checkReply(route: Path, what: string, input: RouteInput, { findings }: SectionContext): void {
  const given = (["redirect", "respond", "serve_dir", "upstream"] as const).filter(
    (key) => input[key] !== undefined,
  );
  if (given.length < 2) return;
  findings.add({
    code: "Z1214",
    path: [...route, given[0]!],
    at: "key",
    message: `${what} has both \`${given[0]}\` and \`${given[1]}\``,
    fix: "keep one of them: it says who answers",
  });
}

function readRewrite(place: Place, input: NonNullable<RouteInput["rewrite"]>): RewriteConfig {
  const { path, what, context } = place;
  for (const key of ["strip_prefix", "add_prefix"] as const) {
    const prefix = input[key];
    if (prefix !== undefined && !/^(?:\/[\w.~!$&'()*+,;=:@%-]+)+$/.test(prefix))
      bad([...path, key], prefix, 'is no prefix: write it as "/api", without a slash at its end', context);
  }
  const hasRegex = input.regex !== undefined;
  if (hasRegex !== (input.replacement !== undefined))
    requireKey(path, hasRegex ? "replacement" : "regex", undefined, `the rewriting of ${what}`, context);
  if (hasRegex && input.replacement !== undefined) checkRegex(path, input.regex!, input.replacement, context);
  if (
    input.host !== undefined &&
    !/^(?:[a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i.test(input.host)
  )
    bad([...path, "host"], input.host, "is no host, with or without a port", context);
  for (const key of ["query_set", "query_add"] as const)
    for (const name of Object.keys(input[key]))
      if (name === "") bad([...path, key], name, "is no name of a parameter", context);
  return {
    stripPrefix: input.strip_prefix ?? "",
    regex: hasRegex && input.replacement !== undefined ? input.regex : undefined,
    replacement: input.replacement ?? "",
    addPrefix: input.add_prefix ?? "",
    host: input.host,
    querySet: Object.entries(input.query_set),
    queryAdd: Object.entries(input.query_add),
    queryRemove: input.query_remove,
  };
}

function checkRegex(path: Path, regex: string, replacement: string, context: SectionContext): void {
  let groups: number;
  try {
    groups = RE2JS.compile(regex).groupCount();
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    bad([...path, "regex"], regex, `is no regular expression: ${error.message}`, context);
    return;
  }
  const parts = parseReplacement(replacement, groups);
  if (typeof parts === "string") bad([...path, "replacement"], replacement, parts, context);
  else if (!replacement.startsWith("/") && parts[0] !== 1)
    bad([...path, "replacement"], replacement, "does not begin with a slash", context);
  else if (/[\s?#\\\p{Cc}]|[^\p{ASCII}]/u.test(replacement))
    bad(
      [...path, "replacement"],
      replacement,
      "is no path: escape what is not plain (%20), and leave the query out",
      context,
    );
}

function readRedirect(
  { path, what, context }: Place,
  input: NonNullable<RouteInput["redirect"]>,
  params: ReadonlySet<string>,
): RedirectConfig | undefined {
  if (!requireKey(path, "to", input.to, `the redirect of ${what}`, context)) return undefined;
  const to = input.to!;
  if (![301, 302, 303, 307, 308].includes(input.status))
    bad(
      [...path, "status"],
      String(input.status),
      "redirects nobody: use 301, 302, 303, 307 or 308",
      context,
    );
  checkTemplate([...path, "to"], to, params, context);
  if (!ownHost.test(to))
    bad(
      [...path, "to"],
      to,
      "must begin with http(s):// and a host or {host}, or with a slash: what comes from a request must not name the host",
      context,
    );
  return { to, status: input.status };
}

/** A path (reply.ts keeps it one), or a host that ends before any other fact of the request begins. */
const ownHost =
  /^(?:https?:\/\/(?:[^/?#\\{}]|\{host\})+(?:$|[/?#]|\{(?:uri|path)\})|\/(?!\/)|\{(?:uri|path)\})/i;

const bodyBytesMax = 65_536;

function readRespond(
  { path, what, context }: Place,
  input: NonNullable<RouteInput["respond"]>,
): RespondConfig {
  const { findings } = context;
  if (input.body_file !== undefined && input.body !== "")
    findings.add({
      code: "Z1214",
      path: [...path, "body_file"],
      message: `the answer of ${what} has both \`body\` and \`body_file\``,
    });
  checkValue([...path, "content_type"], input.content_type, context);
  const body =
    input.body_file === undefined
      ? input.body
      : (readNamedFile([...path, "body_file"], resolvePath(input.body_file, context), context, "utf8") ?? "");
  if (Buffer.byteLength(body) > bodyBytesMax)
    bad(
      [...path, input.body_file === undefined ? "body" : "body_file"],
      "…",
      "is larger than 64 KiB",
      context,
    );
  // RFC 9110 §15.3.6: a client may not look for the body of a 205, and takes it for its next answer.
  if (body !== "" && [204, 205, 304].includes(input.status))
    findings.add({
      code: "Z1214",
      path: [...path, "status"],
      message: `an answer with status ${input.status} has no body`,
    });
  return { status: input.status, body, contentType: input.content_type };
}

function readSplit(
  place: Place,
  input: RouteInput["split"][number],
  upstreams: ReadonlyMap<string, Path>,
): readonly SplitConfig[] {
  const { path, what, context } = place;
  if (!requireKey(path, "upstream", input.upstream, `a split of ${what}`, context)) return [];
  checkDefined(
    {
      path: [...path, "upstream"],
      what,
      kind: "upstream",
      name: input.upstream!,
      defined: upstreams,
      definition: `[upstream.${printable(input.upstream!)}] with a \`url\``,
    },
    context,
  );
  if (input.weight === undefined && input.header === undefined && input.cookie === undefined)
    context.findings.add({
      code: "Z1046",
      path,
      message: `a split of ${what} says nothing of which requests it is for`,
      fix: "give `weight`, `header` or `cookie`",
    });
  const header = input.header === undefined ? undefined : pair(input.header, ":");
  const cookie = input.cookie === undefined ? undefined : pair(input.cookie, "=");
  if (header !== undefined && !isToken(header[0]))
    bad([...path, "header"], input.header!, "is no field", context);
  if (cookie !== undefined && !isToken(cookie[0]))
    bad([...path, "cookie"], input.cookie!, "is no cookie", context);
  return [
    {
      upstream: input.upstream!,
      weight: input.weight ?? 0,
      header: header === undefined ? undefined : [header[0].toLowerCase(), header[1]],
      cookie,
    },
  ];
}

function pair(text: string, mark: string): readonly [name: string, value: string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text.trim(), undefined] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/** Of requests: what frames them, what names the hop or the client, what only identities may set. */
const requestOwned: ReadonlyMap<string, string> = new Map([
  ...[
    "connection",
    "content-length",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
  ].map((name) => [name, "it frames the message"] as const),
  ["host", "use `rewrite.host`"],
  ...["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"].map(
    (name) => [name, "the gateway sets it itself"] as const,
  ),
  ...["x-real-ip", "x-request-id", "traceparent"].map(
    (name) => [name, "the gateway sets it itself"] as const,
  ),
]);

const answerOwned: ReadonlyMap<string, string> = new Map([
  ...[
    "connection",
    "content-length",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
  ].map((name) => [name, "it frames the message"] as const),
  ...["date", "x-request-id", "traceparent"].map((name) => [name, "the gateway sets it itself"] as const),
]);

function readEdits(
  { path, context }: Place,
  input: EditsInput | undefined,
  params: ReadonlySet<string>,
  owned: ReadonlyMap<string, string>,
): FieldEditsConfig | undefined {
  if (input === undefined) return undefined;
  const lines: FieldLineConfig[] = [];
  for (const how of ["set", "add", "default"] as const)
    for (const [name, value] of Object.entries(input[how])) {
      const at = [...path, how, name];
      checkFieldName(at, name, owned, context);
      checkTemplate(at, value, params, context);
      if (how === "default" && lines.some((line) => line.how === "set" && isSameName(line.name, name)))
        bad(at, name, "is set as well: there is always one", context);
      // Beside a client's own, nobody knows which of the two a server takes.
      if (how === "add" && (fieldFlags[fieldIdOf(name)]! & SINGLETON) !== 0)
        bad(at, name, "is no field to add: there may be only one, so `set` or `default` it", context);
      lines.push({ name, value, how });
    }
  for (const [i, name] of input.remove.entries())
    checkFieldName([...path, "remove", i], name.replace(/\*$/, ""), owned, context);
  return { remove: input.remove.map((name) => name.toLowerCase()), lines };
}

function isSameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function checkFieldName(
  path: Path,
  name: string,
  owned: ReadonlyMap<string, string>,
  context: SectionContext,
): void {
  const why = owned.get(name.toLowerCase());
  if (!isToken(name)) bad(path, name, "is no name of a field", context);
  else if (why !== undefined) bad(path, name, `cannot be changed here: ${why}`, context);
}

function isToken(text: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]{1,64}$/.test(text);
}

function checkTemplate(path: Path, text: string, params: ReadonlySet<string>, context: SectionContext): void {
  checkValue(path, text, context);
  const template = parseTemplate(text);
  if (isTemplateProblem(template)) {
    const { problem, offset, unknown } = template;
    const words = [...facts, ...namedFacts.map((fact) => `${fact}:NAME`)];
    const near = unknown === "" ? undefined : nearest(unknown, facts);
    context.findings.add({
      code: "Z1106",
      path,
      within: { offset, length: text.length },
      message: `${keyLabel(path)}: ${printable(problem)}`,
      suggestion: near === undefined ? undefined : text.replace(`{${unknown}}`, `{${near}}`),
      label: near === undefined ? "" : `did you mean {${near}}?`,
      fix: `there are: ${words.map((word) => `{${word}}`).join(" ")}`,
    });
    return;
  }
  for (const { fact, name } of template.parts)
    if (fact === "param" && !params.has(name))
      bad(path, `{param:${name}}`, "is no parameter of the route's path", context);
}

/** What stands in a field line: visible latin-1 and spaces. */
function checkValue(path: Path, text: string, context: SectionContext): void {
  if (/[^\t\x20-\x7e\xa0-\xff]/.test(text))
    bad(path, text, "holds a line end or another character that no field may hold", context);
}

function bad(path: Path, value: string, problem: string, context: SectionContext): void {
  context.findings.add({
    code: "Z1106",
    path,
    message: `${keyLabel(path)}: ${shownValue(path, value)} ${problem}`,
    fix: "write the value in the expected form; docs/operating/config.md describes it",
  });
}

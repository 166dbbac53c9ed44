import { RE2JS } from "re2js";
import type {
  FieldEditsConfig,
  HeaderProfileConfig,
  RouteConfig,
  TransformConfig,
} from "../config/config.ts";
import { type FieldEdits, type FieldLine, prepareEdits } from "../http/field-edit.ts";
import { parseReplacement, type TargetEdit } from "../http/target-edit.ts";
import { isTemplateProblem, parseTemplate, type Template, type TemplateScope } from "../http/template.ts";
import type { Reply } from "../respond/reply.ts";
import { parsePattern } from "../route/pattern.ts";
import type { RouteTransform, SplitTarget } from "../snapshot.ts";
import type { Upstream } from "../upstream/upstream.ts";

/** What a route changes, made ready. Throws where the configuration would not have passed its checks. */
export function buildTransform(
  route: Pick<RouteConfig, "name" | "path" | "transform" | "headerProfile" | "csp">,
  profiles: readonly HeaderProfileConfig[],
  upstreams: ReadonlyMap<string, Upstream>,
): RouteTransform {
  const { name, path, transform } = route;
  const { rewrite, requestFields, split } = transform;
  return {
    target: rewrite === undefined ? undefined : buildTargetEdit(rewrite),
    hostLine: rewrite?.host === undefined ? undefined : Buffer.from(`Host: ${rewrite.host}\r\n`, "latin1"),
    requestFields:
      requestFields === undefined ? undefined : prepareEdits(requestFields.remove, linesOf(requestFields)),
    answerFields: buildAnswerEdits(route, profiles),
    reply: buildReply(transform),
    split: split.map((one): SplitTarget => {
      const upstream = upstreams.get(one.upstream);
      if (upstream === undefined) throw new Error(`route "${name}": no upstream "${one.upstream}"`);
      return { upstream, weight: one.weight, header: one.header, cookie: one.cookie };
    }),
    scope: scopeOf(name, path),
  };
}

function scopeOf(route: string, path: string): TemplateScope {
  const pattern = parsePattern(path);
  if ("problem" in pattern) throw new Error(pattern.problem);
  const { segments, names, catchAll } = pattern;
  const places = segments.flatMap((text, index) => (text === undefined ? [index] : []));
  const params = new Map(
    names.map((name, i) => {
      const toEnd = catchAll && i === names.length - 1;
      return [name, { segment: toEnd ? segments.length : places[i]!, toEnd }] as const;
    }),
  );
  return { route, params };
}

function buildTargetEdit(rewrite: NonNullable<TransformConfig["rewrite"]>): TargetEdit | undefined {
  const { stripPrefix, regex, replacement, addPrefix, querySet, queryAdd, queryRemove } = rewrite;
  const hasQuery = querySet.length + queryAdd.length + queryRemove.length > 0;
  if (stripPrefix === "" && addPrefix === "" && regex === undefined && !hasQuery) return undefined;
  const encoded = (pairs: typeof querySet) =>
    pairs.map(([name, value]) => [encodeURIComponent(name), encodeURIComponent(value)] as const);
  return {
    stripPrefix,
    addPrefix,
    replace: regex === undefined ? undefined : buildReplacement(regex, replacement),
    query: hasQuery ? { remove: queryRemove, set: encoded(querySet), add: encoded(queryAdd) } : undefined,
  };
}

function buildReplacement(regex: string, replacement: string) {
  const pattern = RE2JS.compile(regex);
  const to = parseReplacement(replacement, pattern.groupCount());
  if (typeof to === "string") throw new Error(to);
  return { pattern, to };
}

/** What the route says of a field counts, then its `csp`, then its profile. Undefined: nothing is to be done. */
function buildAnswerEdits(
  { name, transform, headerProfile, csp }: Pick<RouteConfig, "name" | "transform" | "headerProfile" | "csp">,
  profiles: readonly HeaderProfileConfig[],
): FieldEdits | undefined {
  const profile = profiles.find((one) => one.name === headerProfile);
  if (profile === undefined) throw new Error(`route "${name}": no header profile "${headerProfile}"`);
  const own = transform.answerFields ?? { remove: [], lines: [] };
  const decided = new Set([...own.remove, ...own.lines.map((line) => line.name.toLowerCase())]);
  const policy = csp === undefined ? [] : [{ name: "Content-Security-Policy", value: csp }];
  const defaults = [...policy, ...profile.edits.lines].filter(({ name: field }) => {
    const folded = field.toLowerCase();
    if (decided.has(folded)) return false;
    decided.add(folded);
    return true;
  });
  const lines = [
    ...linesOf(own),
    ...defaults.map(
      ({ name: field, value }): FieldLine => ({
        name: field,
        value: { parts: [{ text: value, fact: "", name: "" }], fixed: value },
        how: "default",
        // RFC 6797 §7.2: not over plain HTTP.
        secureOnly: field === "Strict-Transport-Security",
      }),
    ),
  ];
  const kept = new Set(own.lines.map((line) => line.name.toLowerCase()));
  // A field that the route adds or defaults is not taken away for the profile's sake.
  const remove = [...own.remove, ...profile.edits.remove.filter((field) => !kept.has(field))];
  return remove.length + lines.length === 0 ? undefined : prepareEdits(remove, lines);
}

function linesOf({ lines }: FieldEditsConfig): readonly FieldLine[] {
  return lines.map(({ name, value, how }) => ({ name, value: template(value), how, secureOnly: false }));
}

function buildReply({ redirect, respond }: TransformConfig): Reply | undefined {
  if (redirect !== undefined)
    return {
      status: redirect.status,
      location: template(redirect.to),
      contentType: "",
      body: Buffer.alloc(0),
    };
  if (respond === undefined) return undefined;
  const { status, contentType, body } = respond;
  return { status, location: undefined, contentType, body: Buffer.from(body, "utf8") };
}

function template(text: string): Template {
  const read = parseTemplate(text);
  if (isTemplateProblem(read)) throw new Error(read.problem);
  return read;
}

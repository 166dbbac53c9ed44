import type { RE2JS } from "re2js";
import { type Reason, reasons } from "../reason.ts";
import { writePath } from "./path.ts";
import { CanonicalRequest } from "./request.ts";

/** What a route does to the target before it goes upstream: in this order. */
export interface TargetEdit {
  /** Taken off where the path begins with it, as whole segments; "" = nothing. */
  readonly stripPrefix: string;
  readonly replace: PathReplacement | undefined;
  /** Put in front; "" = nothing. */
  readonly addPrefix: string;
  readonly query: QueryEdit | undefined;
}

/** Looks for the pattern once, in the path without its query. */
export interface PathReplacement {
  readonly pattern: RE2JS;
  /** Literal texts and numbers of groups. The whole path becomes them. */
  readonly to: readonly (string | number)[];
}

export interface QueryEdit {
  /** Names; `*` at the end: all that begin so. */
  readonly remove: readonly string[];
  /** Name and value, encoded; those of the name that are there go. */
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
}

/**
 * Writes the target that the upstream gets into the arena and points the request at it; the path that log and answers
 * speak of stays. A target that does not come out canonical is refused: nobody has looked at the path it would become.
 */
export function editTarget(
  request: CanonicalRequest,
  edit: TargetEdit,
  mergeSlashes: boolean,
): Reason | undefined {
  const before = mergeSlashes
    ? request.text(request.routePathStart, request.routePathEnd)
    : request.text(request.pathStart, request.pathEnd);
  const path = editedPath(before, edit);
  if (path === undefined) return reasons.rewrittenTarget;
  const query = request.text(request.queryStart, request.queryEnd);
  const target = path + (edit.query === undefined ? query : editQuery(query, edit.query));
  if (target.length > TARGET_BYTES_MAX) return reasons.rewrittenTarget;
  request.reserve(target.length);
  request.sentTargetStart = request.arenaEnd;
  request.arenaEnd += request.arena.latin1Write(target, request.arenaEnd);
  request.sentTargetEnd = request.arenaEnd;
  return undefined;
}

/** What a path becomes, in its canonical form. Undefined: it has none. */
export function editedPath(path: string, edit: TargetEdit | undefined): string | undefined {
  return canonical(edit === undefined ? path : editPath(path, edit));
}

/** As much as a request's own target may be. */
const TARGET_BYTES_MAX = 131_072;

function editPath(path: string, { stripPrefix, replace, addPrefix }: TargetEdit): string {
  let edited = path;
  if (stripPrefix !== "" && (edited === stripPrefix || edited.startsWith(`${stripPrefix}/`)))
    edited = edited.slice(stripPrefix.length) || "/";
  if (replace !== undefined) edited = replacePath(edited, replace);
  return addPrefix + edited;
}

function replacePath(path: string, { pattern, to }: PathReplacement): string {
  const matcher = pattern.matcher(path);
  if (!matcher.find()) return path;
  return to.map((part) => (typeof part === "string" ? part : (matcher.group(part) ?? ""))).join("");
}

/** The one reading of a path that there is, for the one that came out. Undefined: it is not canonical, or no path. */
function canonical(edited: string): string | undefined {
  // One slash in front: `//evil.example` looks like an authority.
  const path = edited.replace(/^\/{2,}/, "/");
  const bytes = Buffer.from(path, "latin1");
  const scratch = new CanonicalRequest(bytes.length + 16, 1);
  const refusal = writePath(bytes, 0, bytes.length, scratch, { encodeRawChars: true, segmentsMax: 1024 });
  if (refusal !== undefined) return undefined;
  const read = scratch.text(scratch.pathStart, scratch.pathEnd);
  // Dot segments that only the rewriting put together would climb out of what the operator wrote.
  return read.length === bytes.length || !/(?:^|\/)\.{1,2}(?:\/|$)/.test(path) ? read : undefined;
}

function editQuery(query: string, { remove, set, add }: QueryEdit): string {
  const gone = [...remove, ...set.map(([name]) => name)];
  const kept = query
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "" && !gone.some((pattern) => isMeant(nameOf(pair), pattern)));
  const text = [...kept, ...[...set, ...add].map(([name, value]) => `${name}=${value}`)].join("&");
  return text === "" ? "" : `?${text}`;
}

/** As applications read it: percent-encoding and plus signs undone. */
function nameOf(pair: string): string {
  const raw = pair.split("=", 1)[0]!.replaceAll("+", " ");
  return raw.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function isMeant(name: string, pattern: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** `/new/$1/x` as literal texts and group numbers; `$$` is a dollar sign. A text: what is wrong. */
export function parseReplacement(text: string, groups: number): readonly (string | number)[] | string {
  const parts: (string | number)[] = [];
  let literal = "";
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== "$") {
      literal += text[at];
      continue;
    }
    if (text[at + 1] === "$") {
      literal += "$";
      at++;
      continue;
    }
    const digits = /^\d/.exec(text.slice(at + 1))?.[0];
    if (digits === undefined) return "`$` stands in front of a group's number; write `$$` for a dollar sign";
    if (Number(digits) > groups) return `there is no group $${digits}: the pattern has ${groups}`;
    if (literal !== "") parts.push(literal);
    parts.push(Number(digits));
    literal = "";
    at++;
  }
  if (literal !== "") parts.push(literal);
  return parts;
}

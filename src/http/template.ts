import { F } from "./field.ts";
import { findNamedField } from "./named-field.ts";
import {
  type CanonicalRequest,
  FIELD_ID,
  FIELD_SLOTS,
  FORWARD,
  methodNames,
  VALUE_END,
  VALUE_START,
} from "./request.ts";
import { TRACE_AT } from "./trace.ts";

/** A text with facts of the request in it, as an operator wrote it: `https://{host}/new{uri}`. Immutable. */
export interface Template {
  readonly parts: readonly TemplatePart[];
  /** The whole text, where it has no fact in it. */
  readonly fixed: string | undefined;
}

export interface TemplatePart {
  /** Stands in front of the fact. */
  readonly text: string;
  /** "" = none: the last part. */
  readonly fact: Fact | "";
  /** Of the field (lower case), the cookie or the path parameter; "" for other facts. */
  readonly name: string;
}

export const facts = [
  "client_ip",
  "host",
  "method",
  "path",
  "query",
  "request_id",
  "route",
  "scheme",
  "trace_id",
  "uri",
] as const;
/** They take a name: `{header:user-agent}`. */
export const namedFacts = ["cookie", "header", "param"] as const;
export type Fact = (typeof facts)[number] | (typeof namedFacts)[number];

export interface TemplateProblem {
  readonly problem: string;
  /** Where, in UTF-16 units. */
  readonly offset: number;
  /** What was written for a fact; "" = something else is wrong. */
  readonly unknown: string;
}

/** What a template may say of the route, which the request does not know. */
export interface TemplateScope {
  readonly route: string;
  /** Path parameters: number of the segment from 0; `toEnd`: and all behind it. */
  readonly params: ReadonlyMap<string, { readonly segment: number; readonly toEnd: boolean }>;
}

/** Reads a template. `{{` and `}}` stand for braces. */
export function parseTemplate(text: string): Template | TemplateProblem {
  const parts: TemplatePart[] = [];
  let literal = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if ((char === "{" || char === "}") && text[at + 1] === char) {
      literal += char;
      at++;
    } else if (char === "{") {
      const end = text.indexOf("}", at);
      if (end < 0) return { problem: "`{` is not closed", offset: at, unknown: "" };
      const inner = text.slice(at + 1, end);
      const part = readFact(inner, literal);
      if (part === undefined) return { problem: `there is no {${inner}}`, offset: at, unknown: inner };
      parts.push(part);
      literal = "";
      at = end;
    } else if (char === "}") {
      return { problem: "`}` opens nothing; write `}}` for a brace", offset: at, unknown: "" };
    } else {
      literal += char;
    }
  }
  if (literal !== "" || parts.length === 0) parts.push({ text: literal, fact: "", name: "" });
  return { parts, fixed: parts.every(({ fact }) => fact === "") ? literal : undefined };
}

export function isTemplateProblem(read: Template | TemplateProblem): read is TemplateProblem {
  return "problem" in read;
}

function readFact(inner: string, text: string): TemplatePart | undefined {
  const colon = inner.indexOf(":");
  const word = colon < 0 ? inner : inner.slice(0, colon);
  const name = colon < 0 ? "" : inner.slice(colon + 1);
  if (colon < 0) return isOneOf(facts, word) ? { text, fact: word, name } : undefined;
  if (!isOneOf(namedFacts, word) || name === "") return undefined;
  return { text, fact: word, name: word === "header" ? name.toLowerCase() : name };
}

function isOneOf<T extends string>(list: readonly T[], word: string): word is T {
  return (list as readonly string[]).includes(word);
}

/** The text for one request, latin-1. No value of a request holds CR, LF or NUL: the head parser refused them. */
export function printTemplate(template: Template, request: CanonicalRequest, scope: TemplateScope): string {
  if (template.fixed !== undefined) return template.fixed;
  let text = "";
  for (const { text: before, fact, name } of template.parts) {
    text += before;
    if (fact !== "") text += factText(fact, name, request, scope);
  }
  return text;
}

function factText(fact: Fact, name: string, request: CanonicalRequest, scope: TemplateScope): string {
  switch (fact) {
    case "client_ip":
      return request.clientAddress;
    case "host":
      return request.hostText();
    case "method":
      return methodNames[request.method]!;
    case "path":
      return pathText(request);
    case "query":
      return request.queryEnd > request.queryStart
        ? request.text(request.queryStart + 1, request.queryEnd)
        : "";
    case "uri":
      return pathText(request) + request.text(request.queryStart, request.queryEnd);
    case "request_id":
      return request.text(request.requestIdStart, request.requestIdEnd);
    case "trace_id":
      return request.text(request.traceStart + TRACE_AT, request.traceStart + TRACE_AT + 32);
    case "route":
      return scope.route;
    case "scheme":
      return request.secure ? "https" : "http";
    case "header":
      return findField(request, name) ?? "";
    case "cookie":
      return findCookie(request, name) ?? "";
    case "param":
      return paramText(request, scope, name);
  }
}

/** One slash in front: `//evil.example` in a Location would name another host. */
function pathText(request: CanonicalRequest): string {
  return request.text(request.pathStart, request.pathEnd).replace(/^\/{2,}/, "/");
}

/**
 * Value of the first field of this name, which is in lower case; undefined = the request has none. Fields that do not go
 * upstream are not there, but for Host: they would bring back what gates took away, as an identity that a client made up.
 */
export function findField(request: CanonicalRequest, name: string): string | undefined {
  const { fields } = request;
  let index = findNamedField(request, name, 0);
  for (; index >= 0; index = findNamedField(request, name, index + 1)) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FORWARD] === 1 || fields[slot + FIELD_ID] === F.host)
      return request.text(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!);
  }
  return undefined;
}

/** Value of the first cookie of this name; undefined = the request has none. */
export function findCookie(request: CanonicalRequest, name: string): string | undefined {
  for (let index = request.firstField[F.cookie]!; index >= 0 && index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (request.fields[slot + FIELD_ID] !== F.cookie) continue;
    const line = request.text(request.fields[slot + VALUE_START]!, request.fields[slot + VALUE_END]!);
    for (const pair of line.split(";")) {
      const equals = pair.indexOf("=");
      if (equals >= 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
    }
  }
  return undefined;
}

function paramText(request: CanonicalRequest, { params }: TemplateScope, name: string): string {
  const param = params.get(name);
  if (param === undefined) return "";
  const segments = request.routePathText().slice(1).split("/");
  return param.toEnd ? segments.slice(param.segment).join("/") : (segments[param.segment] ?? "");
}

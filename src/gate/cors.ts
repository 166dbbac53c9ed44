import { F } from "../http/field.ts";
import {
  type CanonicalRequest,
  FIELD_SLOTS,
  FORWARD,
  GET,
  HEAD,
  methodNames,
  NAME_END,
  NAME_START,
  OPTIONS,
} from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import { type Reason, reasons } from "../reason.ts";
import { buildOriginRule, type OriginRule } from "./origin-rule.ts";

/** What pages of other origins may do on a route, compiled from `[route.cors]`. */
export interface CorsRule {
  readonly origins: OriginRule;
  /** Every origin is allowed: answers need not vary by it. */
  readonly isAny: boolean;
  /** Field lines after Allow-Origin, of answers and of answers to preflights. */
  readonly answerLines: string;
  readonly preflightLines: string;
}

export interface CorsSettings {
  /** Origins as `buildOriginRule` reads them. */
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  readonly allowedHeaders: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly allowCredentials: boolean;
  readonly maxAgeSecs: number;
}

export function buildCorsRule(settings: CorsSettings): CorsRule {
  const credentials = settings.allowCredentials ? "Access-Control-Allow-Credentials: true\r\n" : "";
  return {
    origins: buildOriginRule(settings.allowedOrigins),
    isAny: settings.allowedOrigins.includes("*"),
    answerLines: `${credentials}${listLine("Access-Control-Expose-Headers", settings.exposedHeaders)}`,
    preflightLines: `${credentials}${listLine("Access-Control-Allow-Methods", settings.allowedMethods)}${listLine("Access-Control-Allow-Headers", settings.allowedHeaders)}Access-Control-Max-Age: ${settings.maxAgeSecs}\r\n`,
  };
}

/**
 * The method a preflight asks for (Fetch §4.8), or -1: not a preflight, or a method that no route serves. Its route is
 * the one it is about, not the one that serves OPTIONS.
 */
export function preflightMethod(request: CanonicalRequest): number {
  if (request.method !== OPTIONS || request.firstField[F.origin]! < 0) return -1;
  const asked = request.fieldText(F.accessControlRequestMethod);
  return asked === undefined ? -1 : (methodNames as readonly string[]).indexOf(asked);
}

/**
 * Gives every answer to this request the fields of its route's CORS, refusals too: a page can tell a 429 from a network
 * error. So it stands before the route's limits, and refuses nothing.
 */
export function addCorsLines(
  request: CanonicalRequest,
  rule: CorsRule | undefined,
  isPreflight: boolean,
): undefined {
  if (rule === undefined) return;
  const lines = isPreflight ? rule.preflightLines : rule.answerLines;
  if (rule.isAny) {
    request.answerLines = `${ALLOW_ORIGIN}*\r\n${lines}`;
    return;
  }
  const origin = request.fieldText(F.origin);
  // Vary also without an Origin: a cache that kept this answer must not give it to a page.
  request.answerLines =
    origin !== undefined && isListed(origin, rule) ? `${ALLOW_ORIGIN}${origin}\r\n${lines}${VARY}` : VARY;
}

/**
 * Refuses a preflight, and a request that may change something, from a page that is neither listed nor of the request's
 * own host: the page could not read the answer, but the upstream would have acted.
 */
export function checkCors(request: CanonicalRequest, rule: CorsRule | undefined): Reason | undefined {
  if (rule === undefined || rule.isAny || request.method === GET || request.method === HEAD) return undefined;
  const origin = request.fieldText(F.origin);
  if (origin === undefined || isListed(origin, rule)) return undefined;
  return ownHost.allows(origin, request.hostText(), request.port) ? undefined : reasons.corsOrigin;
}

/** It is echoed, so it must be one: a listed suffix says nothing of what stands before it. */
function isListed(origin: string, { origins }: CorsRule): boolean {
  return ORIGIN.test(origin) && origins.allows(origin, "", -1);
}

/** Takes the upstream's own CORS out of an answer and puts the route's in: two voices would contradict each other. */
export function replaceCors(head: ResponseHead, lines: string): void {
  head.addedLines = lines;
  const { fields, source } = head;
  for (let index = 0; index < head.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    const start = fields[slot + NAME_START]!;
    const end = fields[slot + NAME_END]!;
    if (end - start < PREFIX.length || (source[start]! | 32) !== 97) continue;
    if (source.latin1Slice(start, start + PREFIX.length).toLowerCase() === PREFIX) fields[slot + FORWARD] = 0;
  }
}

const PREFIX = "access-control-";
const ALLOW_ORIGIN = "Access-Control-Allow-Origin: ";
const VARY = "Vary: Origin\r\n";
/** An origin as browsers print it (RFC 6454 §6.2), within the length of a host name; schemes of extensions too. */
const ORIGIN = /^(null|[a-z][a-z0-9+.-]{0,31}:\/\/(\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253})(:[0-9]{1,5})?)$/i;
const ownHost = buildOriginRule(undefined);

function listLine(name: string, values: readonly string[]): string {
  return values.length === 0 ? "" : `${name}: ${values.join(", ")}\r\n`;
}

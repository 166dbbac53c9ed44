import { F } from "../http/field.ts";
import {
  type CanonicalRequest,
  FIELD_ID,
  FIELD_SLOTS,
  FORWARD,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";
import type { Trailers } from "../http/trailer.ts";
import { Identity } from "../identity/identity.ts";
import type { TokenVerifier } from "../identity/token-verifier.ts";
import { type Reason, reasons } from "../reason.ts";
import type { GateContext, GateRoute } from "./context.ts";

/** What a route asks of whoever wants in. */
export interface AuthRule {
  readonly verifier: TokenVerifier;
  /** All of them. */
  readonly scopes: readonly string[];
  /** One of them; empty = none asked for. */
  readonly roles: readonly string[];
  /** Now, in milliseconds since the epoch. */
  readonly wallMs: () => number;
}

/**
 * Lets a request in that carries a good bearer token (RFC 6750 §2.1), and tells the upstream who that is. Tokens in
 * queries and bodies are not looked at: they end up in logs.
 */
export function checkAuth(request: CanonicalRequest, route: GateRoute): Reason | undefined {
  const { auth } = route;
  if (auth === undefined) return undefined;
  const index = request.firstField[F.authorization]!;
  if (index < 0) return reasons.authMissing;
  const slot = index * FIELD_SLOTS;
  const start = request.fields[slot + VALUE_START]!;
  const end = request.fields[slot + VALUE_END]!;
  if (!isBearer(request.arena, start, end)) return reasons.authMissing;
  const found = auth.verifier.verify(request.arena, start + SCHEME.length, end, auth.wallMs());
  if (!(found instanceof Identity)) return found;
  for (const scope of auth.scopes) if (!found.scopes.has(scope)) return reasons.tokenScope;
  if (auth.roles.length > 0 && !auth.roles.some((role) => found.roles.has(role))) return reasons.tokenScope;
  request.identity = found;
  addLines(request, found);
  return undefined;
}

/**
 * Takes fields away that only the gateway may set, on every route: the names of `claim_headers`. Those that it always
 * sets itself are gone since the head was read.
 */
export function scrubIdentity(request: CanonicalRequest, { identityFields }: GateContext): undefined {
  if (identityFields.length === 0) return;
  const { arena, fields } = request;
  for (let index = 0; index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FIELD_ID] !== 0) continue;
    const start = fields[slot + NAME_START]!;
    const length = fields[slot + NAME_END]! - start;
    for (const name of identityFields) {
      if (name.length !== length || !isSameName(arena, start, name)) continue;
      if (fields[slot + FORWARD] === 1) request.scrubbed++;
      fields[slot + FORWARD] = 0;
    }
  }
}

/** The same for trailers: some servers merge them into the head. */
export function scrubTrailers(
  trailers: Trailers,
  { identityFields }: Pick<GateContext, "identityFields">,
): Trailers {
  if (identityFields.length === 0) return trailers;
  // Name and value in turn: both go by the name.
  return trailers.filter((_text, index) => !identityFields.includes(trailers[index - (index % 2)]!));
}

const SCHEME = "bearer ";

/** The scheme in any case (RFC 9110 §11.1), one space, and something behind it. */
function isBearer(arena: Buffer, start: number, end: number): boolean {
  if (end - start <= SCHEME.length) return false;
  for (let at = 0; at < SCHEME.length; at++)
    if ((arena[start + at]! | 0x20) !== SCHEME.charCodeAt(at)) return false;
  return true;
}

/** `name` is in lower case, and has no character that a set bit would make of another one but letters. */
function isSameName(arena: Buffer, start: number, name: string): boolean {
  for (let at = 0; at < name.length; at++)
    if ((arena[start + at]! | 0x20) !== name.charCodeAt(at)) return false;
  return true;
}

function addLines(request: CanonicalRequest, { lines }: Identity): void {
  for (const { id, nameBytes, line } of lines) {
    request.reserve(line.length);
    const start = request.arenaEnd;
    request.arena.set(line, start);
    request.arenaEnd = start + line.length;
    const slot = request.fieldCount * FIELD_SLOTS;
    const fields =
      slot + FIELD_SLOTS > request.fields.length
        ? request.growFields(request.fieldCount + FIELDS_MORE)
        : request.fields;
    fields[slot + NAME_START] = start;
    fields[slot + NAME_END] = start + nameBytes;
    fields[slot + VALUE_START] = start + nameBytes + 2;
    fields[slot + VALUE_END] = start + line.length - 2;
    fields[slot + FIELD_ID] = id;
    fields[slot + FORWARD] = 1;
    request.fieldCount++;
  }
}

const FIELDS_MORE = 16;

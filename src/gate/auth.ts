import { F } from "../http/field.ts";
import { findNamedField } from "../http/named-field.ts";
import { type CanonicalRequest, FIELD_SLOTS, FORWARD, VALUE_END, VALUE_START } from "../http/request.ts";
import type { ApiKeyRing } from "../identity/api-key.ts";
import type { CertificateBook } from "../identity/certificate-book.ts";
import { Identity } from "../identity/identity.ts";
import type { Issuers } from "../identity/issuers.ts";
import type { PasswordBook } from "../identity/password-book.ts";
import { type Reason, reasons } from "../reason.ts";
import type { AuthService } from "./auth-service.ts";
import type { GateRoute } from "./context.ts";
import { addIdentityLines } from "./identity-fields.ts";
import type { Verdict } from "./verdict.ts";

/** What a route asks of whoever wants in: one of the credentials that are not undefined. */
export interface AuthRule {
  readonly tokens: Issuers | undefined;
  readonly passwords: PasswordBook | undefined;
  readonly apiKeys: ApiKeyRule | undefined;
  readonly certificates: CertificateBook | undefined;
  /** Decides instead of all others. */
  readonly service: AuthService | undefined;
  /** All of them. */
  readonly scopes: readonly string[];
  /** One of them; empty = none asked for. */
  readonly roles: readonly string[];
  /** `WWW-Authenticate` lines for who brought nothing. */
  readonly challenge: string;
  /** Now, in milliseconds since the epoch. */
  readonly wallMs: () => number;
}

export interface ApiKeyRule {
  readonly ring: ApiKeyRing;
  /** Lower case. */
  readonly field: string;
}

/** Lets a request in whose credentials are good, and tells the upstream who that is. */
export function checkAuth(request: CanonicalRequest, route: GateRoute): Verdict {
  const { auth } = route;
  if (auth === undefined) return undefined;
  if (auth.service !== undefined) {
    const answer = auth.service.ask(request, auth.wallMs());
    if (!(answer instanceof Promise)) return admit(request, auth, answer);
    return answer.then(
      ({ found, challenge }) =>
        () =>
          admit(request, auth, found, challenge),
    );
  }
  const found = identify(request, auth);
  if (!(found instanceof Promise)) return admit(request, auth, found);
  return found.then((late) => () => admit(request, auth, late));
}

/**
 * Tokens and passwords in queries and bodies are not looked at: they end up in logs. What `Authorization` says goes
 * before an API key, and both before the connection's certificate: a request has one identity.
 */
function identify(request: CanonicalRequest, auth: AuthRule): Identity | Reason | Promise<Identity | Reason> {
  const { tokens, passwords, apiKeys, wallMs } = auth;
  const keyAt = apiKeys === undefined ? NONE : takeApiKey(request, apiKeys.field);
  const index = request.firstField[F.authorization]!;
  if (index >= 0) {
    const slot = index * FIELD_SLOTS;
    const start = request.fields[slot + VALUE_START]!;
    const end = request.fields[slot + VALUE_END]!;
    if (tokens !== undefined && hasScheme(request.arena, start, end, BEARER))
      return tokens.verify(request.arena, start + BEARER.length, end, wallMs());
    if (passwords !== undefined && hasScheme(request.arena, start, end, BASIC)) {
      // The upstream is told the name, and has no use for the password.
      request.fields[slot + FORWARD] = 0;
      return passwords.verify(request.arena, start + BASIC.length, end);
    }
  }
  if (keyAt === NONE) return identifyConnection(request, auth);
  if (keyAt === TWICE) return reasons.apiKey;
  const slot = keyAt * FIELD_SLOTS;
  return apiKeys!.ring.verify(
    request.arena,
    request.fields[slot + VALUE_START]!,
    request.fields[slot + VALUE_END]!,
  );
}

/** Who brought nothing else is whom the handshake showed. */
function identifyConnection(
  { clientCertificate }: CanonicalRequest,
  { certificates, challenge }: AuthRule,
): Identity | Reason {
  if (certificates !== undefined && clientCertificate !== undefined)
    return certificates.identify(clientCertificate);
  // Of a certificate alone there is no challenge, and no 401 without one.
  return challenge === "" ? reasons.clientCertMissing : reasons.authMissing;
}

/** Index of the field with the key, which goes no further. */
function takeApiKey(request: CanonicalRequest, field: string): number {
  const first = findNamedField(request, field, 0);
  if (first < 0) return NONE;
  let last = first;
  for (let index = first; index >= 0; index = findNamedField(request, field, index + 1)) {
    request.fields[index * FIELD_SLOTS + FORWARD] = 0;
    last = index;
  }
  return last === first ? first : TWICE;
}

const NONE = -1;
const TWICE = -2;

/** Scopes and roles; then the request has an identity, and the upstream learns it. */
function admit(
  request: CanonicalRequest,
  auth: AuthRule,
  found: Identity | Reason,
  challenge = "",
): Reason | undefined {
  if (!(found instanceof Identity)) {
    request.answerLines += challenge === "" ? challengeFor(found, auth) : challenge;
    return found;
  }
  const { scopes, roles } = auth;
  for (const scope of scopes) if (!found.scopes.has(scope)) return refuseScope(request, auth);
  if (roles.length > 0 && !roles.some((role) => found.roles.has(role))) return refuseScope(request, auth);
  request.identity = found;
  addIdentityLines(request, found);
  return undefined;
}

/** RFC 9110 §11.6.1: a 401 has a challenge. What else is wrong with credentials is for the operator's log. */
function challengeFor(reason: Reason, auth: AuthRule): string {
  if (reason.status !== 401) return "";
  return reason === reasons.tokenExpired || reason === reasons.tokenRevoked ? INVALID_TOKEN : auth.challenge;
}

/** RFC 6750 §3.1. */
function refuseScope(request: CanonicalRequest, { tokens }: AuthRule): Reason {
  if (tokens !== undefined) request.answerLines += 'WWW-Authenticate: Bearer error="insufficient_scope"\r\n';
  return reasons.tokenScope;
}

const INVALID_TOKEN = 'WWW-Authenticate: Bearer error="invalid_token"\r\n';

/** RFC 6750 §2.1, RFC 7617 §2. */
const BEARER = "bearer ";
const BASIC = "basic ";

/** The scheme in any case (RFC 9110 §11.1), one space, and something behind it. */
function hasScheme(arena: Buffer, start: number, end: number, scheme: string): boolean {
  if (end - start <= scheme.length) return false;
  for (let at = 0; at < scheme.length; at++)
    if ((arena[start + at]! | 0x20) !== scheme.charCodeAt(at)) return false;
  return true;
}

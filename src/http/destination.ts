import { type Reason, reasons } from "../reason.ts";
import { writeAuthority } from "./authority.ts";
import { addField } from "./field-edit.ts";
import { findNamedField } from "./named-field.ts";
import { CanonicalRequest, FIELD_SLOTS, FORWARD, VALUE_END, VALUE_START } from "./request.ts";
import { editedPath, type TargetEdit } from "./target-edit.ts";

/**
 * `Destination` of COPY and MOVE (RFC 4918 §10.3) names a resource as the client sees it. An upstream that is asked by another
 * scheme, host or path takes it for another server's (502 of mod_dav, 400 of nginx): it gets what this target would have
 * become. Absolute, though the RFC allows a path alone: mod_dav 2.4 answers that with 400. What names another server, or
 * nothing that could be read, stays as it is. `address`: how the upstream is asked; `host` "" = by the client's.
 */
export function editDestination(
  request: CanonicalRequest,
  edit: TargetEdit | undefined,
  address: SentAddress,
): Reason | undefined {
  const index = findNamedField(request, "destination", 0);
  if (index < 0 || findNamedField(request, "destination", index + 1) >= 0) return undefined;
  const { fields } = request;
  const slot = index * FIELD_SLOTS;
  const value = request.text(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!);
  const [, scheme, authority, path] = REFERENCE.exec(value) ?? [];
  if (scheme === undefined || !isOwn(request, scheme.toLowerCase() === "https", authority!)) return undefined;
  const edited = editedPath(path!, edit);
  if (edited === undefined) return reasons.rewrittenTarget;
  fields[slot + FORWARD] = 0;
  const host = address.host === "" ? authority : address.host;
  addField(request, "Destination", `${address.secure ? "https" : "http"}://${host}${edited}`);
  return undefined;
}

/** How an upstream is asked. */
export interface SentAddress {
  readonly secure: boolean;
  /** With its port, as in the field Host. */
  readonly host: string;
}

/** absolute-URI, without a query. */
const REFERENCE = /^(https?):\/\/([^/?#]*)(\/[^?#]*)$/i;

/** The server that the request itself came to. */
function isOwn(request: CanonicalRequest, secure: boolean, authority: string): boolean {
  if (secure !== request.secure) return false;
  const bytes = Buffer.from(authority, "latin1");
  const named = new CanonicalRequest(bytes.length, 1);
  if (writeAuthority(bytes, 0, bytes.length, named) !== undefined) return false;
  const port = secure ? 443 : 80;
  const portOf = (one: CanonicalRequest): number => (one.port === -1 ? port : one.port);
  return named.hostText() === request.hostText() && portOf(named) === portOf(request);
}

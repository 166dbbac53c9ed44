import { editDestination, type SentAddress } from "../http/destination.ts";
import { editRequestFields, type FieldEdits } from "../http/field-edit.ts";
import { type CanonicalRequest, COPY, MOVE } from "../http/request.ts";
import { editTarget, type TargetEdit } from "../http/target-edit.ts";
import { findCookie, findField, type TemplateScope } from "../http/template.ts";
import type { Reason } from "../reason.ts";

/** What a route changes in a request before it goes upstream. Met by snapshot.ts `RouteTransform`. */
interface OutgoingEdits {
  readonly target: TargetEdit | undefined;
  readonly hostLine: Uint8Array | undefined;
  readonly requestFields: FieldEdits | undefined;
  readonly scope: TemplateScope;
}

/**
 * Once for each exchange, behind gates and WAF: they looked at what the client sent. `address`: how the
 * upstream is asked.
 */
export function editOutgoing(
  request: CanonicalRequest,
  { target, hostLine, requestFields, scope }: OutgoingEdits,
  mergeSlashes: boolean,
  address: SentAddress,
): Reason | undefined {
  if (target !== undefined) {
    const refusal = editTarget(request, target, mergeSlashes);
    if (refusal !== undefined) return refusal;
  }
  if (request.method === COPY || request.method === MOVE) {
    const sent = hostLine === undefined ? address : { ...address, host: hostOfLine(hostLine) };
    const refusal = editDestination(request, target, sent);
    if (refusal !== undefined) return refusal;
  }
  request.sentHostLine = hostLine;
  if (requestFields !== undefined) editRequestFields(request, requestFields, scope);
  return undefined;
}

/** Of `Host: …` with CRLF. */
function hostOfLine(line: Uint8Array): string {
  return Buffer.from(line).latin1Slice("Host: ".length, line.length - 2);
}

/** Met by snapshot.ts `SplitTarget`. */
interface Split<T> {
  readonly upstream: T;
  readonly weight: number;
  readonly header: Wanted | undefined;
  readonly cookie: Wanted | undefined;
}

type Wanted = readonly [name: string, value: string | undefined];

/** Met by upstream.ts `Upstream`. */
interface SplitUpstream {
  readonly sticky: { holds(request: CanonicalRequest): boolean } | undefined;
}

/**
 * Where a request goes: to the first that its field or cookie asks for; else to the one that a sticky cookie says it has
 * been to; else by weight. `draw`: 0 to 100, random.
 */
export function chooseSplit<T extends SplitUpstream>(
  request: CanonicalRequest,
  own: T,
  split: readonly Split<T>[],
  draw: number,
): T {
  for (const { upstream, header, cookie } of split) {
    if (header !== undefined && isWanted(findField(request, header[0]), header)) return upstream;
    if (cookie !== undefined && isWanted(findCookie(request, cookie[0]), cookie)) return upstream;
  }
  for (const { upstream, weight } of split)
    if (weight > 0 && upstream.sticky?.holds(request) === true) return upstream;
  if (own.sticky?.holds(request) === true) return own;
  let below = 0;
  for (const { upstream, weight } of split) {
    below += weight;
    if (draw < below) return upstream;
  }
  return own;
}

function isWanted(value: string | undefined, [, wanted]: Wanted): boolean {
  return value !== undefined && (wanted === undefined || value === wanted);
}

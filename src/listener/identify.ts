import { stampIds } from "../http/id-lines.ts";
import type { CanonicalRequest } from "../http/request.ts";
import { type PeerFacts, resolveClientAddress } from "../identity/client-address.ts";
import type { Snapshot } from "../snapshot.ts";
import type { State } from "../state.ts";

/** Gives a request that was just read its ids and its client address, and counts what was taken from it. */
export function identify(request: CanonicalRequest, peer: PeerFacts, snapshot: Snapshot, state: State): void {
  const { counters } = state;
  stampIds(request, state.random, snapshot.tracing, peer.trusted);
  if (request.refusal !== undefined) {
    request.clientAddress = peer.text;
    return;
  }
  const client = resolveClientAddress(request, peer, snapshot.trustedProxies);
  request.clientAddress = client.text;
  request.clientIp = client.address;
  request.clientMalformed = client.malformed;
  if (client.malformed) counters.xffMalformed++;
  counters.scrubbed.override += request.scrubbed;
  counters.scrubbed.name += request.droppedNames;
  if (request.traceReplaced) counters.tracesInvalid++;
}

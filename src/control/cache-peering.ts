import { randomBytes } from "node:crypto";
import { openCachePeers } from "../listener/cache-peers.ts";
import type { State } from "../state.ts";
import { type PeerPlace, PeerRing } from "../upstream/cache-peer.ts";

/** A worker's part in the cache of the whole gateway. */
export interface CachePeering {
  /** The workers that there are now, and the token that they know each other by. */
  adopt(places: readonly PeerPlace[], token: Uint8Array): void;
  /** Answers no more questions that have not begun. */
  close(): void;
}

/** Listens for the other workers, and tells the primary where. */
export function openCachePeering(
  state: State,
  slot: number,
  tellPlace: (place: PeerPlace) => void,
): CachePeering {
  const { cache, clock, wheel, onDefect } = state;
  // Linux: a name that is in no directory, and gone with its process.
  const socket = `\0zion-cache-${randomBytes(16).toString("hex")}`;
  let token: Uint8Array = new Uint8Array(0);
  const ring = new PeerRing(slot, {
    wheel,
    nowMs: () => clock.nowMs(),
    onDefect,
    onAsked: () => {
      cache.counts.peerFetches++;
    },
  });
  cache.peers = ring;
  const server = openCachePeers(socket, () => token, state);
  server.on("listening", () => tellPlace({ slot, socket }));
  return {
    adopt(places, shared) {
      token = shared;
      ring.adopt(places, shared);
    },
    close: () => void server.close(),
  };
}

import { randomBytes } from "node:crypto";
import { TOKEN_BYTES } from "../cache/peer-frame.ts";
import type { PeerPlace } from "../upstream/cache-peer.ts";
import type { ToWorker } from "./messages.ts";

/** Which workers can be asked for stored answers, and where: the primary knows, and tells all of them. */
export class CachePeers {
  readonly #token = randomBytes(TOKEN_BYTES);
  readonly #places = new Map<number, PeerPlace>();

  /** A worker listens. */
  hear(worker: number, place: PeerPlace): void {
    // The one before it in this slot finishes what it has.
    for (const [other, { slot }] of this.#places) if (slot === place.slot) this.#places.delete(other);
    this.#places.set(worker, place);
  }

  /** It is gone, or finishes what it has. True: it was one of them. */
  forget(worker: number): boolean {
    return this.#places.delete(worker);
  }

  news(): ToWorker {
    return { type: "cache_peers", places: [...this.#places.values()], token: this.#token };
  }
}

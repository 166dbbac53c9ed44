import { CanonicalRequest } from "./request.ts";

/** Requests kept for reuse; beyond this they are left to the garbage collector. */
const KEPT_MAX = 256;
/** A request whose arena grew beyond this is not kept: one large head must not cost memory for ever. */
const KEPT_ARENA_BYTES = 32768;

/** Request objects of a worker: an arena is bound to a connection only while an exchange is under way. */
export class RequestPool {
  readonly #free: CanonicalRequest[] = [];

  take(): CanonicalRequest {
    return this.#free.pop() ?? new CanonicalRequest();
  }

  /** The caller keeps no reference. */
  give(request: CanonicalRequest): void {
    if (this.#free.length < KEPT_MAX && request.arena.length <= KEPT_ARENA_BYTES) this.#free.push(request);
  }
}

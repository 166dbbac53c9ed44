import type { Reason } from "../reason.ts";
import { RecentResets } from "./http2-resets.ts";
import type { Http2Stream } from "./http2-stream.ts";
import { StreamTable } from "./http2-stream-table.ts";

/** The streams of one connection: those that are open, and what is known of the others. */
export class Http2Streams {
  readonly #open = new StreamTable<Http2Stream>();
  /** The last one that the client opened. */
  lastId = 0;
  /** How many were opened so far. */
  opened = 0;
  /** Streams whose head came in the read under way: a reset behind it comes before the request goes anywhere. */
  #unserved: Http2Stream[] = [];
  readonly #resets = new RecentResets();

  get size(): number {
    return this.#open.size;
  }

  /** Those of now, the oldest first. */
  all(): readonly Http2Stream[] {
    return this.#open.all();
  }

  get(id: number): Http2Stream | undefined {
    return this.#open.get(id);
  }

  /** Its head is read. It is served when the read is over, or its body asks for it. */
  open(stream: Http2Stream): void {
    this.#open.add(stream);
    this.#unserved.push(stream);
    this.opened++;
  }

  /** The read is over. False: no head came with it. */
  serveAll(): boolean {
    if (this.#unserved.length === 0) return false;
    const unserved = this.#unserved;
    this.#unserved = [];
    for (const stream of unserved) stream.serve();
    return true;
  }

  /** Its body came in the same read. */
  serve(stream: Http2Stream): void {
    if (this.withdraw(stream)) stream.serve();
  }

  /** It is not served any more. False: it was. */
  withdraw(stream: Http2Stream): boolean {
    const at = this.#unserved.indexOf(stream);
    if (at < 0) return false;
    this.#unserved.splice(at, 1);
    return true;
  }

  forget(stream: Http2Stream): void {
    this.#open.delete(stream);
  }

  /** Ends the oldest that has its answer, and of which only the rest of a body is awaited. False: there is none. */
  makePlace(): boolean {
    const stream = this.#open.all().find(({ isLingering }) => isLingering);
    stream?.stopInput();
    return stream !== undefined;
  }

  /** We reset it, and the client may be sending. */
  noteReset(id: number): void {
    this.#resets.add(id);
  }

  wasReset(id: number): boolean {
    return this.#resets.has(id);
  }

  /** The connection ends. */
  closeAll(reason: Reason): void {
    this.#unserved = [];
    for (const stream of this.#open.all()) stream.close(reason);
  }

  /** Some have no end of their own. */
  get lasting(): boolean {
    return this.#open.all().some((stream) => stream.lasting);
  }

  /** Ends those. */
  endLasting(): void {
    for (const stream of this.#open.all()) stream.endStream();
  }

  endCalls(reason: Reason): boolean {
    let some = false;
    for (const stream of this.#open.all()) some = stream.endCall(reason) || some;
    return some;
  }
}

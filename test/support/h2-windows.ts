import { type FrameClient, WINDOW_UPDATE } from "./h2-frames.ts";

/** What the gateway lets a client send: an upload that asks here sends no byte more. */
export class Windows {
  readonly #client: FrameClient;
  readonly #open = new Map<number, number>([[0, 65_535]]);
  #seen = 0;

  constructor(client: FrameClient) {
    this.#client = client;
  }

  of(id: number): number {
    for (; this.#seen < this.#client.frames.length; this.#seen++) {
      const { type, stream, payload } = this.#client.frames[this.#seen]!;
      if (type === WINDOW_UPDATE) this.#add(stream, payload.readUInt32BE(0));
    }
    return Math.min(this.#open.get(0)!, this.#open.get(id) ?? 65_535);
  }

  use(id: number, bytes: number): void {
    for (const one of [0, id]) this.#add(one, -bytes);
  }

  #add(id: number, bytes: number): void {
    this.#open.set(id, (this.#open.get(id) ?? 65_535) + bytes);
  }
}

import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { FrameReader, frame, frameTypes, type Welcome } from "./frame.ts";
import type { AuditEvent } from "./record.ts";

export interface FeedOptions {
  /** Random id of this process, and its number for people (0 = the primary). */
  readonly b: string;
  readonly id: number;
  /** Events that wait for the writer; further ones are dropped, and the log says so. */
  readonly queueMax: number;
  readonly token: string;
  readonly connect: () => Socket;
}

interface Waiting {
  /** Events [from, n]; only of a drop there is more than one. */
  readonly from: number;
  readonly n: number;
  readonly text: string;
  readonly type: number;
}

/**
 * A process's way to the writer. Events are numbered without a gap and kept until the writer has them on the disk: after
 * a restart of the writer they are sent again, and it leaves out what it knows. Reporting never waits and never fails:
 * what does not fit is dropped, counted, and told to the log as a range.
 */
export class AuditFeed {
  dropped = 0;
  readonly #options: FeedOptions;
  #queue: Waiting[] = [];
  /** Position of the first that is not acknowledged, and of the first that is not sent. */
  #head = 0;
  #sent = 0;
  #n = 0;
  /** The last that is durable. */
  #durable = 0;
  /** As whom it reports, and what is taken off its numbers there. */
  #b: string;
  #base = 0;
  #dropFrom = 0;
  #credit = 0;
  #socket: Socket | undefined;
  #isWelcome = false;
  #isFull = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #promises: { readonly n: number; settle(isDurable: boolean): void }[] = [];
  #emptied: (() => void) | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#b = options.b;
    this.#open();
  }

  /** The writer takes events. */
  get isUp(): boolean {
    return this.#isWelcome && !this.#isFull;
  }

  /** Events that are not durable yet. */
  get waiting(): number {
    return this.#queue.length - this.#head;
  }

  /** Reports what nobody waits for. */
  report(event: AuditEvent): void {
    if (this.waiting >= this.#options.queueMax) {
      this.dropped++;
      this.#n++;
      if (this.#dropFrom === 0) this.#dropFrom = this.#n;
      return;
    }
    this.#tellDrop();
    this.#add(JSON.stringify(event), frameTypes.event);
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  /** Reports what must be on record before it has an effect. False: it could not be, within `withinMs`. */
  must(event: AuditEvent, withinMs: number): Promise<boolean> {
    if (this.waiting >= this.#options.queueMax + MUST_MAX) return Promise.resolve(false);
    this.#tellDrop();
    this.#add(JSON.stringify(event), frameTypes.must);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(resolve, withinMs, false);
    this.#promises.push({
      n: this.#n,
      settle(isDurable) {
        clearTimeout(timer);
        resolve(isDurable);
      },
    });
    this.#flush();
    return promise;
  }

  /** Resolves when everything is durable, or after `withinMs`. Nothing more is sent then. */
  async close(withinMs: number): Promise<void> {
    this.#tellDrop();
    this.#flush();
    if (this.waiting > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#emptied = resolve;
      const timer = setTimeout(resolve, withinMs);
      await promise;
      clearTimeout(timer);
    }
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { settle } of this.#promises.splice(0)) settle(false);
    this.#socket?.destroy();
  }

  /** Before the next event, while there is room: which ones were dropped. */
  #tellDrop(): void {
    if (this.#dropFrom === 0) return;
    const count = this.#n - this.#dropFrom + 1;
    this.#queue.push({ from: this.#dropFrom, n: this.#n, text: String(count), type: frameTypes.drop });
    this.#dropFrom = 0;
  }

  #add(text: string, type: number): void {
    this.#n++;
    this.#queue.push({ from: this.#n, n: this.#n, text, type });
  }

  #open(): void {
    const socket = this.#options.connect();
    const reader = new FrameReader();
    this.#socket = socket;
    socket.unref();
    socket.on("connect", () => {
      const { token, id } = this.#options;
      socket.write(frame(frameTypes.hello, JSON.stringify({ token, b: this.#b, id })));
    });
    socket.on("data", (chunk: Buffer) => {
      reader.push(chunk);
      for (let next = reader.next(); next !== undefined; next = reader.next()) {
        if (next === "too_long") {
          socket.destroy();
          return;
        }
        this.#hear(next.type, next.payload);
      }
    });
    // 'close' follows.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#isWelcome = false;
      if (!this.#isClosed) setTimeout(() => this.#isClosed || this.#open(), RECONNECT_MS).unref();
    });
  }

  #hear(type: number, payload: Buffer): void {
    if (type === frameTypes.acknowledged) {
      this.#acknowledge(payload.readDoubleLE() + this.#base);
    } else if (type === frameTypes.state) {
      this.#isFull = payload[0] === 1;
    } else if (type === frameTypes.welcome) {
      const { n, credit, isNew } = JSON.parse(payload.toString()) as Welcome;
      if (isNew && this.#durable > this.#base) {
        this.#beginAnew();
        return;
      }
      this.#credit = credit;
      this.#isWelcome = true;
      this.#isFull = false;
      this.#sent = this.#head;
      this.#acknowledge(n + this.#base);
    }
    this.#flush();
  }

  /**
   * The writer does not know this process: it had to begin another log, or took a long silence for the end. There the
   * first number is 1, and what comes in the middle is refused; so from here on this is another source.
   */
  #beginAnew(): void {
    this.#b = randomBytes(8).toString("hex");
    this.#base = this.#durable;
    this.#socket?.destroy();
  }

  #acknowledge(n: number): void {
    this.#durable = Math.max(this.#durable, n);
    while (this.#head < this.#queue.length && this.#queue[this.#head]!.n <= n) this.#head++;
    this.#sent = Math.max(this.#sent, this.#head);
    while (this.#promises.length > 0 && this.#promises[0]!.n <= n) this.#promises.shift()!.settle(true);
    if (this.#head > COMPACT_AT) {
      this.#queue = this.#queue.slice(this.#head);
      this.#sent -= this.#head;
      this.#head = 0;
    }
    if (this.waiting < this.#options.queueMax) this.#tellDrop();
    if (this.waiting === 0) this.#emptied?.();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isWelcome) return;
    const frames: Buffer[] = [];
    const until = Math.min(this.#queue.length, this.#head + this.#credit);
    for (; this.#sent < until; this.#sent++) {
      const { type, text, n } = this.#queue[this.#sent]!;
      frames.push(frame(type, text, n - this.#base));
    }
    if (frames.length > 0) this.#socket!.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
  }
}

/** Events of one turn and its neighbours leave in one write. */
const FLUSH_MS = 10;
const RECONNECT_MS = 200;
/** Room beyond the queue for what somebody waits for. */
const MUST_MAX = 256;
const COMPACT_AT = 4096;

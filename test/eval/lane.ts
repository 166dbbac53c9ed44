import net from "node:net";
import { bytesOf, type EvalCase } from "./case.ts";
import type { Answer } from "./verdict.ts";

/** One client that sends a request at a time and keeps its connection while it can be trusted. */
export class Lane {
  readonly #port: number;
  readonly #timeoutMs: number;
  #socket: net.Socket | undefined;

  constructor(port: number, timeoutMs: number) {
    this.#port = port;
    this.#timeoutMs = timeoutMs;
  }

  /** Never throws: what the network does to a request is part of its answer. */
  async send(one: EvalCase): Promise<Answer> {
    // Hand-made bytes may leave a rest on the connection that the next request would answer for.
    const alone = !isPlainlyFramed(one);
    if (alone) this.close();
    const reused = this.#socket !== undefined;
    let { answer, keep } = await this.#exchange(one);
    // The other side may have closed an idle connection just as we wrote: that says nothing about the request.
    if (reused && answer.status === 0 && !answer.timedOut) {
      this.close();
      ({ answer, keep } = await this.#exchange(one));
    }
    if (!keep || alone) this.close();
    return answer;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #exchange(one: EvalCase): Promise<{ readonly answer: Answer; readonly keep: boolean }> {
    this.#socket ??= net.connect({ host: "127.0.0.1", port: this.#port, noDelay: true });
    const socket = this.#socket;
    return new Promise((resolve) => {
      let received: Buffer = Buffer.alloc(0);
      const finish = (answer: Answer, keep: boolean): void => {
        clearTimeout(timer);
        socket.removeAllListeners();
        // Errors of a connection that is given up mean nothing.
        socket.on("error", () => undefined);
        resolve({ answer, keep });
      };
      const timer = setTimeout(() => finish({ ...nothing, timedOut: true }, false), this.#timeoutMs);
      socket.on("data", (bytes) => {
        received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
        const found = readAnswer(received, one.method, false);
        if (found !== undefined) finish(found.answer, found.keep);
      });
      const over = (): void => finish(readAnswer(received, one.method, true)?.answer ?? nothing, false);
      socket.on("end", over);
      socket.on("close", over);
      socket.on("error", () => undefined);
      socket.write(bytesOf(one));
    });
  }
}

const nothing: Answer = {
  status: 0,
  forwarded: false,
  hazard: undefined,
  text: "",
  requestId: "",
  timedOut: false,
};

/** Whether the request ends where its body ends, so that nothing of it can stay on the connection. */
function isPlainlyFramed({ raw, headers, body }: EvalCase): boolean {
  if (raw !== undefined) return false;
  const lengths = headers.filter(([name]) => /^content-length$/i.test(name));
  if (headers.some(([name]) => /^(?:transfer-encoding|expect|upgrade|connection)$/i.test(name))) return false;
  return lengths.length === 0 || (lengths.length === 1 && Number(lengths[0]![1]) === body.length);
}

/** The first final answer in `bytes`; undefined while it is not whole, unless the connection is `over`. */
export function readAnswer(
  bytes: Buffer,
  method: string,
  over: boolean,
): { readonly answer: Answer; readonly keep: boolean } | undefined {
  let from = 0;
  for (;;) {
    const headEnd = bytes.indexOf("\r\n\r\n", from);
    if (headEnd < 0) return undefined;
    const head = bytes.toString("latin1", from, headEnd + 2);
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0);
    from = headEnd + 4;
    if (status >= 100 && status < 200 && status !== 101) continue;
    const field = (name: string): string | undefined =>
      new RegExp(`\\r\\n${name}:[ \\t]*(.*?)[ \\t]*\\r\\n`, "i").exec(head)?.[1];
    const bodyless = method === "HEAD" || status === 204 || status === 304;
    const length = bodyless ? 0 : Number(field("content-length") ?? Number.NaN);
    const whole = bytes.length - from >= length;
    // Our origins and the gateway's own answers state a length; anything else ends with its connection.
    if (!whole && !over) return undefined;
    return {
      answer: {
        status,
        forwarded: field("x-upstream") === "1",
        hazard: field("x-hazard"),
        text: bytes.toString("latin1", from, Math.min(bytes.length, from + 200)),
        requestId: field("x-request-id") ?? "",
        timedOut: false,
      },
      keep: whole && bytes.length - from === length && field("connection")?.toLowerCase() !== "close",
    };
  }
}

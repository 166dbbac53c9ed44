import { connect, field, type RawClient } from "./raw-client.ts";

/** Clients that ask one request after the other over kept connections, and note everything that goes wrong. */
export interface Load {
  /** Requests answered as they should be. */
  readonly done: () => number;
  /** Requests sent and not yet answered. */
  readonly inFlight: () => number;
  readonly failures: readonly LoadFailure[];
  /** Resolves when `count` more requests have been answered; throws after `deadlineMs`. */
  more(count: number, deadlineMs?: number): Promise<void>;
  /** Resolves when every client has ended its last request. */
  stop(): Promise<void>;
}

export interface LoadFailure {
  /** `lost`: the connection ended inside an exchange. `hung`: no answer within the deadline. */
  readonly kind: "refused" | "lost" | "hung" | "wrong";
  readonly afterMs: number;
  readonly detail: string;
}

export interface LoadOptions {
  readonly connections: number;
  /** A request without an answer for this long hangs. */
  readonly deadlineMs?: number;
  /** Whether a client whose connection has ended makes another one. Default: always. */
  readonly reconnects?: () => boolean;
}

/** The origin must answer every request with its target as the body. */
export function startLoad(port: number, options: LoadOptions): Load {
  const deadlineMs = options.deadlineMs ?? 5000;
  const failures: LoadFailure[] = [];
  let done = 0;
  let inFlight = 0;
  let stopping = false;

  /** One request. Whether the connection can take another one. */
  const exchange = async (client: RawClient, target: string): Promise<boolean> => {
    const startedMs = performance.now();
    const fail = (kind: LoadFailure["kind"], detail: string): false => {
      failures.push({ kind, afterMs: performance.now() - startedMs, detail: `${target}: ${detail}` });
      return false;
    };
    inFlight++;
    client.send(`GET ${target} HTTP/1.1\r\nHost: load.test\r\n\r\n`);
    const timer = setTimeout(() => client.destroy(), deadlineMs);
    const answer = await client.answer().catch((error: Error) => error);
    clearTimeout(timer);
    inFlight--;
    if (answer instanceof Error) return fail("wrong", answer.message);
    if (answer === undefined || answer.end === "cut") {
      return performance.now() - startedMs >= deadlineMs
        ? fail("hung", "")
        : fail("lost", client.error?.code ?? "end");
    }
    if (answer.status !== 200 || answer.body.toString() !== target) return fail("wrong", answer.statusLine);
    done++;
    return field(answer, "connection") !== "close";
  };

  const runClient = async (index: number): Promise<void> => {
    for (let connection = 0; !stopping; connection++) {
      if (connection > 0 && options.reconnects?.() === false) return;
      const client = await connect(port, { deadlineMs: 120_000 }).catch((error: Error) => error);
      if (client instanceof Error) {
        failures.push({ kind: "refused", afterMs: 0, detail: client.message });
        await pause(20);
        continue;
      }
      // A new connection now and then: accepting is a part of the load.
      for (let n = 0; n < 50 && !stopping; n++) {
        if (!(await exchange(client, `/${index}/${connection}/${n}`))) break;
      }
      client.destroy();
    }
  };
  const clients = Array.from({ length: options.connections }, (_, index) => runClient(index));

  return {
    done: () => done,
    inFlight: () => inFlight,
    failures,
    async more(count, limitMs = 20_000) {
      const target = done + count;
      const until = performance.now() + limitMs;
      while (done < target) {
        if (performance.now() > until) throw new Error(`only ${done} of ${target} requests were answered`);
        await pause(10);
      }
    },
    async stop() {
      stopping = true;
      await Promise.all(clients);
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

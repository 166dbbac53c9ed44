import net from "node:net";
import { systemClock } from "../std/clock.ts";

export interface LoadPlan {
  readonly port: number;
  /** One whole HTTP/1.1 request; its answer must declare its length. */
  readonly request: Uint8Array;
  /** Requests per second, whatever the answers do. */
  readonly rate: number;
  readonly durationMs: number;
  /** Kept alive; a request that is due while all are busy waits, and its time counts. */
  readonly connections: number;
}

export interface LoadResult {
  /** From when a request was due to the end of its answer: ms, sorted. */
  readonly latenciesMs: Float64Array;
  /** No answer, or one that is not 200. */
  readonly failed: number;
}

/** A request that was never answered ends the run this long after its last one was due. */
const patienceMs = 5000;

/**
 * Sends requests at a fixed rate to 127.0.0.1 and measures each from the moment it was due, not from when a connection
 * was free: a gateway that stalls for a second is seen by all that should have been sent in that second (coordinated
 * omission).
 */
export async function generateLoad(plan: LoadPlan): Promise<LoadResult> {
  const { rate, durationMs, connections } = plan;
  const total = Math.floor((rate * durationMs) / 1000);
  const latencies = new Float64Array(total);
  let answered = 0;
  let failed = 0;
  let next = 0;
  const free: Client[] = [];
  const clients = await Promise.all(
    Array.from({ length: connections }, () =>
      connect(plan.port, (client, dueMs, fine) => {
        if (fine) latencies[answered++] = systemClock.nowMs() - dueMs;
        else failed++;
        if (!client.broken) free.push(client);
      }),
    ),
  );
  free.push(...clients);
  const startMs = systemClock.nowMs();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const nowMs = systemClock.nowMs();
      while (next < total && free.length > 0) {
        const dueMs = startMs + (next * 1000) / rate;
        if (dueMs > nowMs) break;
        next++;
        free.pop()!.send(plan.request, dueMs);
      }
      const over = nowMs - startMs > durationMs + patienceMs;
      if (!over && answered + failed < total) return;
      failed += total - answered - failed;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  for (const client of clients) client.close();
  return { latenciesMs: latencies.subarray(0, answered).sort(), failed };
}

/** The value below which a share of sorted values lies; NaN without values. */
export function percentile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
}

interface Client {
  broken: boolean;
  send(request: Uint8Array, dueMs: number): void;
  close(): void;
}

type Answered = (client: Client, dueMs: number, fine: boolean) => void;

async function connect(port: number, answered: Answered): Promise<Client> {
  const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  let dueMs = -1;
  let input = "";
  const client: Client = {
    broken: false,
    send(request, due) {
      dueMs = due;
      input = "";
      socket.write(request);
    },
    close: () => void socket.destroy(),
  };
  const end = (fine: boolean): void => {
    if (dueMs < 0) return;
    const due = dueMs;
    dueMs = -1;
    answered(client, due, fine);
  };
  socket.on("data", (bytes: Buffer) => {
    input += bytes.toString("latin1");
    const head = input.indexOf("\r\n\r\n");
    if (head < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(input.slice(0, head))?.[1];
    if (length !== undefined && input.length < head + 4 + Number(length)) return;
    end(input.startsWith("HTTP/1.1 200 "));
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    client.broken = true;
    end(false);
  });
  return client;
}

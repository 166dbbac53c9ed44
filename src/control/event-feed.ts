import type { Decision } from "../record/decision-log.ts";
import type { Clock } from "../std/clock.ts";
import type { AdminEndpoint } from "./admin.ts";
import { type ControlSink, formatVersion, json } from "./control-listener.ts";
import { shownDecision } from "./decision-ring.ts";

const CLIENTS_MAX = 8;
/** Decisions a second; the ring has more of them. */
const DECISIONS_PER_SEC = 50;
/** What one client has not taken; beyond, it misses events. */
const UNSENT_BYTES_MAX = 262_144;
/** Between two comments that keep what is in between from closing an idle connection. */
const HEARTBEAT_MS = 15_000;
/** Heartbeats that a client does not take before its place is given away. */
const STUCK_HEARTBEATS = 4;

export type EventName = "decision" | "generation" | "worker_exit" | "drain";

/** What happens, told to operators who watch. */
export interface EventFeed {
  publish(name: EventName, data: object): void;
  /** At most 50 a second are told. */
  publishDecisions(decisions: readonly Decision[]): void;
  readonly endpoint: AdminEndpoint;
  /** Who was let in under other rules has to come again. */
  endAll(): void;
}

export interface EventFeedOptions {
  readonly generation: () => number;
  readonly onDropped: (count: number) => void;
  readonly clock: Clock;
}

interface Client {
  readonly sink: ControlSink;
  /** Events since it fell behind. */
  missed: number;
  stuck: number;
}

export function createEventFeed({ generation, onDropped, clock }: EventFeedOptions): EventFeed {
  const clients = new Set<Client>();
  let windowMs = -Infinity;
  let told = 0;

  const send = (client: Client, text: string) => {
    const { sink } = client;
    if (sink.unsentBytes > UNSENT_BYTES_MAX) {
      client.missed++;
      return onDropped(1);
    }
    if (client.missed > 0) {
      sink.write(printEvent("dropped", { count: client.missed }));
      client.missed = 0;
    }
    sink.write(text);
  };

  const beat = (client: Client, text: string) => {
    client.stuck = client.sink.unsentBytes > UNSENT_BYTES_MAX ? client.stuck + 1 : 0;
    if (client.stuck >= STUCK_HEARTBEATS) client.sink.end();
    else if (client.stuck === 0) client.sink.write(text);
  };

  const join = (sink: ControlSink) => {
    const client: Client = { sink, missed: 0, stuck: 0 };
    const timer = setInterval(() => beat(client, ": still here\n\n"), HEARTBEAT_MS);
    timer.unref();
    clients.add(client);
    sink.onClose(() => {
      clearInterval(timer);
      clients.delete(client);
    });
    sink.write(printEvent("hello", { format_version: formatVersion, generation: generation() }));
  };

  const tellAll = (name: EventName, data: object) => {
    const text = printEvent(name, data);
    for (const client of clients) send(client, text);
  };

  return {
    publish(name, data) {
      if (clients.size > 0) tellAll(name, data);
    },
    publishDecisions(decisions) {
      if (clients.size === 0) return;
      const nowMs = clock.nowMs();
      if (nowMs - windowMs >= 1000) {
        windowMs = nowMs;
        told = 0;
      }
      const room = Math.max(0, DECISIONS_PER_SEC - told);
      const some = decisions.slice(0, room);
      told += some.length;
      for (const decision of some) tellAll("decision", shownDecision(decision));
      const left = (decisions.length - some.length) * clients.size;
      if (left === 0) return;
      for (const client of clients) client.missed += decisions.length - some.length;
      onDropped(left);
    },
    endAll() {
      for (const { sink } of clients) sink.end();
    },
    endpoint: {
      method: "GET",
      path: "/v1/events",
      role: "read",
      does: "what happens, as server-sent events: decision (at most 50 a second), generation, worker_exit, drain; dropped says how many are missing",
      answer: () =>
        clients.size >= CLIENTS_MAX
          ? json(503, { error: `${CLIENTS_MAX} clients listen already` })
          : { status: 200, type: "text/event-stream", body: "", stream: join },
    },
  };
}

function printEvent(name: EventName | "hello" | "dropped", data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

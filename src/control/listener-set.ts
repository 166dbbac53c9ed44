import type { Config } from "../config/config.ts";
import type { ListenerName } from "./edge.ts";
import {
  type BequeathedSocket,
  type ListenerSlots,
  openSlots,
  type SlotOptions,
  type WantedListener,
} from "./slots.ts";

/** Listeners of the next configuration: bound, but nobody accepts on what is new. */
export interface ListenerChange {
  readonly listeners: readonly ListenerSlots[];
  /** The workers have been told: lets go of what is no longer wanted. */
  commit(): void;
  discard(): void;
}

/** The sockets of all traffic listeners, through reloads. */
export interface ListenerSet {
  readonly current: readonly ListenerSlots[];
  /** Binds what is missing, for that many workers. Throws BindError, and then nothing has changed. */
  prepare(wanted: readonly WantedListener[], slotCount: number): Promise<ListenerChange>;
  /** What a later version inherits. */
  sockets(): readonly BequeathedSocket[];
  close(): void;
}

/** Binds all listeners or none. Throws BindError. */
export async function openListeners(
  wanted: readonly WantedListener[],
  slotCount: number,
  options: SlotOptions = {},
): Promise<ListenerSet> {
  let current = await openSlots(wanted, slotCount, options);
  return {
    get current() {
      return current;
    },
    async prepare(next, count) {
      const undo: (() => void)[] = [];
      const listeners: ListenerSlots[] = [];
      const discard = () => {
        for (const step of undo) step();
      };
      try {
        for (const listener of next) {
          const kept = current.find((slots) => isFor(slots, listener));
          if (kept === undefined) {
            const [opened] = await openSlots([listener], count, { besides: current });
            undo.push(() => opened!.close());
            listeners.push(opened!);
          } else {
            undo.push(kept.reserve(count));
            listeners.push(kept);
          }
        }
      } catch (error) {
        discard();
        throw error;
      }
      return {
        listeners,
        commit() {
          for (const slots of current) if (!listeners.includes(slots)) slots.close();
          current = listeners;
        },
        discard,
      };
    },
    sockets: () => current.flatMap((slots) => slots.sockets()),
    close() {
      for (const slots of current) slots.close();
    },
  };
}

/** As it was asked for: a port 0 stays the port that it became. */
function isFor({ name, asked }: ListenerSlots, wanted: WantedListener): boolean {
  return name === wanted.name && asked.host === wanted.address.host && asked.port === wanted.address.port;
}

/** What a configuration wants to listen on. */
export function wantedListeners({ server }: Config): readonly WantedListener[] {
  const all: readonly { name: ListenerName; address: WantedListener["address"] | undefined }[] = [
    { name: "https", address: server.listenHttps },
    { name: "http", address: server.listenHttp },
  ];
  return all.filter((listener): listener is WantedListener => listener.address !== undefined);
}

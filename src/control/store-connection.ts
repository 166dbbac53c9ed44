import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { LimitStoreConfig } from "../config/config.ts";

/** A script that the store runs as one step, and its name there. */
export interface StoreScript {
  readonly text: string;
  readonly sha1: string;
}

export function storeScript(text: string): StoreScript {
  return { text, sha1: createHash("sha1").update(text).digest("hex") };
}

/** A connection that is logged in. */
export interface StoreConnection {
  /** Rejects when the store refuses, or does not answer in time: then nothing is known, and the connection is of no use. */
  run(script: StoreScript, keys: readonly string[], values: readonly string[]): Promise<readonly unknown[]>;
  close(): void;
}

/** `onLost` is called at most once, for a connection that ends by itself. */
export type OpenStore = (
  config: LimitStoreConfig,
  onLost: (cause: Error) => void,
) => Promise<StoreConnection>;

/**
 * Opens a connection by the client library, without what it would do by itself: no second tries, no queue while it is not
 * connected, no commands of its own but AUTH and SELECT. Rejects within `connectTimeoutMs`.
 */
export const openStore: OpenStore = async (config, onLost) => {
  const { client, close } = await openClient(config, onLost);
  const send = (command: readonly string[]): Promise<unknown> => client.sendCommand([...command]);
  return {
    async run(script, keys, values) {
      const rest = [String(keys.length), ...keys, ...values];
      const answer = send(["EVALSHA", script.sha1, ...rest]).catch((cause: unknown) => {
        // The store was restarted, or its scripts were flushed; this teaches it.
        if (!String(cause).includes("NOSCRIPT")) throw cause;
        return send(["EVAL", script.text, ...rest]);
      });
      const result = await within(config.commandTimeoutMs, "command", answer);
      if (!Array.isArray(result)) throw new Error("the store answered something else than a list");
      return result;
    },
    close,
  };
};

/** A connection that only listens to one channel. */
export type OpenSubscription = (
  config: LimitStoreConfig,
  channel: string,
  onMessage: (text: string) => void,
  onLost: (cause: Error) => void,
) => Promise<Pick<StoreConnection, "close">>;

export const openSubscription: OpenSubscription = async (config, channel, onMessage, onLost) => {
  const { client, close } = await openClient(config, onLost);
  try {
    await within(config.commandTimeoutMs, "subscribe", client.subscribe(channel, onMessage));
  } catch (cause) {
    close();
    throw cause;
  }
  return { close };
};

/** Logged in. `close` twice is once. */
async function openClient(config: LimitStoreConfig, onLost: (cause: Error) => void) {
  // Gateways without a store do not load it.
  const { createClient } = await import("@redis/client");
  const password = config.passwordFile === undefined ? undefined : await readPassword(config.passwordFile);
  const { host, port, connectTimeoutMs } = config;
  const common = { host, port, connectTimeout: connectTimeoutMs, reconnectStrategy: false } as const;
  const client = createClient({
    ...(config.username === undefined ? {} : { username: config.username }),
    ...(password === undefined ? {} : { password }),
    database: config.database,
    RESP: 2,
    disableClientInfo: true,
    disableOfflineQueue: true,
    socket: config.tls
      ? {
          ...common,
          tls: true,
          minVersion: "TLSv1.2",
          // Asked for and verified. An address cannot be asked for, and Node verifies it by the host then.
          servername: config.serverName ?? (isIP(host) === 0 ? host : ""),
          ...(config.caPem === undefined ? {} : { ca: config.caPem }),
        }
      : common,
  });
  let isOpen = false;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    client.destroy();
  };
  client.on("error", (cause: Error) => {
    if (!isOpen) return;
    close();
    onLost(cause);
  });
  try {
    await within(connectTimeoutMs, "connect", client.connect());
  } catch (cause) {
    if (client.isOpen) client.destroy();
    throw cause;
  }
  isOpen = true;
  return { client, close };
}

async function readPassword(file: string): Promise<string> {
  return (await readFile(file, "utf8")).replace(/\r?\n$/, "");
}

/** Rejects after `ms`; what `promise` becomes then is of no interest. */
async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer within ${ms} ms`)), ms);
  });
  promise.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

import type { LimitStoreConfig } from "../config/config.ts";
import { clusterId } from "../mesh/envelope.ts";
import {
  type OpenStore,
  type OpenSubscription,
  openStore,
  openSubscription,
  type StoreConnection,
  storeScript,
} from "./store-connection.ts";

/** A store that nobody needs to ask is asked this often whether it lives. */
const beatMs = 1000;
/** First pause before another try, and the longest. */
const retryFirstMs = 100;
const retryLongestMs = 2000;
/** Envelopes in one call; base64 of 2 KiB each. */
const envelopesPerCall = 64;
/** Envelopes that wait to be published: more are lost here, and found by the others when they compare. */
const outboxMax = 4096;
/** Of base64: whatever is longer is no envelope. */
const textMax = 2732;
/** Calls that one fetch makes at most: whoever fills a hash costs a bounded time. */
const fetchCallsMax = 512;

/** Hash of revocations and policies, which all edges keep together. */
export const DECREES = "decrees";

/** Where the edges of a cluster meet; names of their hashes begin so, too. */
export function channelOf(cluster: string): string {
  return `zion:mesh:${clusterId(cluster)}`;
}

export interface MeshLinkOptions {
  readonly config: LimitStoreConfig;
  /** `channelOf`. */
  readonly channel: string;
  /** Whatever anybody published there. */
  readonly onEnvelope: (bytes: Buffer) => void;
  readonly onUp: () => void;
  readonly onDown: (problem: string) => void;
  readonly open?: OpenStore;
  readonly subscribe?: OpenSubscription;
  /** 0 ≤ x < 1 */
  readonly random?: () => number;
}

/** The way to the other edges: a channel for what is new, and a hash of each edge for who comes late. */
export interface MeshLink {
  readonly isUp: boolean;
  /** At most once each; dropped while the store is gone. */
  publish(envelopes: readonly Buffer[]): void;
  /** Replaces what `hash` holds. False: it could not. */
  keep(hash: string, envelopes: readonly Buffer[]): Promise<boolean>;
  /** What `hash` holds, in parts, as far as it looks like envelopes. Ends early where the store is gone. */
  fetch(hash: string): AsyncGenerator<readonly Buffer[]>;
  readonly errors: number;
  readonly dropped: number;
  close(): void;
}

export function openMeshLink(options: MeshLinkOptions): MeshLink {
  const { config, channel, onEnvelope, open = openStore, subscribe = openSubscription } = options;
  const { random = Math.random } = options;
  let store: StoreConnection | undefined;
  let subscription: Pick<StoreConnection, "close"> | undefined;
  /** Of the connections or the try under way; what belongs to older ones is dropped. */
  let epoch = 0;
  let retryMs = retryFirstMs;
  let timer: NodeJS.Timeout | undefined;
  let outbox: Buffer[] = [];
  let isSending = false;
  let errors = 0;
  let dropped = 0;

  const disconnect = (): void => {
    epoch++;
    clearTimeout(timer);
    store?.close();
    subscription?.close();
    store = subscription = undefined;
    dropped += outbox.length;
    outbox = [];
  };

  const fail = (of: number, cause: unknown): void => {
    if (of !== epoch) return;
    disconnect();
    errors++;
    options.onDown(cause instanceof Error ? cause.message : String(cause));
    // With up to half of it less, so that many edges do not knock together.
    timer = setTimeout(() => void connect(), retryMs * (1 - random() / 2));
    retryMs = Math.min(retryMs * 2, retryLongestMs);
  };

  const connect = async (): Promise<void> => {
    const mine = ++epoch;
    const isMine = () => mine === epoch;
    try {
      const listening = await subscribe(
        config,
        channel,
        (text) => {
          if (isMine()) onEnvelope(bytesOf(text));
        },
        (cause) => fail(mine, cause),
      );
      if (!isMine()) return listening.close();
      subscription = listening;
      const opened = await open(config, (cause) => fail(mine, cause));
      if (!isMine()) return opened.close();
      await opened.run(beatScript, [], []);
      if (!isMine()) return opened.close();
      store = opened;
      retryMs = retryFirstMs;
      timer = setTimeout(() => void beat(mine), beatMs);
      options.onUp();
    } catch (cause) {
      fail(mine, cause);
    }
  };

  const beat = async (mine: number): Promise<void> => {
    await run(beatScript, [], []);
    if (mine === epoch) timer = setTimeout(() => void beat(mine), beatMs);
  };

  /** Undefined: the connection is gone. */
  const run = async (
    script: typeof beatScript,
    keys: readonly string[],
    values: readonly string[],
  ): Promise<readonly unknown[] | undefined> => {
    const mine = epoch;
    try {
      return await store?.run(script, keys, values);
    } catch (cause) {
      fail(mine, cause);
      return undefined;
    }
  };

  /** One call at a time: a slow store gets no queue of them. */
  const send = async (): Promise<void> => {
    if (isSending) return;
    isSending = true;
    while (store !== undefined && outbox.length > 0)
      await run(publishScript, [channel], outbox.splice(0, envelopesPerCall).map(textOf));
    isSending = false;
  };

  void connect();
  return {
    get isUp() {
      return store !== undefined;
    },
    publish(envelopes) {
      const room = store === undefined ? 0 : outboxMax - outbox.length;
      dropped += Math.max(0, envelopes.length - room);
      outbox.push(...envelopes.slice(0, room));
      void send();
    },
    async keep(hash, envelopes) {
      let at = 0;
      do {
        const part = envelopes.slice(at, at + envelopesPerCall);
        const isLast = at + part.length >= envelopes.length;
        const values = [String(at), isLast ? "1" : "0", ...part.map(textOf)];
        if ((await run(keepScript, [`${channel}:${hash}`], values)) === undefined) return false;
        at += part.length;
      } while (at < envelopes.length);
      return true;
    },
    async *fetch(hash) {
      let cursor = "0";
      for (let call = 0; call < fetchCallsMax; call++) {
        const answer = await run(fetchScript, [`${channel}:${hash}`], [cursor]);
        const [next, ...texts] = answer ?? [];
        if (typeof next !== "string") return;
        yield texts.filter((text) => typeof text === "string").map(bytesOf);
        cursor = next;
        if (cursor === "0") return;
      }
    },
    get errors() {
      return errors;
    },
    get dropped() {
      return dropped;
    },
    close: disconnect,
  };
}

/** Text, so that people see with any client what is there. */
function textOf(bytes: Buffer): string {
  return bytes.toString("base64url");
}

/** Empty for what is too long to be an envelope. */
function bytesOf(text: string): Buffer {
  return text.length > textMax ? Buffer.alloc(0) : Buffer.from(text, "base64url");
}

const beatScript = storeScript("return {1}");

const publishScript =
  storeScript(`for _, envelope in ipairs(ARGV) do redis.call('PUBLISH', KEYS[1], envelope) end
return {#ARGV}`);

/** ARGV: number of the first, whether these are the last, envelopes. Gone after two hours without its edge. */
const keepScript = storeScript(`local at = tonumber(ARGV[1])
for i = 3, #ARGV do
  redis.call('HSET', KEYS[1], at, ARGV[i])
  at = at + 1
end
if ARGV[2] == '1' then
  while redis.call('HDEL', KEYS[1], at) == 1 do at = at + 1 end
end
redis.call('EXPIRE', KEYS[1], 7200)
return {at}`);

/** What is longer than an envelope stays there: nobody makes an edge read megabytes. */
const fetchScript = storeScript(`local answer = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 64)
local found = {answer[1]}
for i = 2, #answer[2], 2 do
  if #answer[2][i] <= ${textMax} then found[#found + 1] = answer[2][i] end
end
return found`);

import net from "node:net";
import type { HttpChallenge, TlsChallenge } from "../respond/acme-challenges.ts";
import { StateError, StateLock } from "./state-lock.ts";

/** What workers answer CAs with; none = no order is under way. */
export interface Challenges {
  readonly http: readonly HttpChallenge[];
  readonly tls: readonly TlsChallenge[];
}

export const noChallenges: Challenges = { http: [], tls: [] };

export interface AcmeShareOptions {
  readonly directory: string;
  /** From now on this gateway orders, and no other. */
  readonly onElected: () => void;
  /** Gives them to the workers of this gateway; true = all have them. */
  readonly tellWorkers: (challenges: Challenges) => Promise<boolean>;
  /** The directory cannot be used; undefined = it can again. */
  readonly onProblem: (problem: string | undefined) => void;
}

/**
 * Gateways of one machine with one directory. Whoever has its lock orders for all; the others hear of challenges over
 * the lock's socket, because the CA may come to any of them. A gateway that dies loses the lock with its process, and
 * the next one goes on with what is in the directory.
 */
export interface AcmeShare {
  readonly isElected: boolean;
  /** To the workers of all gateways; true = all have them. Only the elected one tells. */
  tell(challenges: Challenges): Promise<boolean>;
  close(): void;
}

/** As it travels. */
interface Told extends Challenges {
  readonly revision: number;
}

/** For the answer of another gateway. */
const ackWithinMs = 3000;
const retryMs = 1000;
/** A line of the socket: 100 challenges with their certificates are 200 kB. */
const LINE_LENGTH_MAX = 1_048_576;

export function openAcmeShare(options: AcmeShareOptions): AcmeShare {
  const { directory, tellWorkers } = options;
  /** Each with what is to happen when it has said that it has this many, or has ended. */
  const followers = new Map<net.Socket, (revision: number) => void>();
  let lock: StateLock | undefined;
  let isElected = false;
  let isClosed = false;
  let leader: net.Socket | undefined;
  let timer: NodeJS.Timeout | undefined;
  let current: Told = { revision: 0, ...noChallenges };

  const stand = async (): Promise<void> => {
    try {
      lock ??= await StateLock.open(directory, serve);
      if (isClosed) return lock.close();
      await lock.acquire();
      if (isClosed) return lock.close();
      isElected = true;
      options.onProblem(undefined);
      options.onElected();
    } catch (cause) {
      if (isClosed) return;
      if (cause instanceof StateError && cause.temporary && lock !== undefined) follow(lock.path);
      else {
        options.onProblem(cause instanceof Error ? cause.message : String(cause));
        again();
      }
    }
  };

  const again = (): void => {
    if (!isClosed) timer = setTimeout(() => void stand(), retryMs).unref();
  };

  /** Another gateway is elected. When its socket ends there is a new election. */
  const follow = (path: string): void => {
    options.onProblem(undefined);
    const socket = net.connect(path);
    leader = socket;
    readLines(socket, (line) => {
      const { revision, http, tls } = JSON.parse(line) as Told;
      void tellWorkers({ http, tls }).then((isTold) => {
        if (isTold && socket.writable) socket.write(`${revision}\n`);
      });
    });
    socket.on("close", () => {
      leader = undefined;
      void tellWorkers(noChallenges);
      again();
    });
  };

  /** A follower. */
  const serve = (socket: net.Socket): void => {
    followers.set(socket, () => {});
    readLines(socket, (line) => followers.get(socket)?.(Number(line)));
    socket.on("close", () => {
      const acknowledge = followers.get(socket);
      followers.delete(socket);
      // One that is gone gets no visit of a CA any more.
      acknowledge?.(current.revision);
    });
    socket.write(`${JSON.stringify(current)}\n`);
  };

  const tellFollower = (socket: net.Socket, told: Told): Promise<boolean> =>
    new Promise((resolve) => {
      const late = setTimeout(() => resolve(false), ackWithinMs);
      followers.set(socket, (revision) => {
        if (revision < told.revision) return;
        clearTimeout(late);
        resolve(true);
      });
      socket.write(`${JSON.stringify(told)}\n`);
    });

  void stand();
  return {
    get isElected() {
      return isElected;
    },
    async tell(challenges) {
      const next = { revision: current.revision + 1, ...challenges };
      current = next;
      const told = await Promise.all([
        tellWorkers(challenges),
        ...[...followers.keys()].map((socket) => tellFollower(socket, next)),
      ]);
      return told.every((isTold) => isTold);
    },
    close() {
      isClosed = true;
      isElected = false;
      clearTimeout(timer);
      leader?.destroy();
      for (const socket of followers.keys()) socket.destroy();
      lock?.close();
    },
  };
}

function readLines(socket: net.Socket, onLine: (line: string) => void): void {
  let rest = "";
  socket.on("error", () => {});
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    if (rest.length > LINE_LENGTH_MAX) socket.destroy();
    for (const line of lines) onLine(line);
  });
}

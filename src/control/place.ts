import type net from "node:net";
import { claimEstate, type Estate, readInheritance } from "./inheritance.ts";
import type { InheritedSocket } from "./slots.ts";
import { StateLock } from "./state-lock.ts";
import { createUpgrade, type UpgradeOptions } from "./upgrade.ts";

/** After a killed primary: its stuck workers are ended within 5 s (orphan-guard.ts), the others let go at once. */
const portPatienceMs = 8000;

/**
 * Where this primary stands among those of the same state directory, one after the other: nothing, a predecessor whose
 * sockets it got, or one that was killed; and later a successor.
 */
export interface Place {
  readonly isSuccessor: boolean;
  /** Sockets that were open before this process. */
  readonly sockets: readonly InheritedSocket[];
  readonly ticketKeys: Buffer | undefined;
  readonly tokenDigest: Buffer | undefined;
  /** The one before did not end in good order. */
  readonly predecessorKilled: boolean;
  /** How long a port in use is waited for. */
  readonly portPatienceMs: number;
  /** A successor serves: the predecessor lets go of what only one can have. */
  takeOver(): Promise<void>;
  /** From now on `zion upgrade` is heard. */
  welcome(options: Omit<UpgradeOptions, "socketPath">): void;
  close(): void;
}

/**
 * Takes the place, or throws StateError when another process has it. Without `stateDir` there is no lock, and no
 * upgrade.
 */
export async function takePlace(
  stateDir: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<Place> {
  const inheritance = readInheritance(environment);
  let answer = (socket: net.Socket): void => void socket.destroy();
  const lock =
    stateDir === undefined ? undefined : await StateLock.open(stateDir, (socket) => answer(socket));
  let estate: Estate | undefined;
  try {
    if (inheritance === undefined) await lock?.acquire();
    else estate = await claimEstate(inheritance);
  } catch (error) {
    lock?.close();
    throw error;
  }
  return {
    isSuccessor: inheritance !== undefined,
    sockets: inheritance?.sockets ?? [],
    ticketKeys: estate?.ticketKeys,
    tokenDigest: estate?.tokenDigest,
    predecessorKilled: lock?.foundStale === true,
    portPatienceMs: lock?.foundStale === true ? portPatienceMs : 0,
    async takeOver() {
      await estate?.takeOver();
      lock?.takeOver();
    },
    welcome(options) {
      if (lock === undefined) return;
      const release = () => {
        lock.handOver();
        options.release();
      };
      answer = createUpgrade({ ...options, release, socketPath: lock.path });
    },
    close: () => lock?.close(),
  };
}

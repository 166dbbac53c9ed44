import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { readRegularFile } from "../config/files.ts";
import { writePrivateFile } from "../std/private-file.ts";
import type { Log } from "./log.ts";
import type { ToWorker } from "./messages.ts";

/** What signs the cookies of sticky sessions on this machine, where no key file does. */
export interface StickyRoot {
  /** A configuration is in force: keeps the root over a restart, if an upstream needs it. */
  adopt(config: Pick<Config, "upstreams">): void;
  /** What a worker must know. It never changes. */
  news(): ToWorker;
}

const ROOT_BYTES = 32;

/** Without a state directory, or when it cannot be used, the root lives as long as the primary. */
export function openStickyRoot(stateDir: string | undefined, log: Log): StickyRoot {
  const path = stateDir === undefined ? undefined : join(stateDir, "sticky.key");
  const tell = (error: unknown): void => {
    const problem = error instanceof Error ? error.message : String(error);
    log.error({ "event.name": "zion.sticky.key", problem }, "sticky sessions will not outlive a restart");
  };
  let isKept = path === undefined;
  let root: Uint8Array = randomBytes(ROOT_BYTES);
  if (path !== undefined && existsSync(path)) {
    // Never overwritten: what is there may be good, and only not ours to read.
    isKept = true;
    try {
      const kept = readRegularFile(path);
      if (kept.length !== ROOT_BYTES) throw new Error(`${path} has ${kept.length} bytes, not ${ROOT_BYTES}`);
      root = kept;
    } catch (error) {
      tell(error);
    }
  }
  return {
    adopt({ upstreams }) {
      if (isKept || !upstreams.some(({ sticky }) => sticky !== undefined && sticky.key === undefined)) return;
      isKept = true;
      try {
        writePrivateFile(path!, root);
      } catch (error) {
        tell(error);
      }
    },
    news: () => ({ type: "sticky_root", root }),
  };
}

import { closeSync, constants, openSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { servedDirectories } from "./static-build.ts";

/**
 * What workers may open beside their own code. They get it with their flags, when they are forked, so those that run
 * may lack what a reload brings.
 */
export interface WorkerFiles {
  /** A configuration came into force. True: the workers that run may not open all that it names. */
  adopt(config: Config): boolean;
}

export function createWorkerFiles(initial: Config): WorkerFiles {
  let log = accessLogFile(initial);
  let served = new Set(servedDirectories(initial));
  return {
    adopt(config) {
      const nextLog = accessLogFile(config);
      const nextServed = servedDirectories(config);
      const isOutgrown =
        (nextLog !== undefined && nextLog !== log) || nextServed.some((dir) => !served.has(dir));
      log = nextLog;
      served = new Set(nextServed);
      return isOutgrown;
    },
  };
}

/** Undefined = standard output. */
export function accessLogFile({ accessLog }: Config): string | undefined {
  return accessLog.path !== "-" ? resolve(accessLog.path) : undefined;
}

/** Workers that may not write there yet cannot find out. Undefined = it can be opened. */
export function tryAccessLog(config: Config): string | undefined {
  const path = accessLogFile(config);
  if (path === undefined || !config.accessLog.enabled) return undefined;
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  try {
    // Not waiting for the reader of a pipe: here it would hold the whole control plane.
    closeSync(openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o640));
    return undefined;
  } catch (cause) {
    return `the access log cannot be opened: ${(cause as Error).message}`;
  }
}

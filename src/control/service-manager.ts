import { spawn } from "node:child_process";
import { type Clock, machineOffsetMs } from "../std/clock.ts";
import type { Log } from "./log.ts";
import { startChild } from "./start-child.ts";

/** `systemd-notify` waits 5 s itself until the manager has read the message. */
const sentWithinMs = 10_000;

export interface ServiceManagerOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** An upgrade: the manager knows the predecessor as the main process. */
  readonly isSuccessor: boolean;
  /** One line about what is in force. */
  readonly status: () => string;
  /** Whether clients are served; the watchdog hears of it. */
  readonly isServing: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** What systemd is told (sd_notify). Without a manager that asks for it nothing happens. */
export interface ServiceManager {
  /** A successor is the main process from here on: before its predecessor ends, for the manager would end both. */
  becomeMain(): Promise<void>;
  /** All workers serve. From here on the watchdog is fed. */
  ready(): void;
  /** `systemctl reload` waits for the end of it. */
  reloading(reload: Promise<unknown>): void;
  /** `systemctl status` shows another line. */
  statusChanged(): void;
  /** Nothing is accepted soon; the end comes within this time, which the manager waits. */
  stopping(withinMs: number): void;
  /** Says nothing more by itself: the end, or a successor that has taken over. */
  stop(): void;
}

/**
 * Tells the service manager by `systemd-notify`, because Node has no datagram sockets of the Unix kind: 3 ms of CPU a
 * message, one at a time, in order (docs/decisions/0025-systemd-notify-is-a-child.md).
 */
export function createServiceManager(options: ServiceManagerOptions): ServiceManager {
  const { environment, clock, log } = options;
  const socket = environment["NOTIFY_SOCKET"];
  let last: Promise<void> = Promise.resolve();
  let watchdog: NodeJS.Timeout | undefined;
  let isMissing = false;
  let isSilent = false;

  const send = (...lines: readonly string[]): Promise<void> => {
    if (socket === undefined) return Promise.resolve();
    last = last.then(() => (isMissing ? undefined : sendNow(lines)));
    return last;
  };

  const sendNow = (lines: readonly string[]): Promise<void> =>
    new Promise((done) => {
      const child = startChild(() =>
        spawn("systemd-notify", lines, {
          stdio: "ignore",
          env: { PATH: environment["PATH"] ?? "/usr/bin:/bin", NOTIFY_SOCKET: socket },
          timeout: sentWithinMs,
          killSignal: "SIGKILL",
        }),
      );
      const fail = (problem: string) =>
        log.warn({ "event.name": "zion.service.not_told", problem }, "the service manager does not hear us");
      child.on("error", (error) => {
        isMissing = true;
        fail(error.message);
        done();
      });
      child.on("exit", (code, signal) => {
        if (code !== 0) fail(`systemd-notify ended with ${signal ?? code}`);
        done();
      });
    });

  const statusLine = (): string => `STATUS=${options.status().replace(/\s+/g, " ")}`;

  const feed = () => {
    if (options.isServing()) {
      isSilent = false;
      return void send("WATCHDOG=1");
    }
    if (!isSilent)
      log.error({ "event.name": "zion.service.watchdog" }, "no worker serves: the watchdog is not fed");
    isSilent = true;
  };

  return {
    becomeMain: () => send(`MAINPID=${process.pid}`),
    ready() {
      void send("READY=1", statusLine());
      const everyMs = watchdogMs(environment, options.isSuccessor) / 2;
      if (socket === undefined || everyMs === 0) return;
      watchdog = setInterval(feed, everyMs);
      watchdog.unref();
    },
    reloading(reload) {
      const usecs = Math.floor((machineOffsetMs() + clock.nowMs()) * 1000);
      void send("RELOADING=1", `MONOTONIC_USEC=${usecs}`);
      void reload.then(() => send("READY=1"));
    },
    statusChanged: () => void send(statusLine()),
    stopping(withinMs) {
      clearInterval(watchdog);
      void send("STOPPING=1", `EXTEND_TIMEOUT_USEC=${Math.ceil(withinMs * 1000)}`);
    },
    stop: () => clearInterval(watchdog),
  };
}

/** How long the manager waits for a sign of life; 0 = it does not, or means another process. */
function watchdogMs(environment: NodeJS.ProcessEnv, isSuccessor: boolean): number {
  const meant = environment["WATCHDOG_PID"];
  if (meant !== undefined && meant !== String(process.pid) && !isSuccessor) return 0;
  const usecs = Number(environment["WATCHDOG_USEC"] ?? 0);
  return Number.isSafeInteger(usecs) && usecs > 0 ? usecs / 1000 : 0;
}

import { installLastGasp, lastGaspFd } from "./last-gasp.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2", "SIGPIPE", "SIGQUIT"] as const;

/**
 * The first call of every entry file of a child. Ctrl-C and service managers signal the whole group: only the primary
 * decides what that means. `role` is what records of its end call it.
 */
export function beginChild(role: string): void {
  for (const signal of signals) process.on(signal, () => {});
  installLastGasp({ role, fileDescriptor: () => lastGaspFd });
}

/** Exit codes, the same for every command (operators.md §1.1). */
export const exitCodes = {
  ok: 0,
  /** A negative answer: the config has errors. */
  no: 1,
  /** Wrong usage. */
  usage: 2,
  /** Could not ask: a file cannot be read. */
  unavailable: 3,
  /** A bug. */
  fault: 70,
  /** `run` refused its config; systemd does not restart on it. */
  configRefused: 78,
} as const;

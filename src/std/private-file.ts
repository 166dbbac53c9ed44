import { closeSync, constants, openSync, renameSync, writeFileSync } from "node:fs";

/**
 * Puts `bytes` at `path`, for this user only (mode 0600), whole or not at all: written beside it, made durable, renamed.
 * Throws where that fails, and then what was there is still there. O_DSYNC, because Node 24 has no fsync under its
 * permission model.
 */
export function writePrivateFile(path: string, bytes: string | Uint8Array): void {
  const fresh = `${path}.new`;
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW, O_DSYNC } = constants;
  const fd = openSync(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_DSYNC, 0o600);
  try {
    writeFileSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, path);
}

import { lstatSync, renameSync, unlinkSync } from "node:fs";
import type { Server } from "node:net";
import { BindError } from "./slots.ts";
import { answers } from "./state-lock.ts";

/**
 * Listens on a Unix socket that its owner alone can connect to (mode 0600). What a killed gateway left at `path` is
 * replaced, which is safe only for the owner of the state lock: of two that find nobody answering there, both would
 * replace it. Resolves with what removes the file, unless it is another's by then. Throws BindError.
 */
export async function listenAtPath(server: Server, path: string, name: string): Promise<() => void> {
  const refuse = (code: string, why: string) =>
    new BindError(code, `cannot listen on unix:${path} (${name}): ${why} (${code})`);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isSocket()) throw refuse("EEXIST", "there is a file that is no socket");
  if (found !== undefined && (await answers(path)))
    throw refuse("EADDRINUSE", "another process, perhaps another zion, listens there");
  // A name of its own first: renaming replaces what is there at once, whatever it is by then.
  const ownPath = `${path}.${process.pid}`;
  remove(ownPath);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(refuse(error.code ?? "EUNKNOWN", "the system refuses it")),
    );
    // The mode must be right from the first moment; binding happens before `listen` returns.
    const before = process.umask(0o177);
    try {
      server.listen(ownPath, resolve);
    } finally {
      process.umask(before);
    }
  });
  const { ino } = lstatSync(ownPath);
  try {
    renameSync(ownPath, path);
  } catch (error) {
    server.close();
    remove(ownPath);
    throw refuse((error as NodeJS.ErrnoException).code ?? "EUNKNOWN", "the system refuses it");
  }
  let isOurs = true;
  return () => {
    // Once: the number of a file that is gone is given to another.
    if (isOurs && lstatSync(path, { throwIfNoEntry: false })?.ino === ino) remove(path);
    isOurs = false;
  };
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was not there.
  }
}

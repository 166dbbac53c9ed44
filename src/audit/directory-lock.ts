import { existsSync, mkdirSync, statSync } from "node:fs";
import net from "node:net";
import { directoryProblem } from "./file-disk.ts";

/**
 * Makes a directory of evidence where it is missing, and holds it for this process: two writers would each break what
 * the other began. A text says why it cannot be used; "held" = another process has it. The lock is an abstract socket
 * name, which goes with its process however that ends.
 */
export async function holdDirectory(directory: string): Promise<net.Server | string> {
  if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
  const problem = directoryProblem(directory);
  if (problem !== undefined) return problem;
  const { dev, ino } = statSync(directory);
  const lock = net.createServer((peer) => peer.destroy());
  return new Promise((resolve, reject) => {
    lock.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve("held") : reject(error),
    );
    lock.listen(`\0zion-audit-${dev}-${ino}`, () => {
      lock.unref();
      resolve(lock);
    });
  });
}

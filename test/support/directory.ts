import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { atProcessEnd } from "./process-end.ts";

/**
 * A directory for this test process, gone with the process and not with the test: a gateway that is being stopped still
 * writes into it, which made its removal fail.
 */
export function newDirectory(name: string): string {
  const directory = mkdtempSync(path.join(tmpdir(), `zion-${name}-`));
  atProcessEnd(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10 }));
  return directory;
}

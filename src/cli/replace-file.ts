import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";

/**
 * Replaces a file's text in one step, with its mode: whoever reads it meanwhile, the gateway among them, sees the old text
 * or the new one. Throws what the system says.
 */
export function replaceFile(file: string, text: string): void {
  const beside = `${file}.new`;
  // "wx": a link or a file that somebody else put there is not written through.
  writeFileSync(beside, text, { mode: statSync(file).mode & 0o777, flag: "wx" });
  try {
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

import {
  chmodSync,
  chownSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { FileProblem } from "../config/files.ts";
import { sourceText } from "../config/parse.ts";

/**
 * Replaces a file's text in one step, with its mode and owner: whoever reads it meanwhile, the gateway among them, sees the
 * old text or the new one. A link stays a link to it. Throws what the system says, or that somebody else has changed the
 * file since `old` was read from it.
 */
export function replaceFile(link: string, old: string, text: string): void {
  const file = realpathSync(link);
  const beside = `${file}.new`;
  const { mode, uid, gid } = statSync(file);
  // "wx": a link or a file that somebody else put there is not written through. Nobody else reads it before it is whole.
  writeFileSync(beside, "", { mode: 0o600, flag: "wx" });
  try {
    writeFileSync(beside, text);
    // As root it would be root's, and a gateway with fewer rights could not read its next configuration.
    const made = statSync(beside);
    if (made.uid !== uid || made.gid !== gid) chownSync(beside, uid, gid);
    chmodSync(beside, mode & 0o777);
    if (sourceText(readFileSync(file)) !== old)
      throw new FileProblem("somebody else has just changed it", "EBUSY");
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Signed } from "../config/signature.ts";

/** The highest version of a signed configuration that was ever in force here: it survives restarts. */
export interface ConfigVersion {
  /** Why a configuration may not follow; undefined = it may. */
  obstacle(signed: Signed): string | undefined;
  /** It is about to be in force. Throws when the directory cannot be written. */
  advance(signed: Signed): void;
}

/** Throws when there is a record that cannot be read: it may not be forgotten. */
export function openConfigVersion(stateDir: string): ConfigVersion {
  const file = join(stateDir, "config_version.json");
  let highest = read(file);
  return {
    obstacle({ version, sha256 }) {
      if (highest === undefined || version > highest.version) return undefined;
      if (version < highest.version)
        return `version ${version} is older than ${highest.version}, which was in force`;
      return sha256 === highest.sha256 ? undefined : `version ${version} was in force with another text`;
    },
    advance(signed) {
      if (highest?.version === signed.version) return;
      writeFileSync(`${file}.new`, JSON.stringify(signed), { mode: 0o600, flush: true });
      renameSync(`${file}.new`, file);
      highest = signed;
    },
  };
}

function read(file: string): Signed | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Signed;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${file} cannot be read: ${String(error)}`);
  }
}

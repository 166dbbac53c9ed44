import { execFileSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { printReleaseKey } from "../../src/cli/minisign.ts";
import { processOutput } from "../../src/cli/output.ts";
import { verifyReleaseCommand } from "../../src/cli/verify-release.ts";
import { askAdvisories, describeAdvisories } from "./advisories.ts";
import { buildArtefacts } from "./artefacts.ts";
import { licenceFaults } from "./licences.ts";
import { printProvenance } from "./provenance.ts";
import { makeSbom } from "./sbom.ts";
import { productionPackages, type Source } from "./stage.ts";
import { sha256Of, signRelease } from "./sums.ts";

const usage = `npm run release -- --out DIR [--key FILE] [--commit REVISION] [--with FILE]…
  --out     an empty or new directory for the artefacts
  --key     Ed25519 private key, PEM (openssl genpkey -algorithm ed25519); without it nothing is signed
  --commit  what to build (default: HEAD); the working tree does not count
  --with    another artefact to hash and sign: a chart, an image; may be given again
`;

process.exitCode = await release();

/** Makes a release of one commit, twice, and checks all that can be checked. Resolves with the exit code. */
async function release(): Promise<number> {
  const { values } = parseArgs({
    options: {
      out: { type: "string" },
      key: { type: "string" },
      commit: { type: "string", default: "HEAD" },
      with: { type: "string", multiple: true, default: [] },
    },
  });
  if (values.out === undefined) {
    process.stderr.write(usage);
    return 2;
  }
  const out = resolve(values.out);
  const work = mkdtempSync(join(tmpdir(), "zion-release-"));
  try {
    return await releaseIn(work, out, values.commit, values.key, values.with);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function releaseIn(
  work: string,
  out: string,
  revision: string,
  keyFile: string | undefined,
  others: readonly string[],
): Promise<number> {
  const key = keyFile === undefined ? undefined : createPrivateKey(readFileSync(keyFile));
  const commit = git("rev-parse", "--verify", `${revision}^{commit}`);
  const source = exportCommit(commit, join(work, "source"));
  say(`zion-edge ${source.version}, commit ${commit}`);

  say("npm ci --ignore-scripts");
  npm(
    source.directory,
    "ci",
    "--ignore-scripts",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  );
  const licences = licenceFaults(productionPackages(source.directory));
  if (licences.length > 0) throw new Error(`licences that are not allowed: ${licences.join(", ")}`);
  const advisories = askAdvisories(source.directory);
  say(describeAdvisories(advisories));
  if (advisories.kind === "found") throw new Error("a release with known advisories is not made");

  say("building, twice");
  const first = buildArtefacts(source, join(work, "first"));
  const umask = process.umask(0o077);
  process.env["TZ"] = "Asia/Kathmandu";
  const second = buildArtefacts(source, join(work, "second"));
  process.umask(umask);
  for (const kind of ["tarball", "deb"] as const)
    if (sha256Of(first[kind]) !== sha256Of(second[kind]))
      throw new Error(`two builds of ${basename(first[kind])} differ`);

  mkdirSync(out, { recursive: true });
  const files = [first.tarball, first.deb, ...others.map((file) => resolve(file))];
  for (const file of files) copyFileSync(file, join(out, basename(file)));
  const sbom = `zion-edge-${source.version}.cdx.json`;
  writeFileSync(join(out, sbom), makeSbom(source, first.staged));
  const names = [...files.map((file) => basename(file)), sbom];
  const provenance = `zion-edge-${source.version}.intoto.json`;
  writeFileSync(
    join(out, provenance),
    printProvenance({
      source,
      commit,
      lockfileSha256: sha256Of(join(source.directory, "package-lock.json")),
      node: process.version,
      npm: npm(source.directory, "--version").trim(),
      advisories,
      builds: 2,
      artefacts: names.map((name) => [name, sha256Of(join(out, name))] as const),
    }),
  );
  signRelease(out, [...names, provenance], `zion-edge ${source.version} commit ${commit}`, key);
  if (key === undefined) {
    say("NOT SIGNED: there is no --key");
    return 0;
  }
  const publicKey = join(work, "release.pub");
  writeFileSync(publicKey, printReleaseKey(key));
  say(`signed by\n${readFileSync(publicKey, "utf8").trimEnd()}`);
  return verifyReleaseCommand(out, { key: publicKey }, processOutput("auto"));
}

/** The commit as it is, without what the working tree has. */
function exportCommit(commit: string, directory: string): Source {
  mkdirSync(directory, { recursive: true });
  const archive = join(directory, "..", "source.tar");
  git("archive", "--output", archive, commit);
  execFileSync("tar", ["-C", directory, "-xf", archive]);
  const { version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as {
    version: string;
  };
  return { directory, version, epochSecs: Number(git("show", "--no-patch", "--format=%ct", commit)) };
}

function git(...args: readonly string[]): string {
  return execFileSync("git", args, { encoding: "utf8" }).trim();
}

function npm(directory: string, ...args: readonly string[]): string {
  return execFileSync("npm", args, {
    cwd: directory,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function say(line: string): void {
  process.stderr.write(`release: ${line}\n`);
}

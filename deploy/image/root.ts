import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/**
 * Lays the file system of the image out below a directory, from the package in the current one and the Node that runs
 * this: `node deploy/image/root.ts OUT`. `OUT/system` becomes the root, `OUT/state` what the gateway's user owns.
 * Nothing that was not asked for can get in, and equal inputs give equal trees: modes and times are set here.
 * (docs/decisions/0026-own-image-root.md)
 */
const user = 65532;

const accounts: readonly (readonly [string, string])[] = [
  ["etc/passwd", `root:x:0:0:root:/:/nonexistent\nzion:x:${user}:${user}:zion:/:/nonexistent\n`],
  ["etc/group", `root:x:0:\nzion:x:${user}:\n`],
  ["etc/nsswitch.conf", "hosts: files dns\n"],
];

layOut(process.argv[2] ?? "out", Number(process.env["SOURCE_DATE_EPOCH"] ?? 0));

function layOut(out: string, epochSecs: number): void {
  const system = join(out, "system");
  const app = join(system, "app");
  mkdirSync(app, { recursive: true });
  for (const part of ["bin", "config", "dist", "rules", "node_modules"]) {
    cpSync(part, join(app, part), { recursive: true, verbatimSymlinks: true });
  }
  for (const file of ["package.json", "LICENSE", "README.md", "CHANGELOG.md"]) cpSync(file, join(app, file));

  place(process.execPath, join(system, "nodejs/bin/node"));
  const libraries = loadedLibraries();
  for (const file of libraries) place(file, join(system, file));
  for (const [file, text] of accounts) write(join(system, file), text);
  describePackages(system, libraries);

  mkdirSync(join(out, "state/zion"), { recursive: true });
  settle(system, epochSecs);
  settle(join(out, "state"), epochSecs);
  chmodSync(join(out, "state/zion"), 0o700);
}

/** What the dynamic linker has loaded for this very process, and the linker itself, under the names it looks for. */
function loadedLibraries(): readonly string[] {
  const { sharedObjects } = process.report.getReport() as { readonly sharedObjects: readonly string[] };
  return sharedObjects.filter((file) => file.startsWith("/") && file !== process.execPath);
}

/** Where Debian is the base: which packages the libraries are of, where scanners look for it. */
function describePackages(system: string, libraries: readonly string[]): void {
  const release = "/etc/os-release";
  if (!existsSync(release)) return;
  write(join(system, "etc/os-release"), readFileSync(release, "utf8"));
  const owners = new Set<string>();
  for (const file of libraries) {
    const owner = packageOf(file);
    if (owner !== undefined) owners.add(owner);
  }
  for (const owner of owners) {
    const status = execFileSync("dpkg-query", ["--status", owner], { encoding: "utf8" });
    write(join(system, "var/lib/dpkg/status.d", owner.split(":")[0]!), status);
  }
}

/** `libc6:amd64`; undefined where the file is of none. Debian lists files below /lib or /usr/lib, which are one place. */
function packageOf(file: string): string | undefined {
  for (const name of [file, realpathSync(file), realpathSync(file).replace(/^\/usr/, "")]) {
    try {
      const line = execFileSync("dpkg-query", ["--search", name], { encoding: "utf8", stdio: "pipe" });
      return line.slice(0, line.indexOf(": "));
    } catch {
      // Not by this name.
    }
  }
  return undefined;
}

function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to); // follows links, as the dynamic linker does
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Nobody but the owner writes, everybody reads, programs stay programs, and all times are one. */
function settle(directory: string, epochSecs: number): void {
  const all = [...readdirSync(directory, { recursive: true, encoding: "utf8" }), "."].map((name) =>
    join(directory, name),
  );
  for (const path of all) {
    const facts = lstatSync(path);
    if (facts.isSymbolicLink()) continue;
    chmodSync(path, facts.isDirectory() || (facts.mode & 0o111) !== 0 ? 0o755 : 0o644);
  }
  for (const path of all.reverse()) lutimesSync(path, epochSecs, epochSecs);
}

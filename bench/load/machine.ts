import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

/** Where and with what figures were taken. They mean nothing on another machine. */
export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly system: string;
  /** First lines of `--version` by program; undefined = not installed. */
  readonly versions: Readonly<Record<Program | "node", string | undefined>>;
  /** Versions of Debian packages by name; only of those installed. */
  readonly packages: Readonly<Record<string, string>>;
  /** Short commit of the checkout; `dirty` when files differ from it. */
  readonly commit: string;
  readonly dirty: boolean;
}

const programs = {
  nginx: ["-v"],
  haproxy: ["-v"],
  caddy: ["version"],
  wrk: ["-v"],
  h2load: ["--version"],
  openssl: ["version"],
  taskset: ["--version"],
} as const;
export type Program = keyof typeof programs;
const packages = [
  "libmodsecurity3",
  "apache2",
  "libapache2-mod-security2",
  "modsecurity-crs",
  "varnish",
  "testssl.sh",
];

export function describeMachine(): Machine {
  const versions: Record<string, string | undefined> = { node: process.version };
  for (const [program, args] of Object.entries(programs)) versions[program] = firstLine(program, args);
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cpus: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(textOf("/etc/os-release"))?.[1] ?? process.platform,
    versions: versions as Machine["versions"],
    packages: packageVersions(),
    commit: firstLine("git", ["-C", import.meta.dirname, "rev-parse", "--short=10", "HEAD"]) ?? "no-commit",
    dirty: firstLine("git", ["-C", import.meta.dirname, "status", "--porcelain"]) !== undefined,
  };
}

/** A module has no `--version` of its own. */
function packageVersions(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of packages) {
    const version = firstLine("dpkg-query", ["-W", "-f", "${Version}", name]);
    if (version !== undefined && /^\d/.test(version)) found[name] = version;
  }
  return found;
}

/** Some programs print their version to standard error, wrk with a usage text and exit code 1. */
function firstLine(program: string, args: readonly string[]): string | undefined {
  const { stdout, stderr, error } = spawnSync(program, [...args], { encoding: "utf8", timeout: 5_000 });
  if (error !== undefined) return undefined;
  const line = (stdout || (program === "git" ? "" : stderr)).split("\n")[0]?.trim();
  return line === undefined || line === "" ? undefined : line.replace(/ Copyright.*| - https:.*/, "");
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

import { availableParallelism } from "node:os";
import { dirname, sep } from "node:path";
import type { ServerConfig } from "../config/config.ts";

/**
 * Node flags of every process of the gateway (reliability.md §5.3). `bin/zion.js` starts the primary with them, the
 * primary starts the workers; test/control/flags.test.ts reads them back from /proc.
 *
 * Left out: `--secure-heap`, because every TLS connection keeps its X25519 key there for as long as it lives: with
 * 64 KiB the 1,016th connection and all later ones were refused (docs/decisions/0010-no-secure-heap.md), and
 * `--disallow-code-generation-from-strings`, because find-my-way compiles its matchers with `new Function`.
 */
export const hardeningFlags: readonly string[] = [
  "--disable-proto=throw", // prototype pollution by `__proto__` (CVE-2026-21710)
  "--disable-sigusr1", // SIGUSR1 would open the inspector
  "--no-addons", // native code from node_modules
  "--report-exclude-env", // diagnostic reports leak the environment (CVE-2026-48615)
  "--unhandled-rejections=strict", // a forgotten rejection ends the process with a record
  "--max-http-header-size=16384", // for the control listeners; the data path has its own parser
  // Only the default of connections that name no version: `tls.min_version = "1.2"` and upstreams set theirs explicitly.
  "--tls-min-v1.3",
  "--disable-warning=SecurityWarning", // printed for each --allow-* flag below
];

/** `npx zion COMMAND`: what its process may do. The permission model is a seat belt, not a boundary (N29). */
export function primaryFlags(...words: readonly string[]): readonly string[] {
  const [command, ...rest] = withoutColor(words);
  // It keeps what it signed durable, and Node has no fsync under the permission model.
  if (command === "audit" && rest[0] === "witness") return hardeningFlags;
  // `run` reads the config, certificates and CA files wherever the operator keeps them, and writes in `state_dir`,
  // which is known only after reading. Everything else writes nothing; `check` cannot even start a process.
  const serves = command === "run" || command === "demo";
  const explains = command === "explain" || command === "why" || command === "replay";
  const allowed = ["--permission", "--allow-fs-read=*"];
  // A gateway is measured in a process of its own.
  if (serves || explains || command === "bench") allowed.push("--allow-child-process");
  // `run` validates in a thread.
  if (command === "run") allowed.push("--allow-fs-write=*", "--allow-worker");
  if (writesFiles(command, rest)) allowed.push("--allow-fs-write=*");
  if (opensSockets(command, rest)) allowed.push(...NETWORK);
  const processes = serves ? defaultWorkerCount() + 1 : 1;
  return [
    ...hardeningFlags,
    oldSpaceFlag(processes),
    ...(command === "run" ? [COLLECTABLE] : []),
    ...allowed,
  ];
}

/** `--color` is an option of all commands, which may stand before the command, too. */
function withoutColor(words: readonly string[]): readonly string[] {
  return words.filter(
    (word, i) => word !== "--color" && words[i - 1] !== "--color" && !word.startsWith("--color="),
  );
}

/** Commands that write what their words name. Every other one cannot, whatever is wrong with it. */
function writesFiles(command: string | undefined, rest: readonly string[]): boolean {
  if (command === "init" || command === "migrate") return true;
  if (command === "mesh") return rest[0] === "keygen" || rest[0] === "cluster-key";
  if (command === "import") return rest.some((word) => /^(?:-o|--output)/.test(word));
  return (
    (command === "check" && rest.includes("--fix")) || (command === "exclude" && rest.includes("--write"))
  );
}

/** Nodes before 25 leave the network to everybody, and refuse to start with a flag that they do not know. */
const NETWORK: readonly string[] = process.allowedNodeEnvironmentFlags.has("--allow-net")
  ? ["--allow-net", "--disable-warning=ExperimentalWarning"]
  : [];

/** Commands that ask nobody cannot, whatever a file that they read makes them do. */
function opensSockets(command: string | undefined, rest: readonly string[]): boolean {
  if (command === "check") return rest.some((word) => /^--(?:online|against)/.test(word));
  return (
    command !== undefined &&
    !["exclude", "import", "init", "migrate", "rules", "sign", "version"].includes(command)
  );
}

export interface WorkerFlagsOptions {
  /** Where package.json lies. */
  readonly packageDir: string;
  readonly workerCount: number;
  /** Of the access log; undefined = standard output. */
  readonly logPath: string | undefined;
  /** Whose files it serves. Absent = none. */
  readonly served?: readonly string[];
  /** What explains requests sends none. Absent = it listens and connects. */
  readonly isOffline?: boolean;
}

/** A worker reads its own code and the files it serves, and writes its access log if that is a file. */
export function workerFlags(options: WorkerFlagsOptions): readonly string[] {
  const allowed = ["--permission", ...codeDirs(options.packageDir).map((dir) => `--allow-fs-read=${dir}`)];
  const { served = [] } = options;
  for (const dir of served) allowed.push(`--allow-fs-read=${dir}`);
  // It asks where a file lies that it opened (respond/static/open-file.ts).
  if (served.length > 0) allowed.push("--allow-fs-read=/proc/self/fd");
  if (options.logPath !== undefined) allowed.push(`--allow-fs-write=${options.logPath}`);
  if (options.isOffline !== true) allowed.push(...NETWORK);
  return [...hardeningFlags, oldSpaceFlag(options.workerCount + 1), YOUNG_SPACE, COLLECTABLE, ...allowed];
}

/** For a process under the permission model that needs a few files more than its code. */
export function fileFlags(reads: readonly string[], writes: readonly string[]): readonly string[] {
  return [
    ...reads.map((path) => `--allow-fs-read=${path}`),
    ...writes.map((path) => `--allow-fs-write=${path}`),
  ];
}

/**
 * The audit writer runs without the permission model: Node 24 has no fsync under it, and the writer's promise is that
 * what it acknowledged is on the medium. It reads no byte of a client.
 */
export const auditWriterFlags: readonly string[] = [...hardeningFlags, "--max-old-space-size=256"];

/**
 * MiB of young generation in a worker. With V8's own 16 to 32 a worker held 246 MB under 15,000 new connections a
 * second, with 8 it holds about 120, at the same CPU (performance.md §9 found no difference either).
 */
const YOUNG_SPACE = "--max-semi-space-size=8";

/** For workers without memory (pressure-gauge.ts), and for the primary after it read a configuration (cli/loader.ts). */
const COLLECTABLE = "--expose-gc";

/** libuv counts the CPU quota of the cgroup and the affinity mask in (since 1.49). Two, so that one may die. */
export function defaultWorkerCount(): number {
  return Math.max(2, availableParallelism());
}

/** As the configuration says. */
export function workerCountOf({ workers }: Pick<ServerConfig, "workers">): number {
  return workers === 0 ? defaultWorkerCount() : workers;
}

/** Operators put secrets into the environment of the primary; workers get none of it. NODE_OPTIONS undoes flags. */
const passedOn = [
  "PATH",
  "TZ",
  "LANG",
  "LC_ALL",
  "NODE_ENV",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "MALLOC_ARENA_MAX",
  "MALLOC_MMAP_THRESHOLD_",
  "MALLOC_TRIM_THRESHOLD_",
];

export function workerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passed: NodeJS.ProcessEnv = { ...fixedEnvironment };
  for (const name of passedOn) if (env[name] !== undefined) passed[name] = env[name];
  return passed;
}

/** The primary keeps its environment, but for what could switch flags off again. `memoryBytes`: limit of the control group. */
export function primaryEnvironment(
  env: NodeJS.ProcessEnv,
  memoryBytes = process.constrainedMemory(),
): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...rest } = env;
  const isScarce = memoryBytes > 0 && memoryBytes < SCARCE_BYTES * (defaultWorkerCount() + 1);
  return { NODE_ENV: "production", ...(isScarce ? sparingMalloc : {}), ...rest, ...fixedEnvironment };
}

/** Of memory for each process. */
const SCARCE_BYTES = 256 * 1_048_576;

/**
 * glibc gives back at once what is not in use, and keeps it in two places only. Of four storms of a minute with one worker in
 * 256 MiB two ended with everybody turned away for as long as they came back, because what had been freed filled the group;
 * with this none of two. Not for everybody: it costs up to a tenth of the CPU of a request, and a quarter of a compressed one's
 * (bench/results/profiles.md).
 */
const sparingMalloc = {
  MALLOC_ARENA_MAX: "2",
  MALLOC_MMAP_THRESHOLD_: "65536",
  MALLOC_TRIM_THRESHOLD_: "131072",
};

/** dns.lookup, file writes and key operations share the pool; four threads let one slow name server stop the log (N8). */
const fixedEnvironment = { UV_THREADPOOL_SIZE: "16" };

/** The percentage is per process, so the share of the heap is divided by their number (N25). */
function oldSpaceFlag(processes: number): string {
  return `--max-old-space-size-percentage=${Math.max(1, Math.floor(5500 / processes) / 100)}`;
}

/** Installed as a dependency, the gateway's own dependencies may lie beside it in an outer node_modules. */
function codeDirs(packageDir: string): string[] {
  const dirs = [packageDir];
  for (let dir = dirname(packageDir); dir !== dirname(dir); dir = dirname(dir)) {
    if (dir.endsWith(`${sep}node_modules`)) dirs.push(dir);
  }
  return dirs;
}

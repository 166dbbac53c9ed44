import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { watch } from "chokidar";

export interface FileWatch {
  /** Replaces the files that are watched, absolute paths. One that does not exist is watched for. */
  set(paths: readonly string[]): void;
  stop(): void;
}

export interface FileWatchOptions {
  /**
   * A file was replaced or written to, or is new here: it may have changed since the caller read it. What it holds now is
   * the caller's question.
   */
  readonly onChange: () => void;
  /** False = only the slow look, as on file systems that send no events. */
  readonly events: boolean;
  readonly lookEveryMs?: number;
}

const defaultLookEveryMs = 2000;

/**
 * Watches files however they are replaced: written in place, renamed over, deleted and made again, or swapped with the
 * directory that a symbolic link points to (Kubernetes' `..data`). Events say when to look; what `stat` says is what
 * counts, so a log in the same directory changes nothing. Network and overlay file systems may send no events, so there
 * is a look from time to time as well, on the thread pool: a file system that hangs does not hold the primary.
 */
export function watchFiles(options: FileWatchOptions): FileWatch {
  const { onChange, events, lookEveryMs = defaultLookEveryMs } = options;
  let files: ReadonlySet<string> = new Set();
  let directories: ReadonlySet<string> = new Set();
  let seen = new Map<string, string>();
  let isLooking = false;
  let isWanted = false;
  let isStopped = false;

  const look = async (): Promise<void> => {
    isWanted = true;
    // One that hangs is not joined by others.
    if (isLooking) return;
    isLooking = true;
    let isChanged = false;
    while (isWanted) {
      isWanted = false;
      const now = new Map(
        await Promise.all([...files].map(async (path) => [path, await factsOf(path)] as const)),
      );
      isChanged ||= [...now].some(([path, facts]) => seen.get(path) !== facts);
      seen = now;
    }
    isLooking = false;
    if (isChanged) onChange();
  };

  const watcher = events
    ? watch([], {
        ignoreInitial: true,
        ignorePermissionErrors: true,
        depth: 0,
        ignored: (path) => !directories.has(path) && !files.has(path) && !basename(path).startsWith(".."),
      })
    : undefined;
  watcher?.on("all", () => void look());
  // Too many watches, or a directory that went away: the slow look goes on.
  watcher?.on("error", () => {});
  const timer = setInterval(() => void look(), lookEveryMs);
  timer.unref();

  return {
    set(paths) {
      // A reading that was under way at the stop ends after it.
      if (isStopped) return;
      files = new Set(paths);
      const before = directories;
      directories = new Set(paths.map((path) => dirname(path)));
      watcher?.unwatch([...before].filter((path) => !directories.has(path)));
      // The files themselves as well: one that is a link is followed to where it is written.
      watcher?.add([...directories, ...files]);
      void look();
    },
    stop() {
      isStopped = true;
      clearInterval(timer);
      void watcher?.close();
    },
  };
}

/** What differs when a file is another, or was written to. Follows symbolic links. */
async function factsOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
    return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  }
}

import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { resolve } from "node:path";

/** How the parser reaches the files a config names. Injected, so that tests and stdin need no disk. */
export interface FileAccess {
  /** The contents of a file of at most `bytesMax`, 1 MiB by default. Throws an Error, with a `code` when the system gave one. */
  readonly readFile: (path: string, bytesMax?: number) => string | Uint8Array;
  /** Permission bits of a file; undefined when unknown. Absent = permissions are not checked. */
  readonly stat?: (
    path: string,
  ) => { readonly mode: number; readonly size?: number; readonly uid?: number } | undefined;
  /** The same of the path itself, also when it is a symbolic link. Absent = the state directory is not checked. */
  readonly linkStat?: (path: string) => { readonly mode: number; readonly uid: number } | undefined;
  /** Where a path ends when its symbolic links are followed; throws when it leads nowhere. Absent = links are not checked. */
  readonly realPath?: (path: string) => string;
}

/** Bytes. Certificates and keys are far smaller. */
const maxFileBytes = 1_048_576;
/** The least that is read at once: files of /proc say that they are empty. */
const firstBytes = 4096;

/** The real file system, read-only: nothing is created or changed, and nothing but regular files is read. */
export function diskAccess(): FileAccess {
  return {
    readFile: readRegularFile,
    stat: (path) => statSync(path, { throwIfNoEntry: false }),
    linkStat: (path) => lstatSync(path, { throwIfNoEntry: false }),
    realPath: (path) => realpathSync(path),
  };
}

/** A file that was opened, or should have been. */
export interface OpenedFile {
  readonly path: string;
  /** SHA-256 of what was read, or why it could not be. */
  readonly content: string;
}

/** As `access`, and notes in `opened` each file with what it held. */
export function notedAccess(access: FileAccess, opened: OpenedFile[]): FileAccess {
  return {
    ...access,
    readFile(path, bytesMax) {
      const note = (content: string) => opened.push({ path: resolve(path), content });
      try {
        const contents = access.readFile(path, bytesMax);
        note(createHash("sha256").update(contents).digest("base64url"));
        return contents;
      } catch (error) {
        note(readProblem(error));
        throw error;
      }
    },
  };
}

/** A regular file of at most `bytesMax`. Never waits: a FIFO or a device is refused, not read. */
export function readRegularFile(path: string, bytesMax = maxFileBytes): Uint8Array {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new FileProblem("it is a directory", "EISDIR");
    if (!stat.isFile()) throw new FileProblem("it is not a regular file", "ENOTREG");
    // Not `bytesMax` for each: 26 files of a reading were 28 MB, and V8 collected the whole heap twice in each reload.
    let bytes = Buffer.alloc(Math.min(Math.max(stat.size, firstBytes), bytesMax) + 1);
    let length = 0;
    // The size of the stat may be stale by now: read to the end, and one byte more than allowed.
    for (;;) {
      if (length === bytes.length) {
        const larger = Buffer.alloc(Math.min(2 * length, bytesMax + 1));
        bytes.copy(larger);
        bytes = larger;
      }
      const count = readSync(fd, bytes, length, bytes.length - length, null);
      length += count;
      if (count === 0 || length > bytesMax) break;
    }
    if (length > bytesMax) throw new FileProblem(`it is larger than ${bytesMax / 1_048_576} MiB`, "EFBIG");
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** Says in words what is wrong with a file. */
export class FileProblem extends Error {
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** Why a file could not be read, in words, without its path. */
export function readProblem(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (error instanceof FileProblem) return error.message;
  if (code === "ENOENT") return "it does not exist";
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  if (code === "EISDIR") return "it is a directory";
  if (code === "ENOTDIR") return "a part of its path is not a directory";
  if (code === "ELOOP") return "it is a loop of symbolic links";
  return code ?? "it cannot be read";
}

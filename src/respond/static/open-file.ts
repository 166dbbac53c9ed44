import fs from "node:fs";
import { promisify } from "node:util";
import { type Reason, reasons } from "../../reason.ts";

/** A regular file or a directory, open for reading: whoever has it closes it. */
export interface OpenedFile {
  readonly descriptor: number;
  readonly isDirectory: boolean;
  readonly size: number;
  readonly modifiedNs: bigint;
  /** Changes with whatever is written to the file, or put in its place. */
  readonly version: string;
  /** Where it lies when every link is followed. */
  readonly realPath: string;
}

/**
 * Opens what lies at `path`, and only then asks what and where it is: the answers are about what was opened, whatever
 * happens to the path meanwhile. Rejects with the system's error, and for what is neither file nor directory.
 */
export async function openFile(path: string): Promise<OpenedFile> {
  const descriptor = await open(path, READ_ONLY);
  try {
    const stats = await fstat(descriptor, { bigint: true });
    if (!stats.isFile() && !stats.isDirectory()) throw new SpecialFile();
    return {
      descriptor,
      isDirectory: stats.isDirectory(),
      size: Number(stats.size),
      modifiedNs: stats.mtimeNs,
      version: versionOf(stats),
      // Node has no openat with RESOLVE_BENEATH: the kernel says where the links led to.
      realPath: await readlink(`/proc/self/fd/${descriptor}`),
    };
  } catch (error) {
    fs.close(descriptor, () => {});
    throw error;
  }
}

/** The file's version now: see `OpenedFile.version`. */
export async function versionNow(descriptor: number): Promise<string> {
  return versionOf(await fstat(descriptor, { bigint: true }));
}

/** All `size` bytes; undefined when there are fewer. */
export async function readWhole(descriptor: number, size: number): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafeSlow(size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await read(descriptor, bytes, at, size - at, at);
    if (bytesRead === 0) return undefined;
    at += bytesRead;
  }
  return bytes;
}

/** Where the directory lies when every link is followed. */
export function realDirectory(directory: string): Promise<string> {
  return realpath(directory);
}

/** What a client is told, and the log, where a file could not be opened or read. */
export function fileReason(error: unknown): { readonly reason: Reason; readonly detail: string } {
  if (error instanceof SpecialFile) return { reason: reasons.fileOutside, detail: "special_file" };
  const detail = (error as NodeJS.ErrnoException).code ?? "unknown";
  return { reason: byCode.get(detail) ?? reasons.fileFault, detail };
}

/** A device, a pipe or a socket. */
class SpecialFile extends Error {}

const byCode: ReadonlyMap<string, Reason> = new Map([
  ...["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EINVAL"].map(
    (code) => [code, reasons.fileNotFound] as const,
  ),
  ...["EACCES", "EPERM"].map((code) => [code, reasons.fileUnreadable] as const),
  // A socket, or a device without a driver.
  ...["ENXIO", "ENODEV"].map((code) => [code, reasons.fileOutside] as const),
  ...["EMFILE", "ENFILE"].map((code) => [code, reasons.openFiles] as const),
]);

function versionOf({ dev, ino, size, mtimeNs, ctimeNs }: fs.BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

// Without O_NONBLOCK, opening a pipe waits for its writer, and holds a thread of the pool for as long.
const READ_ONLY = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY;

const open = promisify(fs.open);
const fstat = promisify(fs.fstat) as (
  descriptor: number,
  options: { bigint: true },
) => Promise<fs.BigIntStats>;
const readlink = promisify(fs.readlink) as (path: string) => Promise<string>;
const realpath = promisify(fs.realpath.native) as (path: string) => Promise<string>;
const read = promisify(fs.read);

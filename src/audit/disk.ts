/** What reading a log needs of a directory. */
export interface ReadableDisk {
  /** Names in the directory. */
  list(): readonly string[];
  /** Bytes of a regular file. Throws for anything else: links, pipes, devices, directories. */
  size(name: string): number;
  /** Bytes read into `into`; 0 at the end. */
  read(name: string, offset: number, into: Buffer): number;
}

/**
 * What the writer needs of its directory, one blocking call each: the writer has nothing to do that could go on while
 * the disk works, and so its steps have one order (and a simulation of the disk has little to imagine).
 * Errors are exceptions with the `code` of the system call.
 */
export interface Disk extends ReadableDisk {
  /** Makes an empty file that is not there yet. In the directory for good only after `syncDirectory`. */
  create(name: string): void;
  /** Adds bytes at the end. Returns how many were taken: fewer on a disk that becomes full. */
  append(name: string, bytes: Buffer): number;
  /** When it returns, all that was appended has reached the medium. */
  sync(name: string): void;
  syncDirectory(): void;
  truncate(name: string, size: number): void;
  /** Puts new contents in place of a file: after a crash there is the old or the new, whole. Durable on return. */
  replace(name: string, bytes: Buffer): void;
  remove(name: string): void;
  /** Changes when the file behind the name is another, or was written to by somebody else. "" = it is gone. */
  identity(name: string): string;
}

export function isDiskFull(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

export function errorCode(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code ?? "unknown";
}

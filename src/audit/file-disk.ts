import fs, { constants } from "node:fs";
import path from "node:path";
import type { Disk, ReadableDisk } from "./disk.ts";

/** A directory of this machine, for reading. */
export function readableDisk(directory: string): ReadableDisk {
  const open = new Map<string, number>();
  const descriptor = (name: string): number => {
    const known = open.get(name);
    if (known !== undefined) return known;
    // One file is read at a time.
    for (const [other, fd] of open) {
      fs.closeSync(fd);
      open.delete(other);
    }
    const fd = openRegular(path.join(directory, name), constants.O_RDONLY);
    open.set(name, fd);
    return fd;
  };
  return {
    list: () => fs.readdirSync(directory).sort(),
    size: (name) => fs.fstatSync(descriptor(name)).size,
    read: (name, offset, into) => fs.readSync(descriptor(name), into, 0, into.length, offset),
  };
}

/** What is wrong with a directory of evidence, in words; undefined = nothing. */
export function directoryProblem(directory: string): string | undefined {
  const stat = fs.lstatSync(directory, { throwIfNoEntry: false });
  if (stat === undefined) return "it does not exist";
  if (stat.isSymbolicLink()) return "it is a symbolic link";
  if (!stat.isDirectory()) return "it is not a directory";
  if (stat.uid !== process.getuid?.()) return "it belongs to another user";
  if ((stat.mode & 0o077) !== 0)
    return `others can read it or write in it (mode ${(stat.mode & 0o777).toString(8).padStart(4, "0")}, wanted 0700)`;
  return undefined;
}

/** The writer's directory. Files are 0600; nothing is followed, nothing that exists is written over. */
export function fileDisk(directory: string): Disk {
  const reading = readableDisk(directory);
  const appending = new Map<string, number>();
  const at = (name: string): string => path.join(directory, name);
  const appender = (name: string): number => {
    let fd = appending.get(name);
    if (fd === undefined) {
      fd = openRegular(at(name), constants.O_WRONLY | constants.O_APPEND);
      appending.set(name, fd);
    }
    return fd;
  };
  const forget = (name: string): void => {
    const fd = appending.get(name);
    if (fd !== undefined) fs.closeSync(fd);
    appending.delete(name);
  };
  const syncDirectory = (): void => {
    const fd = fs.openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  };
  return {
    ...reading,
    create(name) {
      // One segment is written at a time, and its notes.
      for (const other of [...appending.keys()]) if (appending.size > 8) forget(other);
      const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL;
      appending.set(name, fs.openSync(at(name), flags | constants.O_NOFOLLOW, 0o600));
    },
    append: (name, bytes) => fs.writeSync(appender(name), bytes, 0, bytes.length),
    sync: (name) => fs.fdatasyncSync(appender(name)),
    syncDirectory,
    truncate(name, size) {
      const fd = openRegular(at(name), constants.O_WRONLY);
      try {
        fs.ftruncateSync(fd, size);
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    },
    replace(name, bytes) {
      const temporary = `${name}.new`;
      fs.rmSync(at(temporary), { force: true });
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      const fd = fs.openSync(at(temporary), flags, 0o600);
      try {
        for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
      forget(name);
      fs.renameSync(at(temporary), at(name));
      syncDirectory();
    },
    remove(name) {
      forget(name);
      fs.rmSync(at(name), { force: true });
    },
    identity(name) {
      const stat = fs.lstatSync(at(name), { throwIfNoEntry: false });
      return stat === undefined ? "" : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mode}:${stat.nlink}`;
    },
  };
}

function openRegular(file: string, flags: number): number {
  // Without waiting: a pipe in place of a file must not stop us.
  const fd = fs.openSync(file, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if (fs.fstatSync(fd).isFile()) return fd;
  fs.closeSync(fd);
  throw Object.assign(new Error(`${file} is not a regular file`), { code: "ENOTREG" });
}

import fs from "node:fs";
import { splitNotes } from "./note.ts";
import { separatorFor } from "./torn-note.ts";

/** The newest notes of a file that checkpoints are added to. None where it cannot be read. */
export function readAnchors(file: string): string[] {
  const { text, isWhole } = readEnd(file);
  const notes = splitNotes(text);
  // The first may be cut.
  return isWhole ? notes : notes.slice(1);
}

/** Adds a note, on the disk when it returns. After one that a crash cut off it begins on a line of its own. Throws. */
export function appendAnchor(file: string, note: string): void {
  const bytes = Buffer.from(separatorFor(readEnd(file).text, note) + note);
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = fs.constants;
  const fd = fs.openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
    fs.fdatasyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Of notes of some 300 bytes the newest are enough. */
const END_BYTES = 65_536;

function readEnd(file: string): { readonly text: string; readonly isWhole: boolean } {
  let fd: number;
  try {
    fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  } catch {
    return { text: "", isWhole: true };
  }
  try {
    const { size } = fs.fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, END_BYTES));
    fs.readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    return { text: bytes.toString("utf8"), isWhole: size === bytes.length };
  } finally {
    fs.closeSync(fd);
  }
}

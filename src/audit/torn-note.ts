import { splitNotes } from "./note.ts";

/**
 * What has to stand before `note`, so that it is read again whatever a crash left at the end of the file: nothing is ever
 * taken out of a file that others keep as evidence. `end`: of the file, more than one note of it.
 */
export function separatorFor(end: string, note: string): string {
  return ["", "\n"].find((one) => splitNotes(end + one + note).at(-1) === note) ?? "\n\n";
}

/** The notes of a file, and as the last one what is cut off at its end: for whoever has to say so. */
export function splitNotesAndRest(file: string): string[] {
  const notes = splitNotes(file);
  const rest = file.slice(notes.reduce((length, note) => length + note.length, 0));
  return rest === "" ? notes : [...notes, rest];
}

/**
 * Whether a note is the beginning of one, as a crash leaves it: it says nothing, and whoever can make it so can take it out.
 * Line ends behind it are those of `separatorFor`.
 */
export function isTorn(note: string): boolean {
  const cut = note.lastIndexOf("\n\n");
  const text = cut < 0 ? note : note.slice(0, cut + 1);
  if (beginning.test(text) && (cut < 0 || cut + 2 === note.length)) return true;
  const lines = note.slice(cut + 2).split("\n");
  const last = lines.pop() || (lines.pop() ?? "");
  const signature = signatureBeginning.exec(last);
  if (cut < 0 || signature === null) return false;
  return !note.endsWith("\n") || (signature[1] ?? "").length < SIGNATURE_CHARS;
}

/** Of a checkpoint's origin, size and root. */
const beginning = /^\S+(?:\n\d*(?:\n[A-Za-z0-9+/]*=?\n?)?)?\n*$/;
const signatureBeginning = /^(?:—|— [^+\s]*|— [^+\s]+ ([A-Za-z0-9+/]*={0,2}))$/;
/** Base64 of the key's id and an Ed25519 signature, 68 bytes. */
const SIGNATURE_CHARS = 92;

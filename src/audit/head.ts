import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { openNote } from "./note.ts";
import type { Policy } from "./policy.ts";
import { isTorn } from "./torn-note.ts";

/** A checkpoint that the policy believes. */
export interface Head extends Checkpoint {
  /** Witnesses that signed it. */
  readonly witnesses: number;
  /** When the newest of them did, ms since the epoch; 0 = none. */
  readonly cosignedMs: number;
}

export interface HeadProblem {
  readonly kind: "changed" | "wrong_key" | "recovered";
  /** Size that the note claims; 0 = it does not say. */
  readonly size: number;
  readonly detail: string;
}

/** Reads one note of a log. Undefined: it is a sound note of another log. */
export function readHead(
  note: string,
  origin: (origin: string) => boolean,
  policy: Policy,
): Head | HeadProblem | undefined {
  const cut = note.lastIndexOf("\n\n");
  const claimed = cut < 0 ? undefined : parseCheckpoint(note.slice(0, cut + 1));
  if (claimed === undefined) return isTorn(note) ? torn(note, 0) : changed(0, "it is no checkpoint");
  if (!origin(claimed.origin)) return undefined;
  const { size } = claimed;
  if (isTorn(note)) return torn(note, size);
  const valid = policy.keys.filter(({ fromSize, toSize }) => fromSize <= size && size <= toSize);
  const opened = openNote(note, [...valid.map(({ verifier }) => verifier), ...policy.witnesses]);
  if (typeof opened === "string") return changed(size, opened);
  if (!opened.signedBy.some((key) => valid.some(({ verifier }) => verifier === key)))
    return { kind: "wrong_key", size, detail: "no key of the policy signed it" };
  const witnesses = opened.signedBy.filter((key) => policy.witnesses.includes(key)).length;
  return { ...claimed, witnesses, cosignedMs: opened.cosignedMs };
}

/** By a crash, while it was added: nothing was lost but this note. */
function torn(note: string, size: number): HeadProblem {
  return {
    kind: "recovered",
    size,
    detail: `it is torn, ${Buffer.byteLength(note.trimEnd())} bytes of it are there`,
  };
}

function changed(size: number, detail: string): HeadProblem {
  return { kind: "changed", size, detail };
}

export function isHeadProblem(head: Head | HeadProblem): head is HeadProblem {
  return "kind" in head;
}

import { hash } from "node:crypto";
import { parseCheckpoint } from "./checkpoint.ts";
import type { Disk } from "./disk.ts";
import { openNote, type Signer, splitNotes, type Verifier } from "./note.ts";
import { isConsistent } from "./proof.ts";

export interface WitnessOptions {
  readonly signer: Signer;
  /** Keys of the logs it watches over. A log's origin is the key's name, or begins with it and a slash. */
  readonly keys: readonly Verifier[];
  /** One file for each log: the newest checkpoint that was signed. */
  readonly disk: Pick<Disk, "list" | "size" | "read" | "replace">;
}

export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly body: string;
}

/**
 * A witness (C2SP tlog-witness, `add-checkpoint`): remembers how far a log has grown, and signs only what continues it.
 * One history for everybody: whoever takes a log back, or shows another one, is refused. What it signs is on the disk
 * before it is answered, and one call runs at a time, so a comparison and what follows from it cannot be parted.
 */
export function addCheckpoint(request: string, { signer, keys, disk }: WitnessOptions): WitnessAnswer {
  const parsed = readRequest(request);
  if (parsed === undefined) return { status: 400, body: "malformed request\n" };
  const { oldSize, proof, note } = parsed;
  const [origin = ""] = note.split("\n", 1);
  const known = keys.filter(({ name }) => origin === name || origin.startsWith(`${name}/`));
  if (known.length === 0) return { status: 404, body: "unknown log\n" };
  const opened = openNote(note, known);
  if (typeof opened === "string" || opened.signedBy.length === 0)
    return { status: 403, body: "no signature of a key of this log\n" };
  const checkpoint = parseCheckpoint(opened.text);
  if (checkpoint === undefined || oldSize > checkpoint.size)
    return { status: 400, body: "malformed checkpoint\n" };

  const file = `${hash("sha256", origin)}.checkpoint`;
  const files = disk.list().filter((name) => name.endsWith(".checkpoint"));
  if (!files.includes(file) && files.length >= LOGS_MAX) return { status: 404, body: "too many logs\n" };
  const seen = files.includes(file) ? readSeen(disk, file) : undefined;
  const seenSize = seen?.size ?? 0;
  if (oldSize !== seenSize) return { status: 409, body: `${seenSize}\n` };
  if (seen !== undefined && checkpoint.size === seenSize && !checkpoint.root.equals(seen.root))
    return { status: 409, body: `${seenSize}\n` };
  if (seen !== undefined && !isConsistent(seenSize, checkpoint.size, seen.root, checkpoint.root, proof))
    return { status: 422, body: "the proof is wrong\n" };
  if (seen === undefined && proof.length > 0) return { status: 422, body: "the proof is wrong\n" };

  const cosignature = signer.sign(opened.text);
  disk.replace(file, Buffer.from(note + cosignature));
  return { status: 200, body: cosignature };
}

/** All that it has signed last, one note after another: anchors for `zion audit verify`. */
export function signedCheckpoints({ disk }: Pick<WitnessOptions, "disk">): string {
  return disk
    .list()
    .filter((name) => name.endsWith(".checkpoint"))
    .map((name) => readText(disk, name))
    .join("");
}

/** `old N`, base64 hashes, an empty line, the note. */
function readRequest(
  request: string,
): { readonly oldSize: number; readonly proof: readonly Buffer[]; readonly note: string } | undefined {
  const cut = request.indexOf("\n\n");
  if (cut < 0) return undefined;
  const [first = "", ...hashes] = request.slice(0, cut).split("\n");
  const old = /^old (0|[1-9]\d{0,15})$/.exec(first)?.[1];
  if (old === undefined || hashes.length > PROOF_MAX) return undefined;
  const proof = hashes.map((text) => Buffer.from(text, "base64"));
  if (proof.some((bytes, i) => bytes.length !== 32 || bytes.toString("base64") !== hashes[i]))
    return undefined;
  return { oldSize: Number(old), proof, note: request.slice(cut + 2) };
}

function readSeen(
  disk: WitnessOptions["disk"],
  file: string,
): { readonly size: number; readonly root: Buffer } {
  const [note = ""] = splitNotes(readText(disk, file));
  const seen = parseCheckpoint(note.slice(0, note.lastIndexOf("\n\n") + 1));
  // A witness that forgets is none.
  if (seen === undefined) throw new Error(`${file} is damaged: what was signed is not known any more`);
  return seen;
}

function readText(disk: WitnessOptions["disk"], file: string): string {
  const bytes = Buffer.alloc(disk.size(file));
  return bytes.toString("utf8", 0, disk.read(file, 0, bytes));
}

const PROOF_MAX = 63;
const LOGS_MAX = 10_000;

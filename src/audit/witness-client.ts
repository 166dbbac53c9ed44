import type { Journal } from "./journal.ts";
import { openNote, splitNotes } from "./note.ts";
import { consistencyRanges, RangeHashes } from "./proof.ts";

export interface WitnessClientOptions {
  /** Posts a body to `add-checkpoint`. Rejects with why there is no answer. */
  readonly post: (body: string) => Promise<{ readonly status: number; readonly body: string }>;
  /** Proof from the size that the witness has to ours, where the tree alone does not tell any more. */
  readonly proveFrom: (oldSize: number, size: number) => readonly Buffer[] | undefined;
  /** Told the cosignature lines of a checkpoint. */
  readonly onCosigned: (note: string) => void;
  /** The witness has seen another history than this: a fork, or a rollback. */
  readonly onConflict: (problem: string) => void;
}

/** Shows checkpoints to a witness, one at a time, the newest first (C2SP tlog-witness). */
export class WitnessClient {
  /** Size that the witness has; -1 = not known yet. */
  seenSize = -1;
  failures = 0;
  /** Why it did not take the last checkpoint; "" = it did, or was not asked with the right size yet. */
  problem = "";
  readonly #options: WitnessClientOptions;
  /** Gathers the proof from `seenSize` while the log grows, so that no file has to be read for it. */
  #trail: { readonly from: number; readonly hashes: RangeHashes } | undefined;
  /** The same from the checkpoint that is on its way. */
  #candidate: { readonly from: number; readonly hashes: RangeHashes } | undefined;
  #isBusy = false;
  #next: { readonly note: string; readonly size: number; readonly journal: Journal } | undefined;

  constructor(options: WitnessClientOptions) {
    this.#options = options;
  }

  /** A record was added. */
  grow(leaf: Buffer): void {
    this.#trail?.hashes.push(leaf);
    this.#candidate?.hashes.push(leaf);
  }

  /** A checkpoint of all records there are. While another is on its way, only the newest waits. */
  show(note: string, size: number, journal: Journal): void {
    this.#next = { note, size, journal };
    if (!this.#isBusy) void this.#send();
  }

  async #send(): Promise<void> {
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined) return;
    this.#isBusy = true;
    const { note, size, journal } = next;
    const old = Math.max(0, this.seenSize);
    try {
      // Reads the log's files, where a proof was not gathered: a disk that fails is one failure more.
      const proof = this.#proofFrom(old, size);
      this.#candidate = journal.size === size ? trailFrom(journal) : undefined;
      const lines = (proof ?? []).map((hash) => `${hash.toString("base64")}\n`).join("");
      const { status, body } = await this.#options.post(`old ${old}\n${lines}\n${note}`);
      if (status === 200 && !areSignatures(note, body)) {
        this.#fail("it says 200 without a signature");
      } else if (status === 200) {
        this.problem = "";
        this.seenSize = size;
        this.#trail = this.#candidate?.from === size ? this.#candidate : undefined;
        this.#candidate = undefined;
        this.#options.onCosigned(note + body);
      } else if (status === 409) {
        this.#hearSize(body.trim(), size);
      } else {
        this.#fail(`it says ${status}`);
        if (status === 422) this.#options.onConflict("a witness has seen another history of this size");
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
    this.#isBusy = false;
    void this.#send();
  }

  /** The witness is at another size than we thought: after a start of ours that is so once. */
  #hearSize(text: string, size: number): void {
    if (!/^\d{1,15}$/.test(text)) {
      this.#fail("it says 409 without a size");
      return;
    }
    const theirs = Number(text);
    this.#fail(this.seenSize < 0 ? "" : `it has seen ${theirs} records, and had ${this.seenSize}`);
    if (theirs > size) this.#options.onConflict(`a witness has seen ${theirs} records, there are ${size}`);
    else this.seenSize = theirs;
    this.#trail = undefined;
  }

  #fail(problem: string): void {
    this.failures++;
    this.problem = problem;
  }

  #proofFrom(old: number, size: number): readonly Buffer[] | undefined {
    if (old === 0 || old === size) return [];
    if (this.#trail?.from === old && this.#trail.hashes.size === size) return this.#trail.hashes.hashes();
    return this.#options.proveFrom(old, size);
  }
}

/** Lines of signatures and nothing else. Whose they are is the policy's business. */
function areSignatures(note: string, body: string): boolean {
  const whole = note + body;
  return body !== "" && splitNotes(whole)[0] === whole && typeof openNote(whole, []) === "object";
}

/** No log grows beyond this. */
const ANY_SIZE = 2 ** 52;

function trailFrom(journal: Journal): { readonly from: number; readonly hashes: RangeHashes } {
  const tree = journal.tree();
  return {
    from: tree.size,
    hashes: new RangeHashes(consistencyRanges(tree.size, ANY_SIZE), tree.size, tree.frontier),
  };
}

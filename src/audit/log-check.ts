import type { KeyObject } from "node:crypto";
import type { Findings } from "./finding.ts";
import { KeyRing } from "./key-ring.ts";
import { type ParsedLine, parseLine } from "./line.ts";
import { genesisMac, RecordMac, sameMac } from "./mac-key.ts";
import { readVkey } from "./note.ts";
import type { AuditRecord } from "./record.ts";
import { SourceTable } from "./source-table.ts";
import { leafHash, Tree } from "./tree.ts";

export interface LogCheckOptions {
  readonly logId: string;
  /** Root keys; none = MACs are not checked, the tree and its signatures still are. */
  readonly roots: readonly KeyObject[];
  readonly findings: Findings;
  /** Records that the log has at least, as a checkpoint says; 0 = not known. */
  readonly sizeKnown: number;
  /** Told each record that is in its place, in order, and the tree with it: undefined while it cannot be known. */
  readonly onRecord?: (record: AuditRecord, tree: Tree | undefined, leaf: Buffer) => void;
}

interface Line {
  /** Undefined: it is no record. */
  readonly parsed: ParsedLine | undefined;
  readonly problem: string;
  readonly leaf: Buffer;
}

/**
 * Reads the records of a log in order and says what is wrong with them. One bad record hides nothing: each MAC is
 * checked against the MAC before it *as it stands there*, and a look at one line ahead tells a changed record from one
 * that is missing or too many.
 */
export class LogCheck {
  readonly #options: LogCheckOptions;
  readonly #findings: Findings;
  readonly #keys: KeyRing | undefined;
  readonly #macs: RecordMac;
  #waiting: Line | undefined;
  /** Of the last record in its place. */
  #last = -1;
  #lastMac: Buffer | undefined;
  #boot = "";
  #epoch = 0;
  /** Ids of root keys: claimed last, of the last sound record, announced by the key before. */
  #rootId = "";
  #soundRootId = "";
  #announcedRootId = "";
  /** Lines since then that are no records. */
  #damaged = 0;
  #damage = "";
  /** Boot and epoch of the record before are its own claim only. */
  #unsure = false;
  /** A record was in its place, or it is known which is the first. */
  #started = false;
  #tree: Tree | undefined = new Tree();
  #sources = new SourceTable();
  readonly #boots = new Set<string>();
  readonly #misplaced: { readonly place: number; readonly seq: number }[] = [];
  readonly #extra: number[] = [];
  /** MACs that were right and wrong, by boot, and where. */
  readonly #macsOf = new Map<
    string,
    { right: number; wrong: number; first: number; last: number; knownKey: boolean }
  >();

  constructor(options: LogCheckOptions) {
    this.#options = options;
    this.#findings = options.findings;
    this.#keys = options.roots.length > 0 ? new KeyRing(options.logId, options.roots) : undefined;
    this.#macs = new RecordMac(options.logId);
  }

  /** Records in their places so far: the next seq. */
  get size(): number {
    return this.#last + 1;
  }

  get tree(): Tree | undefined {
    return this.#tree;
  }

  get lastMac(): Buffer | undefined {
    return this.#lastMac;
  }

  get boot(): string {
    return this.#boot;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Id of the root key that the last records claim. */
  get rootId(): string {
    return this.#rootId;
  }

  get sources(): SourceTable {
    return this.#sources;
  }

  get macsRight(): number {
    return [...this.#macsOf.values()].reduce((sum, { right }) => sum + right, 0);
  }

  /** The next line of the log, without its line end. */
  line(bytes: Buffer): void {
    const parsed = parseLine(bytes);
    const next: Line =
      typeof parsed === "string"
        ? { parsed: undefined, problem: parsed, leaf: bytes }
        : { parsed, problem: "", leaf: leafHash(bytes) };
    const line = this.#waiting;
    this.#waiting = next;
    if (line !== undefined) this.#judge(line, next.parsed?.record.seq);
  }

  /** A whole file is not there, or not what its name says: the log goes on with the next one's first record. */
  skipSegment(): void {
    this.flush();
    this.#lose();
    this.#lastMac = undefined;
    this.#started = false;
  }

  /** Judges the line that was kept back to see what comes next. */
  flush(): void {
    const line = this.#waiting;
    this.#waiting = undefined;
    if (line !== undefined) this.#judge(line, undefined);
  }

  /** After the last line. */
  finish(): void {
    this.flush();
    if (this.#damaged > 0) {
      const from = this.size;
      this.#findings.add("changed", from, Math.max(from, this.#options.sizeKnown - 1), this.#damage);
      this.#last = Math.max(from, this.#options.sizeKnown - 1);
    }
    this.#nameTheMisplaced();
    this.#nameWrongKeys();
  }

  #judge(line: Line, nextSeq: number | undefined): void {
    const { parsed } = line;
    if (parsed === undefined) {
      this.#damaged++;
      this.#damage = line.problem;
      this.#tree = undefined;
      this.#sources.lose();
      this.#unsure = true;
      return;
    }
    const { record } = parsed;
    const { seq } = record;
    if (!this.#started) this.#begin(record);
    const due = this.size;
    if (this.#damaged > 0 && seq >= due) {
      if (seq > due) this.#findings.add("changed", due, seq - 1, this.#damage);
      else this.#findings.add("inserted", due, due, this.#damage);
      this.#damaged = 0;
      this.#accept(line, parsed, seq === due);
    } else if (seq === due) {
      this.#accept(line, parsed, true);
    } else if (nextSeq === due) {
      this.#extra.push(seq);
      this.#lose();
    } else if (nextSeq === due + 1 || (nextSeq === undefined && this.#isOneInPlace(seq, due))) {
      this.#misplaced.push({ place: due, seq });
      this.#lose();
      this.#last = due;
      // Of a record that was moved here; the one that belongs here had another.
      this.#lastMac = undefined;
    } else if (seq > due) {
      this.#findings.add("removed", due, seq - 1, "");
      this.#lose();
      this.#accept(line, parsed, false);
    } else {
      this.#extra.push(seq);
      this.#lose();
    }
  }

  /** Of the last line of all, whose seq is not the one due: whether it stands in its place, and the seq is wrong. */
  #isOneInPlace(seq: number, due: number): boolean {
    const { sizeKnown } = this.#options;
    return seq > due ? sizeKnown <= due + 1 : sizeKnown > due;
  }

  /** The first record of what is there: of the log, or of a segment whose predecessors are gone. */
  #begin(record: AuditRecord): void {
    const { data, kind, seg, seq } = record;
    this.#started = true;
    this.#unsure = true;
    if (seg === 1) {
      this.#tree = new Tree();
      const signer = kind === "genesis" ? readVkey(String(data?.["vkey"])) : "";
      if (typeof signer !== "string") this.#lastMac = genesisMac(this.#options.logId, signer.publicKey);
      else if (seq === 0) this.#findings.add("changed", 0, 0, "the first record is no genesis");
      return;
    }
    // Damaged lines before it can only be of this segment.
    this.#last = Math.max(this.#last, seq - 1 - this.#damaged);
    if (kind !== "segment_open") {
      if (this.#damaged === 0) this.#findings.add("changed", seq, seq, "it does not open its segment");
      return;
    }
    this.#lastMac = Buffer.from(String(data?.["mac"]), "base64url");
    this.#sources = SourceTable.from(data?.["sources"]);
    this.#resumeTree(record);
  }

  /** A segment says how large the tree is and what its frontier is: checked by the next checkpoint. */
  #resumeTree(record: AuditRecord): void {
    const frontier = record.data?.["frontier"];
    const nodes = Array.isArray(frontier) ? frontier.map((node) => Buffer.from(String(node), "base64")) : [];
    const isWhole = nodes.every((node) => node.length === 32) && nodes.length === bitsOf(record.seq);
    this.#tree = isWhole ? new Tree(record.seq, nodes) : undefined;
  }

  /** A record in its place. `linked`: the MAC of the record before is known. */
  #accept(line: Line, parsed: ParsedLine, linked: boolean): void {
    const { record } = parsed;
    this.#claimRoot(record);
    const isRight = linked ? this.#checkMac(parsed) : undefined;
    if (isRight !== false) {
      this.#checkKeySteps(record);
      this.#checkRoot(record);
    } else if (this.#soundRootId !== "") {
      this.#rootId = this.#soundRootId;
    }
    if (this.#unsure || isRight !== false) {
      this.#boot = record.boot;
      this.#epoch = record.ep;
    }
    this.#unsure = isRight !== true && this.#keys !== undefined;
    if (record.kind === "process_start" && isRight !== false) this.#noteBoot(record);
    this.#last = record.seq;
    this.#lastMac = parsed.mac;
    if (record.kind === "segment_open" && this.#tree === undefined) this.#resumeTree(record);
    this.#tree?.push(line.leaf);
    if (isRight === false) this.#sources.lose();
    const gap = isRight === false ? undefined : this.#sources.take(record);
    if (gap !== undefined) this.#findings.add("worker_gap", record.seq, record.seq, gap);
    this.#options.onRecord?.(record, this.#tree, line.leaf);
  }

  /** Undefined: there is no key. */
  #checkMac({ record, body, mac }: ParsedLine): boolean | undefined {
    if (this.#keys === undefined || this.#lastMac === undefined) return undefined;
    // More than one step from a record that is sound is no step of a writer.
    const isFar = !this.#unsure && record.boot === this.#boot && record.ep > this.#epoch + 1;
    const key = isFar ? undefined : this.#keys.keyOf(record.boot, record.ep);
    const isRight = key !== undefined && sameMac(mac, this.#macs.of(key, record.seq, this.#lastMac, body));
    let counts = this.#macsOf.get(record.boot);
    if (counts === undefined) {
      counts = {
        right: 0,
        wrong: 0,
        first: record.seq,
        last: record.seq,
        knownKey: this.#keys.has(this.#rootId),
      };
      // Changed records may claim any boot; those of a log are few.
      if (this.#macsOf.size < BOOTS_MAX) this.#macsOf.set(record.boot, counts);
    }
    counts.last = record.seq;
    if (isRight) counts.right++;
    else {
      counts.wrong++;
      this.#findings.add("changed", record.seq, record.seq, "its MAC is wrong");
    }
    return isRight;
  }

  /**
   * Keys go forward by single steps that the log shows. Somebody who stole a key of today could otherwise rewrite
   * yesterday with it.
   */
  #checkKeySteps({ boot, ep, kind, seq }: AuditRecord): void {
    if (this.#unsure) return;
    const isSame = boot === this.#boot && ep === this.#epoch;
    const isStep = boot === this.#boot && ep === this.#epoch + 1 && STEPPING.has(kind);
    const isStart = boot !== this.#boot && ep === 0 && STARTING.has(kind);
    if (!isSame && !isStep && !isStart)
      this.#findings.add("changed", seq, seq, "its key does not follow from the one before");
  }

  /** The record says which key it and those after it were made with. */
  #claimRoot({ kind, data }: AuditRecord): void {
    const id = data?.["key"];
    if (typeof id !== "string" || !NAMES_KEY.has(kind)) return;
    this.#rootId = id;
    this.#keys?.useRoot(id);
  }

  /** Of a record that is sound: another key than before needs a record by the old one that announces it. */
  #checkRoot({ kind, data, seq }: AuditRecord): void {
    if (kind === "key_rotate") this.#announcedRootId = String(data?.["to"]);
    if (
      this.#soundRootId !== "" &&
      this.#rootId !== this.#soundRootId &&
      this.#rootId !== this.#announcedRootId
    )
      this.#findings.add("wrong_key", seq, seq, "the key was exchanged without a record of it");
    this.#soundRootId = this.#rootId;
  }

  #noteBoot({ boot, seq }: AuditRecord): void {
    if (this.#boots.has(boot))
      this.#findings.add("changed", seq, seq, "a second start with the same boot id");
    this.#boots.add(boot);
  }

  #lose(): void {
    this.#tree = undefined;
    this.#sources.lose();
    this.#unsure = true;
  }

  /** Two records that stand in each other's places were moved; one with a seq of nowhere was changed. */
  #nameTheMisplaced(): void {
    const seqs = new Set([...this.#misplaced.map(({ seq }) => seq), ...this.#extra]);
    const extras = new Set(this.#extra);
    // What is missing at the end is there, elsewhere.
    for (; extras.delete(this.size); this.#last++) this.#findings.add("moved", this.size, this.size, "");
    for (const { place, seq } of this.#misplaced) {
      if (seqs.has(place)) this.#findings.add("moved", place, place, `record ${seq} stands there`);
      else this.#findings.add("changed", place, place, `its number is ${seq}`);
    }
    for (const seq of extras) {
      const isMoved =
        this.#findings.touches(["removed"], seq, seq) || this.#misplaced.some(({ place }) => place === seq);
      this.#findings.add(isMoved ? "moved" : "inserted", seq, seq, "");
    }
    for (const seq of extras) {
      // A range that is all there, elsewhere, is not missing.
      for (const { name, from, to } of [...this.#findings.all])
        if (name === "removed" && from <= seq && seq <= to && allIn(extras, from, to))
          this.#findings.withdraw("removed", from, to);
    }
  }

  /** Not one MAC right in a whole run of the writer: nobody changed all of it, the key is another. */
  #nameWrongKeys(): void {
    for (const { right, wrong, first, last, knownKey } of this.#macsOf.values()) {
      if (right > 0 || wrong === 0 || knownKey) continue;
      this.#findings.withdraw("changed", first, last);
      this.#findings.add("wrong_key", first, last, "no MAC can be checked with the key given");
    }
  }
}

const STEPPING: ReadonlySet<string> = new Set(["key_step", "segment_open"]);
const STARTING: ReadonlySet<string> = new Set(["process_start", "segment_open"]);
const NAMES_KEY: ReadonlySet<string> = new Set(["genesis", "process_start", "segment_open"]);
const BOOTS_MAX = 100_000;

function allIn(set: ReadonlySet<number>, from: number, to: number): boolean {
  for (let seq = from; seq <= to; seq++) if (!set.has(seq)) return false;
  return true;
}

/** Full subtrees in the frontier of a tree of `size` leaves. */
function bitsOf(size: number): number {
  let bits = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) bits += rest % 2;
  return bits;
}

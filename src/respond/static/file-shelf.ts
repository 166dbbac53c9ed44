import fs from "node:fs";
import type { CanonicalRequest } from "../../http/request.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import { type Reason, reasons } from "../../reason.ts";
import type { Clock } from "../../std/clock.ts";
import type { AnswerSource } from "../source.ts";
import { FileAnswer, type FileAnswerOwner } from "./file-answer.ts";
import { fileReason, type OpenedFile, openFile, readWhole, realDirectory, versionNow } from "./open-file.ts";
import type { StaticSite } from "./static-site.ts";

/** What answers the requests of routes with `mode = "static"`. */
export interface Files {
  /** Begins with its first `resume`. `request` is the exchange's, and in use until then only. */
  answer(owner: FileAnswerOwner, site: StaticSite, request: CanonicalRequest): AnswerSource;
}

/** What is known of a path below a directory: of a file, a directory, or why there is neither. */
export interface Shelved {
  readonly kind: typeof FILE | typeof DIRECTORY | typeof NOTHING;
  /** Of NOTHING. */
  readonly reason: Reason;
  readonly detail: string;
  readonly size: number;
  readonly modifiedNs: bigint;
  readonly version: string;
  /** Nothing else can have been written at the same moment any more. */
  readonly isSettled: boolean;
  /** The whole file, where it is small and there was room; never changed. */
  readonly bytes: Buffer | undefined;
  /** Bytes of memory, about. */
  readonly weight: number;
  readonly checkedMs: number;
  /** Answers that are sending `bytes`. */
  users: number;
  /** Asked for since the hand came by last. */
  visited: boolean;
  /** Not on the shelf any more: its weight counts until nobody sends it. */
  gone: boolean;
  /** The head of a plain 200, for the site and the kind of answer that asked last. */
  head: Buffer | undefined;
  headOf: StaticSite | undefined;
  headKind: string;
}

export const FILE = 1;
export const DIRECTORY = 2;
export const NOTHING = 0;

export interface FileShelfDeps {
  readonly clock: Clock;
  /** The worker's one head: see `ResponseHead`. */
  readonly head: ResponseHead;
}

/**
 * The files of a worker. Small ones that were asked for stay in memory, and what is known of the others; looked at again
 * at most once a second, so that a file is served at most that long after it changed. One opening at a time for each path.
 * Who was not asked for goes first (CLOCK); what is being sent stays, and counts.
 */
export class FileShelf implements Files {
  /** Of memory, files that are being sent included. What does not fit is read anew each time. */
  bytesMax = 0;
  openMax = 0;
  readonly head: ResponseHead;
  readonly clock: Clock;
  bytes = 0;
  /** Descriptors of answers. */
  open = 0;
  readonly counts = { kept: 0, looked: 0, evicted: 0 };
  readonly #entries = new Map<string, Shelved>();
  readonly #pending = new Map<string, Promise<Shelved>>();
  readonly #roots = new Map<string, Root>();
  readonly #buffers: Buffer[] = [];

  constructor({ clock, head }: FileShelfDeps) {
    this.clock = clock;
    this.head = head;
  }

  answer(owner: FileAnswerOwner, site: StaticSite, request: CanonicalRequest): AnswerSource {
    return new FileAnswer(owner, site, request, this);
  }

  /** What is known well enough, or the promise to look. Never rejects. */
  find(directory: string, relative: string): Shelved | Promise<Shelved> {
    const key = `${directory}\n${relative}`;
    const entry = this.#entries.get(key);
    if (entry !== undefined && this.clock.nowMs() - entry.checkedMs < FRESH_MS) {
      entry.visited = true;
      this.counts.kept++;
      return entry;
    }
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      // Somebody asks for many paths that are no files: those that are there must not go for it.
      if (this.#pending.size >= LOOKS_MAX && entry?.kind === FILE) return entry;
      this.counts.looked++;
      pending = this.#look(directory, relative, entry).then((found) => {
        this.#pending.delete(key);
        return this.#put(key, found);
      });
      this.#pending.set(key, pending);
    }
    return pending;
  }

  /** For one answer that reads it by itself. Rejects with a `Refused`. Closed by `close`. */
  async openAt(directory: string, relative: string): Promise<OpenedFile> {
    if (this.open >= this.openMax) throw new Refused(reasons.openFiles, "static_open_files");
    this.open++;
    try {
      return await this.#openBelow(directory, relative);
    } catch (error) {
      this.open--;
      throw error;
    }
  }

  /** Rejects with a `Refused`. */
  async #openBelow(directory: string, relative: string): Promise<OpenedFile> {
    try {
      const opened = await openFile(`${directory}/${relative}`);
      try {
        if (await this.#contains(directory, opened.realPath)) return opened;
      } catch (error) {
        fs.close(opened.descriptor, () => {});
        throw error;
      }
      fs.close(opened.descriptor, () => {});
      throw new Refused(reasons.fileOutside, "link");
    } catch (error) {
      if (error instanceof Refused) throw error;
      const { reason, detail } = fileReason(error);
      throw new Refused(reason, detail);
    }
  }

  /** Nobody reads from it any more: its number may be another file's as soon as this returns. */
  close(descriptor: number): void {
    this.open--;
    fs.close(descriptor, () => {});
  }

  /** It is not as it was known to be. */
  forget(directory: string, relative: string): void {
    const key = `${directory}\n${relative}`;
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#remove(key, entry);
  }

  release(entry: Shelved): void {
    entry.users--;
    if (entry.gone && entry.users === 0) this.bytes -= entry.weight;
  }

  /** 64 KiB, to be given back. */
  takeBuffer(): Buffer {
    return this.#buffers.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
  }

  giveBuffer(buffer: Buffer): void {
    if (this.#buffers.length < BUFFERS_MAX) this.#buffers.push(buffer);
  }

  async #look(directory: string, relative: string, known: Shelved | undefined): Promise<Shelved> {
    const checkedMs = this.clock.nowMs();
    const keyBytes = directory.length + relative.length;
    let opened: OpenedFile;
    try {
      // Not one of `openMax`: it is closed at once, and what is in memory must not wait for slow clients.
      if (this.#pending.size >= LOOKS_MAX) throw new Refused(reasons.openFiles, "lookups");
      opened = await this.#openBelow(directory, relative);
    } catch (error) {
      const { reason, detail } = error as Refused;
      return shelved({ kind: NOTHING, reason, detail, checkedMs, weight: ENTRY_BYTES + keyBytes });
    }
    const { descriptor, isDirectory, size, modifiedNs, version } = opened;
    // Two writes within one tick of the file system's clock cannot be told apart (RFC 9110 §8.8.1).
    const isSettled = this.clock.wallMs() - Number(modifiedNs / 1_000_000n) > SETTLED_MS;
    let bytes = known?.version === version ? known.bytes : undefined;
    if (!isDirectory && bytes === undefined && size <= SMALL_BYTES_MAX && this.#makeRoom(size)) {
      // Counted while it is read: many at once must not be more than there is room for.
      this.bytes += size;
      try {
        bytes = await readWhole(descriptor, size);
        if (bytes !== undefined && (await versionNow(descriptor)) !== version) bytes = undefined;
      } catch {
        // Whoever asks for it finds out, and says why.
      }
      this.bytes -= size;
    }
    fs.close(descriptor, () => {});
    return shelved({
      kind: isDirectory ? DIRECTORY : FILE,
      size,
      modifiedNs,
      version,
      isSettled,
      bytes,
      checkedMs,
      weight: ENTRY_BYTES + keyBytes + (bytes?.length ?? 0),
    });
  }

  /** As it was put there; without its bytes where there is no room: whoever waits for it reads for itself. */
  #put(key: string, entry: Shelved): Shelved {
    const before = this.#entries.get(key);
    if (before !== undefined) this.#remove(key, before);
    if (!this.#makeRoom(entry.weight)) return { ...entry, bytes: undefined };
    this.#entries.set(key, entry);
    this.bytes += entry.weight;
    return entry;
  }

  #remove(key: string, entry: Shelved): void {
    this.#entries.delete(key);
    entry.gone = true;
    if (entry.users === 0) this.bytes -= entry.weight;
  }

  /** False: there is none, for now. */
  #makeRoom(bytes: number): boolean {
    if (bytes > this.bytesMax) return false;
    let looked = 0;
    for (const [key, entry] of this.#entries) {
      if (this.bytes + bytes <= this.bytesMax) return true;
      if (++looked > LOOKED_AT_MAX) return false;
      this.#entries.delete(key);
      if (entry.visited || entry.users > 0) {
        entry.visited = false;
        this.#entries.set(key, entry);
        continue;
      }
      this.#remove(key, entry);
      this.counts.evicted++;
    }
    return this.bytes + bytes <= this.bytesMax;
  }

  /** Links may lead elsewhere below the directory, as Kubernetes lays its volumes out, and not out of it. */
  async #contains(directory: string, realPath: string): Promise<boolean> {
    const known = this.#roots.get(directory);
    if (
      known !== undefined &&
      this.clock.nowMs() - known.checkedMs < FRESH_MS &&
      isBelow(known.prefix, realPath)
    )
      return true;
    // The directory itself may be a link that was swapped a moment ago.
    const checkedMs = this.clock.nowMs();
    const real = await realDirectory(directory);
    const prefix = real.endsWith("/") ? real : `${real}/`;
    this.#roots.set(directory, { prefix, checkedMs });
    return isBelow(prefix, realPath);
  }

  /** After a reload: directories that nobody serves any more are forgotten. */
  retain(directories: ReadonlySet<string>): void {
    for (const directory of this.#roots.keys())
      if (!directories.has(directory)) this.#roots.delete(directory);
    for (const [key, entry] of this.#entries)
      if (!directories.has(key.slice(0, key.indexOf("\n")))) this.#remove(key, entry);
  }
}

/** Why a file is not served. */
export class Refused extends Error {
  readonly reason: Reason;
  readonly detail: string;

  constructor(reason: Reason, detail: string) {
    super(detail);
    this.reason = reason;
    this.detail = detail;
  }
}

interface Root {
  /** With the slash at its end. */
  readonly prefix: string;
  readonly checkedMs: number;
}

function isBelow(prefix: string, realPath: string): boolean {
  return realPath.startsWith(prefix) || `${realPath}/` === prefix;
}

function shelved(known: Partial<Shelved> & Pick<Shelved, "kind" | "checkedMs" | "weight">): Shelved {
  return {
    reason: reasons.fileNotFound,
    detail: "",
    size: 0,
    modifiedNs: 0n,
    version: "",
    isSettled: false,
    bytes: undefined,
    users: 0,
    visited: false,
    gone: false,
    head: undefined,
    headOf: undefined,
    headKind: "",
    ...known,
  };
}

export const READ_BYTES = 65_536;
const BUFFERS_MAX = 32;
const FRESH_MS = 1000;
const SETTLED_MS = 2000;
const SMALL_BYTES_MAX = 1_048_576;
/** An entry with its head and its place in the map. */
const ENTRY_BYTES = 1024;
const LOOKED_AT_MAX = 64;
/** Under way at once. */
const LOOKS_MAX = 512;

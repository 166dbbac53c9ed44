import type { Disk } from "../../src/audit/disk.ts";
import { Xorshift } from "../../src/std/xorshift.ts";

/** The machine stopped in the middle of a call. */
export class Crash extends Error {}

interface SimulatedFile {
  /** What a reader sees. */
  bytes: Buffer;
  /** How much of it is on the medium for sure. */
  durable: number;
  /** Its name in the directory is on the medium. */
  named: boolean;
  generation: number;
}

/**
 * A directory on a disk that keeps what was synced and nothing else for sure: after a crash unsynced bytes are there,
 * lost, cut anywhere or full of holes, and names that were not synced may be gone. All by a seed.
 */
export class SimulatedDisk implements Disk {
  readonly files = new Map<string, SimulatedFile>();
  readonly #removed = new Map<string, SimulatedFile>();
  readonly #random: Xorshift;
  /** Calls until the crash; Infinity = none. */
  callsLeft = Infinity;
  /** Bytes until the disk is full. */
  room = Infinity;
  #generation = 0;

  constructor(seed: number) {
    this.#random = new Xorshift(seed);
  }

  below(limit: number): number {
    return this.#random.below(limit);
  }

  list(): readonly string[] {
    return [...this.files.keys()].sort();
  }

  size(name: string): number {
    return this.#file(name).bytes.length;
  }

  read(name: string, offset: number, into: Buffer): number {
    return this.#file(name).bytes.copy(into, 0, offset);
  }

  create(name: string): void {
    this.#call();
    if (this.files.has(name)) throw error("EEXIST");
    this.files.set(name, this.#newFile());
  }

  append(name: string, bytes: Buffer): number {
    const file = this.#file(name);
    const taken = bytes.subarray(0, Math.min(bytes.length, this.room));
    if (taken.length === 0) throw error("ENOSPC");
    // The crash may come in the middle of it.
    const isLast = this.callsLeft <= 1;
    const written = isLast ? taken.subarray(0, this.below(taken.length + 1)) : taken;
    file.bytes = Buffer.concat([file.bytes, written]);
    this.room -= written.length;
    this.#call();
    return taken.length;
  }

  sync(name: string): void {
    const file = this.#file(name);
    this.#call();
    file.durable = file.bytes.length;
  }

  syncDirectory(): void {
    this.#call();
    for (const file of this.files.values()) file.named = true;
    this.#removed.clear();
  }

  truncate(name: string, size: number): void {
    const file = this.#file(name);
    this.#call();
    this.room += file.bytes.length - size;
    file.bytes = file.bytes.subarray(0, size);
    file.durable = size;
  }

  replace(name: string, bytes: Buffer): void {
    if (bytes.length > this.room) throw error("ENOSPC");
    // Before it or after it.
    if (this.callsLeft <= 1 && this.below(2) === 0) this.#call();
    this.room -= bytes.length - (this.files.get(name)?.bytes.length ?? 0);
    const file = this.#newFile();
    file.bytes = Buffer.from(bytes);
    file.durable = bytes.length;
    file.named = true;
    this.files.set(name, file);
    this.#call();
  }

  remove(name: string): void {
    const file = this.files.get(name);
    this.#call();
    if (file === undefined) return;
    this.room += file.bytes.length;
    this.files.delete(name);
    if (file.named) this.#removed.set(name, file);
  }

  identity(name: string): string {
    const file = this.files.get(name);
    return file === undefined ? "" : `${file.generation}:${file.bytes.length}`;
  }

  /** The machine starts again: what of the unsynced is left is a matter of luck. */
  reboot(): void {
    this.callsLeft = Infinity;
    for (const [name, file] of this.#removed) if (this.below(2) === 0) this.files.set(name, file);
    this.#removed.clear();
    for (const [name, file] of [...this.files]) {
      if (!file.named && this.below(2) === 0) this.files.delete(name);
      else this.#damage(file);
      file.named = true;
    }
  }

  /** Keeps, cuts, or puts holes of whole sectors into what was not synced. */
  #damage(file: SimulatedFile): void {
    const unsynced = file.bytes.length - file.durable;
    const luck = this.below(4);
    let { bytes } = file;
    if (unsynced > 0 && luck === 0) bytes = bytes.subarray(0, file.durable);
    if (unsynced > 0 && luck === 1) bytes = bytes.subarray(0, file.durable + this.below(unsynced + 1));
    if (unsynced > 0 && luck === 2) {
      bytes = Buffer.from(bytes);
      for (let sector = Math.floor(file.durable / SECTOR) * SECTOR; sector < bytes.length; sector += SECTOR)
        if (this.below(2) === 0)
          bytes.fill(0, Math.max(sector, file.durable), Math.min(sector + SECTOR, bytes.length));
    }
    file.bytes = Buffer.from(bytes);
    file.durable = file.bytes.length;
  }

  #newFile(): SimulatedFile {
    return { bytes: Buffer.alloc(0), durable: 0, named: false, generation: ++this.#generation };
  }

  #file(name: string): SimulatedFile {
    return this.files.get(name) ?? raise(error("ENOENT"));
  }

  #call(): void {
    if (--this.callsLeft <= 0) throw new Crash();
  }
}

const SECTOR = 512;

function error(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function raise(cause: Error): never {
  throw cause;
}

import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import path from "node:path";

/** What every canary begins with, and nothing else holds. */
const PREFIX = "c4n4ry";

/** A secret that tests plant: wherever a gateway of the tests prints it, also encoded, its test fails. */
export function canary(name: string): string {
  return `${PREFIX}-${name}-5d1f0e9ac27b4c3e8a6f`;
}

/** As it stands, in other letters, in hex and at each of the three offsets of base64. */
const shapes: readonly RegExp[] = [
  new RegExp(PREFIX, "i"),
  new RegExp(Buffer.from(PREFIX).toString("hex"), "i"),
  new RegExp([...PREFIX].map((char) => `%${char.charCodeAt(0).toString(16)}`).join(""), "i"),
  ...[0, 1, 2].map((offset) => {
    const text = Buffer.from("\0".repeat(offset) + PREFIX).toString("base64");
    // Characters that also depend on what stands around it are left out.
    return new RegExp(
      text
        .slice(offset === 0 ? 0 : offset + 1, Math.floor(((offset + PREFIX.length) * 8) / 6))
        .replaceAll("+", "\\+"),
    );
  }),
];

/** Fails when `output` holds a canary. `where` names it. */
export function assertNoCanary(output: string, where: string): void {
  for (const shape of shapes) {
    const found = shape.exec(output);
    if (found === null) continue;
    const around = output.slice(Math.max(0, found.index - 120), found.index + 60);
    assert.fail(`a planted secret is in ${where}: …${around}…`);
  }
}

/** The same for every file below a folder but `except`, names without their folders. */
export function assertNoCanaryBelow(folder: string, except: readonly string[] = []): void {
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const file = path.join(folder, entry);
    if (except.includes(path.basename(file)) || statSync(file, { throwIfNoEntry: false })?.isFile() !== true)
      continue;
    assertNoCanaryIn(file);
  }
}

/** In pieces: two hours of traffic log more than a buffer or a string may hold. */
function assertNoCanaryIn(file: string): void {
  const fd = openIfThere(file);
  if (fd === undefined) return;
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  try {
    for (let at = 0; ; at += PIECE_BYTES - OVERLAP_BYTES) {
      const read = readSync(fd, piece, 0, PIECE_BYTES, at);
      assertNoCanary(piece.latin1Slice(0, read), file);
      if (read < PIECE_BYTES) return;
    }
  } finally {
    closeSync(fd);
  }
}

/** A gateway that still runs writes files anew under another name: undefined when this one has got its own since it was listed. */
function openIfThere(file: string): number | undefined {
  try {
    return openSync(file, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

const PIECE_BYTES = 16 * 1_048_576;
/** More than the longest shape of a canary. */
const OVERLAP_BYTES = 4096;

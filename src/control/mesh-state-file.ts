import { readFileSync } from "node:fs";
import type { LearnedKeys } from "../mesh/key-ring.ts";
import { writePrivateFile } from "../std/private-file.ts";

/** What an edge knows of the mesh over a restart. */
export interface MeshMemory {
  readonly learned: LearnedKeys;
  /** Highest sequence of each signer: what is below was seen, or is over. */
  readonly floors: ReadonlyMap<string, number>;
  /** Revocations and policies, as they came. */
  readonly decrees: readonly Buffer[];
}

const nothing: MeshMemory = {
  learned: { introduced: [], firstUse: [], revoked: [] },
  floors: new Map(),
  decrees: [],
};

/** Empty where there is no file. Throws where it is none of ours: a revocation would be forgotten in silence. */
export function readMeshMemory(file: string | undefined): MeshMemory {
  if (file === undefined) return nothing;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return nothing;
    throw error;
  }
  const saved = JSON.parse(text) as {
    readonly learned: LearnedKeys;
    readonly floors: Readonly<Record<string, number>>;
    readonly decrees: readonly string[];
  };
  return {
    learned: saved.learned,
    floors: new Map(Object.entries(saved.floors)),
    decrees: saved.decrees.map((envelope) => Buffer.from(envelope, "base64url")),
  };
}

/** For this user only, whole or not at all. Throws where it cannot be written. */
export function writeMeshMemory(file: string, { learned, floors, decrees }: MeshMemory): void {
  const text = JSON.stringify({
    learned,
    floors: Object.fromEntries(floors),
    decrees: decrees.map((envelope) => envelope.toString("base64url")),
  });
  writePrivateFile(file, text);
}

import type { CutConfig, Manifest } from "../config/parts.ts";

/** One line of the history. */
export interface GenerationEntry {
  /** In force after it: of a refused one, the generation that stayed. */
  readonly generation: number;
  /** Of the effective configuration; "" = it could not be read. */
  readonly sha256: string;
  readonly time: string;
  /** "start", "file", "signal", "api", "rollback to N" */
  readonly by: string;
  readonly result: "loaded" | "refused";
  readonly ms: number;
  /** What it changed, or would have changed, in one line. */
  readonly changes?: string;
  readonly problem?: string;
}

export interface Generations {
  /** Newest first. */
  entries(): readonly GenerationEntry[];
  /** Loaded ones keep their configuration, so that one can go back to it. */
  remember(entry: GenerationEntry, cut: CutConfig | undefined): void;
  /** Undefined: it never was in force, or is forgotten. */
  find(generation: number): CutConfig | undefined;
}

const entriesMax = 50;
/** Of the parts that only older generations hold. Beyond, the oldest cannot be gone back to. */
const bytesMax = 64 * 1_048_576;

/** The last 50 configurations, in the memory of the primary: keys are in them, so they are not written anywhere. */
export function createGenerations(): Generations {
  const entries: GenerationEntry[] = [];
  /** Oldest first. */
  const manifests = new Map<number, Manifest>();
  const parts = new Map<string, { readonly bytes: Uint8Array; users: number }>();
  let bytes = 0;

  const forget = (generation: number) => {
    for (const name of namesOf(manifests.get(generation)!)) {
      const part = parts.get(name)!;
      if (--part.users > 0) continue;
      parts.delete(name);
      bytes -= part.bytes.length;
    }
    manifests.delete(generation);
  };

  return {
    entries: () => entries,
    remember(entry, cut) {
      entries.unshift(entry);
      entries.length = Math.min(entries.length, entriesMax);
      if (cut === undefined || entry.result !== "loaded") return;
      for (const name of namesOf(cut.manifest)) {
        const part = parts.get(name);
        if (part !== undefined) {
          part.users++;
          continue;
        }
        const own = cut.parts.get(name)!;
        parts.set(name, { bytes: own, users: 1 });
        bytes += own.length;
      }
      manifests.set(entry.generation, cut.manifest);
      const known = new Set(entries.map(({ generation }) => generation));
      for (const generation of [...manifests.keys()]) {
        const isNewest = generation === entry.generation;
        if (!isNewest && (bytes > bytesMax || !known.has(generation))) forget(generation);
      }
    },
    find(generation) {
      const manifest = manifests.get(generation);
      if (manifest === undefined) return undefined;
      const own = new Map<string, Uint8Array>();
      for (const name of namesOf(manifest)) own.set(name, parts.get(name)!.bytes);
      return { manifest, parts: own };
    },
  };
}

function* namesOf(manifest: Manifest): Generator<string> {
  for (const section of manifest) for (const [, name] of section.parts) yield name;
}

import { createHash } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import type { Config } from "./config.ts";

/**
 * A configuration cut into parts that are named by their content: a key of a table is a part, and so is each upstream,
 * route or list. What did not change has the same name in the next generation, so it is neither sent nor built again.
 */
export interface CutConfig {
  readonly manifest: Manifest;
  /** Name to bytes. */
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

/** Which parts make the configuration, in its order. */
export type Manifest = readonly Section[];

/** One key of `Config`. */
export interface Section {
  readonly name: string;
  readonly shape: "value" | "table" | "list";
  /** What the part is called (a key, or the name of an upstream) and what it is: SHA-256, base64url. */
  readonly parts: readonly (readonly [label: string, name: string])[];
}

export function cutConfig(config: Config): CutConfig {
  const parts = new Map<string, Uint8Array>();
  const cut = (value: unknown): string => {
    const name = nameOf(value);
    if (!parts.has(name)) parts.set(name, serialize(value));
    return name;
  };
  const manifest = Object.entries(config).map(([name, value]): Section => {
    if (Array.isArray(value))
      return {
        name,
        shape: "list",
        parts: value.map((one, index) => [labelOf(one, index), cut(one)]),
      };
    if (typeof value !== "object" || value === null)
      return { name, shape: "value", parts: [["", cut(value)]] };
    return { name, shape: "table", parts: Object.entries(value).map(([key, one]) => [key, cut(one)]) };
  });
  return { manifest, parts };
}

/** Of the whole effective configuration, so that machines can be compared; it does not reveal what is in it. */
export function manifestHash(manifest: Manifest): string {
  return createHash("sha256").update(JSON.stringify(manifest)).digest("hex");
}

/** The names of all parts. */
export function partNames(manifest: Manifest): Set<string> {
  return new Set(manifest.flatMap(({ parts }) => parts.map(([, name]) => name)));
}

/**
 * What a process holds of configurations. A part is read once and is the same object in every configuration it belongs
 * to, so whoever builds from it knows by `===` whether it changed.
 */
export interface PartStore {
  /** Takes the parts that came and puts the configuration together. Throws when one is missing. */
  assemble(manifest: Manifest, parts: Iterable<readonly [string, Uint8Array]>): Config;
  /** Forgets all other parts. */
  keepOnly(manifests: readonly Manifest[]): void;
}

export function createPartStore(): PartStore {
  const held = new Map<string, unknown>();
  const get = (name: string): unknown => {
    if (!held.has(name)) throw new Error(`a part of the configuration did not arrive: ${name}`);
    return held.get(name);
  };
  const read = ({ shape, parts }: Section): unknown => {
    if (shape === "list") return parts.map(([, name]) => get(name));
    if (shape === "table") return Object.fromEntries(parts.map(([key, name]) => [key, get(name)]));
    return get(parts[0]![1]);
  };
  return {
    assemble(manifest, parts) {
      for (const [name, bytes] of parts) if (!held.has(name)) held.set(name, deserialize(bytes));
      // The manifest was cut from a Config by this very program: its sections are the Config's keys.
      return Object.fromEntries(
        manifest.map((section) => [section.name, read(section)]),
      ) as unknown as Config;
    },
    keepOnly(manifests) {
      const kept = new Set(manifests.flatMap((manifest) => [...partNames(manifest)]));
      for (const name of held.keys()) if (!kept.has(name)) held.delete(name);
    },
  };
}

/** Of its JSON: V8's own format writes equal strings in two ways. `undefined` has a name, too. */
function nameOf(value: unknown): string {
  const json = JSON.stringify(value, (_key, one: unknown) =>
    one instanceof Uint8Array ? { sha256: createHash("sha256").update(one).digest("base64url") } : one,
  ) as string | undefined;
  return createHash("sha256")
    .update(json ?? "undefined")
    .digest("base64url");
}

function labelOf(value: unknown, index: number): string {
  const name = (value as { readonly name?: unknown } | null)?.name;
  return typeof name === "string" ? name : String(index);
}

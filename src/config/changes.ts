import type { Manifest, Section } from "./parts.ts";

/** One difference between two configurations. */
export interface Change {
  /** As operators write it: "server.max_headers", "route shop". */
  readonly what: string;
  readonly how: "added" | "removed" | "changed";
}

/** What changed, in the order of the new configuration; what is gone comes after the rest of its section. */
export function changesBetween(before: Manifest, after: Manifest): readonly Change[] {
  const changes: Change[] = [];
  for (const section of after) {
    const old = new Map(before.find(({ name }) => name === section.name)?.parts);
    for (const [label, name] of section.parts) {
      const present = old.get(label);
      old.delete(label);
      if (present === name) continue;
      changes.push({ what: nameOf(section, label), how: present === undefined ? "added" : "changed" });
    }
    for (const label of old.keys()) changes.push({ what: nameOf(section, label), how: "removed" });
  }
  return changes;
}

const shownMax = 20;

/** One line of at most 20 changes: "route shop added, server.max_headers changed, and 3 more". */
export function printChanges(changes: readonly Change[]): string {
  if (changes.length === 0) return "nothing changed";
  const shown = changes.slice(0, shownMax).map(({ what, how }) => `${what} ${how}`);
  if (changes.length > shownMax) shown.push(`and ${changes.length - shownMax} more`);
  return shown.join(", ");
}

function nameOf({ name, shape }: Section, label: string): string {
  const section = keyOf(name);
  if (label === "") return section;
  return shape === "list" ? `${section.replace(/s$/, "")} ${label}` : `${section}.${keyOf(label)}`;
}

/** `maxHeaders` → `max_headers`. */
function keyOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

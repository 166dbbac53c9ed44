/** Tags of one answer, and characters of one tag (zion-reference.md §2.14). */
export const TAGS_MAX = 32;
export const TAG_CHARS_MAX = 128;

/** Reads `Surrogate-Key`: words with spaces (or commas) between. Undefined: too many, or too long, to be purged by. */
export function readTags(text: string): readonly string[] | undefined {
  if (text === "") return NONE;
  if (text.length > TAGS_MAX * (TAG_CHARS_MAX + 1)) return undefined;
  const tags = [...new Set(text.split(/[\s,]+/).filter((tag) => tag !== ""))];
  return tags.length > TAGS_MAX || tags.some((tag) => tag.length > TAG_CHARS_MAX) ? undefined : tags;
}

const NONE: readonly string[] = [];

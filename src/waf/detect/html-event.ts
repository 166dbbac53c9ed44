/** Event handler content attributes: `on` and letters, told apart from English words that begin so. */

const WORDS = new Set([
  "onboard", "onboarded", "onboarding", "once", "oncology", "oncoming", "one", "ones", "oneself", "onetime", "ongoing",
  "onion", "onions", "online", "onlooker", "only", "onlyfans", "onlyif", "onlyone", "onprem", "onpremise", "onscreen",
  "onset", "onshore", "onsite", "onslaught", "onstage", "ontime", "onto", "ontology", "onus", "onward", "onwards", "onyx",
]); // biome-ignore format: a word list

/**
 * Whether a lower-case attribute name is an event handler's: `on` and 3 to 50 letters. No list of events, because each
 * browser release adds some.
 */
export function isEventName(name: string): boolean {
  if (name.length < 5 || name.length > 52 || name.charCodeAt(0) !== 0x6f || name.charCodeAt(1) !== 0x6e)
    return false;
  for (let index = 2; index < name.length; index += 1) {
    const code = name.charCodeAt(index);
    if (code < 0x61 || code > 0x7a) return false;
  }
  return !WORDS.has(name);
}

/** Events whose names web APIs take as parameters (`event=onclick`). */
const COMMON = new Set([
  "onload",
  "onclick",
  "onchange",
  "onsubmit",
  "onerror",
  "onready",
  "onsuccess",
  "oncomplete",
]);

/** Whether the whole text is the name of an event handler attribute, as lists for finding filters' gaps have them. */
export function isLoneEventName(lower: string): boolean {
  return lower.length >= 6 && isEventName(lower) && !COMMON.has(lower);
}

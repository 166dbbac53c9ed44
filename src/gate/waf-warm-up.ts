import { FORM_VALUE, JSON_STRING, Place } from "../body/place.ts";
import type { Clock } from "../std/clock.ts";
import type { Profile } from "../waf/profile.ts";
import type { WafEngine } from "./waf-engine.ts";
import type { RouteWaf } from "./waf-settings.ts";

/**
 * Has every detector read texts made of its own literals, for at most WARM_UP_MS, before the first request comes: the
 * first few hundred inspections of a cold worker took up to 88 ms each, until V8 had compiled what they run.
 */
export function warmUp(engine: WafEngine, waf: RouteWaf, clock: Clock): void {
  const texts = sampleTexts(waf.profile);
  const until = clock.nowMs() + WARM_UP_MS;
  const place = new Place();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    for (const text of texts) {
      if (clock.nowMs() >= until) return;
      place.kind = round % 2 === 0 ? FORM_VALUE : JSON_STRING;
      const inspector = engine.begin(waf, "");
      inspector.value(text, 0, text.length, place);
      engine.give(inspector);
    }
  }
}

/** Half with each literal in a sentence, half with the bare words: prose and code take different ways. */
function sampleTexts(profile: Profile): readonly Buffer[] {
  return profile.ruleSet.targets.flatMap(({ detector }) => {
    if (detector === undefined) return [];
    const words = [...detector.triggers, ...(detector.words ?? [])].slice(0, WORDS_MAX);
    return [
      Buffer.from(words.map((word) => `It says ${word} here, "and" it isn't <all>.`).join("\n"), "latin1"),
      Buffer.from(`1' ${words.join(" a=1&b(")}`, "latin1"),
    ];
  });
}

/** On machines that are slow, or busy. */
const WARM_UP_MS = 500;
/**
 * Of 720 inspections of 12 values that followed, the slowest took 16 ms after none, 2.5 to 6.6 ms after one or two rounds, 0.6
 * to 2.7 ms after three or four (0.25 s, 0.35 s of CPU with the compilers' threads) and no less after 20 (0.5 s, 0.67 s).
 */
const ROUNDS_MAX = 4;
const WORDS_MAX = 40;

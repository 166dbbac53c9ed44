/**
 * The longest that one value can hold the event loop, and which detector is slowest on what:
 * `node bench/micro/waf/hostile.bench.ts`. Nothing may be worse than linear: 16 kB must not cost 5 times a quarter.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { JSON_STRING, Place } from "../../../src/body/place.ts";
import { buildRuleSet, kindsOfDetectors } from "../../../src/waf/compile.ts";
import { detectors } from "../../../src/waf/detectors.ts";
import { Inspector } from "../../../src/waf/inspector.ts";
import { parseRules } from "../../../src/waf/parse-rules.ts";
import { compileProfile } from "../../../src/waf/profile.ts";
import { Scratch } from "../../../src/waf/scratch.ts";
import { WINDOW_BYTES } from "../../../src/waf/views.ts";

const SMALL = WINDOW_BYTES / 4;

const directory = path.resolve(import.meta.dirname, "../../../rules");
const files = readdirSync(directory)
  .filter((name) => name.endsWith(".toml"))
  .map((name) => ({ file: name, text: readFileSync(path.join(directory, name), "utf8") }));
const { rules } = parseRules(files, new Set(kindsOfDetectors(detectors).keys()));
const ruleSet = buildRuleSet(rules, detectors);

const triggers = [...new Set(detectors.flatMap(({ triggers, words = [] }) => [...triggers, ...words]))];
const seeds: string[] = [
  "a",
  "'",
  "' ",
  "(",
  "((",
  "[",
  "{",
  "<",
  "<a ",
  "/",
  "../",
  "\\",
  "%",
  "&",
  "$",
  "${",
  "%25",
  "\\u0025",
  "&#37;",
  "/*",
  "/*!",
  "'+'",
  "+ADw-",
  "..//",
  "a.",
  "a=",
  "a=1&",
  "1 or ",
  ";a",
  "|a",
  "\n",
  "\r\na:",
  "<!--",
  "https://a/",
  "0x61,",
  "\x00",
  "\xc0\xaf",
  "a\x00",
  "$IFS",
  "'a'",
  '"a":',
  "union select ",
  ...triggers,
];

for (const { name, detect } of detectors.map((detector) => ({
  name: detector.name,
  detect: (text: string) => {
    const lower = text.toLowerCase();
    const before = process.hrtime.bigint();
    detector.detect({ text, lower }, []);
    return Number(process.hrtime.bigint() - before) / 1e6;
  },
}))) {
  let worst = { ms: 0, ratio: 0, seed: "" };
  for (const seed of seeds) {
    detect(fill(seed, SMALL));
    const ms = Math.min(detect(fill(seed, WINDOW_BYTES)), detect(fill(seed, WINDOW_BYTES)));
    if (ms <= worst.ms) continue;
    const small = Math.min(detect(fill(seed, SMALL)), detect(fill(seed, SMALL)));
    worst = { ms, ratio: ms / small, seed };
  }
  if (worst.ms > 0.5)
    console.log(
      `${name.padEnd(28)} ${worst.ms.toFixed(2).padStart(7)} ms on ${WINDOW_BYTES / 1024} kB of ${JSON.stringify(worst.seed).padEnd(16)} ${worst.ratio.toFixed(1)} times a quarter`,
    );
}

const inspector = new Inspector(new Scratch(ruleSet));
const profile = compileProfile(ruleSet, { allFindings: true });
const place = new Place();
place.kind = JSON_STRING;
let slowest = { ms: 0, seed: "", units: 0, exhausted: false };
for (const seed of [...seeds, seeds.slice(0, 40).join(" "), triggers.join(" "), triggers.join("&#37;")]) {
  const bytes = Buffer.from(fill(seed, WINDOW_BYTES), "latin1");
  let ms = Infinity;
  for (let round = 0; round < 3; round++) {
    inspector.begin(profile);
    const before = process.hrtime.bigint();
    inspector.value(bytes, 0, bytes.length, place);
    ms = Math.min(ms, Number(process.hrtime.bigint() - before) / 1e6);
  }
  if (ms > slowest.ms) slowest = { ms, seed, units: inspector.workUnits, exhausted: inspector.exhausted };
}
console.log(
  `slowest value of ${WINDOW_BYTES / 1024} kB: ${slowest.ms.toFixed(1)} ms, ${slowest.units} units, ${slowest.exhausted ? "budget spent" : "within budget"}, of ${JSON.stringify(slowest.seed.slice(0, 60))}`,
);

function fill(seed: string, length: number): string {
  return Buffer.from(seed.repeat(Math.ceil(length / seed.length)).slice(0, length), "latin1").toString(
    "latin1",
  );
}

/** Engine time per value, all shipped rules, default profile: `node bench/micro/waf/inspect.bench.ts`. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { FORM_VALUE, JSON_STRING, Place, QUERY_VALUE } from "../../../src/body/place.ts";
import { buildRuleSet, kindsOfDetectors } from "../../../src/waf/compile.ts";
import { detectors } from "../../../src/waf/detectors.ts";
import { Inspector } from "../../../src/waf/inspector.ts";
import { parseRules } from "../../../src/waf/parse-rules.ts";
import { compileProfile } from "../../../src/waf/profile.ts";
import { Scratch } from "../../../src/waf/scratch.ts";

const ROUNDS = Number(process.env["ROUNDS"] ?? 7);
const ROUND_BYTES = 2_000_000;

const directory = path.resolve(import.meta.dirname, "../../../rules");
const files = readdirSync(directory)
  .filter((name) => name.endsWith(".toml"))
  .map((name) => ({ file: name, text: readFileSync(path.join(directory, name), "utf8") }));
const { rules, problems } = parseRules(files, new Set(kindsOfDetectors(detectors).keys()));
if (problems.length > 0) throw new Error(`${problems.length} problems in rules/: zion rules test`);

const before = process.hrtime.bigint();
const ruleSet = buildRuleSet(rules, detectors);
const buildMs = Number(process.hrtime.bigint() - before) / 1e6;
const profile = compileProfile(ruleSet);
const inspector = new Inspector(new Scratch(ruleSet));
const { states, tableBytes } = ruleSet.automaton;
console.log(
  `${rules.length} rules, ${ruleSet.targets.length} targets, ${states} states, ${(tableBytes / 1e6).toFixed(2)} MB, built in ${buildMs.toFixed(0)} ms`,
);

const prose = fill(
  "Thank you for the quick answer. We would like to order twelve of the larger ones, and if you have them in stock also a few of the smaller. Could you please tell us when they can be here, and what the freight would be? ",
  1_024,
);
const lines = prose.replaceAll(". ", ".\r\n");
const json = fill(
  '{"id":4711,"name":"A. N. Other","tags":["red","blue"],"note":"it is fine","ok":true,"price":12.5},',
  1_024,
);
const url =
  "https://www.example.test/shop/list?category=shoes&colour=dark+blue&page=2&sort=price_asc&utm_source=news";
const image = `data:image/png;base64,${Buffer.from(Uint8Array.from({ length: 768 }, (_, at) => (at * 197 + (at >> 3) * 89) & 0xff)).toString("base64")}`;

const cases: readonly (readonly [string, string, number])[] = [
  ["number", "4711", QUERY_VALUE],
  ["clean word", "blue-shoes", QUERY_VALUE],
  ["uuid", "550e8400-e29b-41d4-a716-446655440000", QUERY_VALUE],
  ["clean 1 kB prose, JSON", prose, JSON_STRING],
  [
    "clean 1 kB prose, form",
    prose.replaceAll(" ", "+").replaceAll("?", "%3F").replaceAll(",", "%2C"),
    FORM_VALUE,
  ],
  ["1 kB prose in lines, form", encodeURIComponent(lines).replaceAll("%20", "+"), FORM_VALUE],
  ["1 kB JSON in a form", encodeURIComponent(json), FORM_VALUE],
  ["URL with parameters", url, JSON_STRING],
  ["the same in a query", encodeURIComponent(url), QUERY_VALUE],
  ["1 kB base64 image", image, JSON_STRING],
  [
    "1 kB Cyrillic",
    fill("Спасибо за быстрый ответ. Мы хотели бы заказать двенадцать штук. ", 512),
    JSON_STRING,
  ],
  ["attack, XSS", "<script>alert(document.cookie)</script>", QUERY_VALUE],
  ["attack, percent twice", "%253Cscript%253Ealert(1)%253C/script%253E", QUERY_VALUE],
  ["attack, traversal", "../../../../etc/passwd", QUERY_VALUE],
];

const place = new Place();
const only = process.argv[2];
for (const [name, text, kind] of cases) {
  if (only !== undefined && !name.includes(only)) continue;
  const bytes = Buffer.from(text);
  const calls = Math.max(200, Math.ceil(ROUND_BYTES / Math.max(bytes.length, 200)));
  place.kind = kind;
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let call = 0; call < calls; call++) {
      inspector.begin(profile);
      inspector.value(bytes, 0, bytes.length, place);
    }
    best = Math.min(best, Number(process.hrtime.bigint() - start) / calls);
  }
  const found = inspector.findings.map(({ rule }) => rule.id).join(", ");
  console.log(
    `${name.padEnd(27)} ${String(bytes.length).padStart(5)} B ${best.toFixed(0).padStart(8)} ns  ${inspector.workUnits.toString().padStart(6)} units  ${found}`,
  );
}

function fill(text: string, length: number): string {
  return text.repeat(Math.ceil(length / text.length)).slice(0, length);
}

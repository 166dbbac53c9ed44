/**
 * Our automaton beside the npm package ahocorasick, on the same literals and texts:
 * `node bench/micro/peers-automaton.ts`. The package: `cd bench/peers && npm ci`.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Xorshift } from "../../src/std/xorshift.ts";
import { buildAutomaton } from "../../src/waf/automaton.ts";
import { kindsOfDetectors } from "../../src/waf/compile.ts";
import { detectors } from "../../src/waf/detectors.ts";
import { parseRules } from "../../src/waf/parse-rules.ts";
import { cell, loadPeer, machineLine, timeInTurn } from "./peers-timing.ts";

interface AhoCorasick {
  search(text: string): [last: number, words: string[]][];
}
const Peer = loadPeer<new (words: readonly string[]) => AhoCorasick>("ahocorasick");

const sets: readonly (readonly [name: string, words: readonly string[]])[] = [
  ["random", randomLiterals(300)],
  ["random", randomLiterals(3_000)],
  ["shipped", shippedLiterals()],
];
const texts: Readonly<Record<string, Buffer>> = {
  "a value, 12 B": Buffer.from("garden hose5"),
  "head, 1 kB": repeated(
    "Accept-Language: de-DE,de;q=0.9\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n",
    1_024,
  ),
  "prose, 64 kB": repeated("It was the best of times, it was the worst of times; nobody knew why. ", 65_536),
  "JSON, 64 kB": repeated(
    '{"id":4711,"name":"A. N. Other","tags":["a","b"],"ok":true,"url":"https://x.test/?a=1"},',
    65_536,
  ),
};

console.log(`## The automaton and ahocorasick\n\n${machineLine()}\n`);
console.log(
  "Ours reads bytes and folds ASCII case itself. ahocorasick reads strings and does not fold: it is given",
);
console.log("text that is lower case already (search), or has to make it of the bytes (from bytes).\n");
console.log(
  "| literals | text | ours, MB/s | ahocorasick search, MB/s | from bytes, MB/s | ours, ns | search, ns | from bytes, ns |",
);
console.log("|---|---|--:|--:|--:|--:|--:|--:|");
for (const [setName, words] of sets) {
  const automaton = buildAutomaton(
    words.map((text, target) => ({ text, target })),
    words.length,
  );
  const hits = new Uint32Array(automaton.hitWords);
  const title = `${words.length} ${setName}, ${automaton.states} states, ${(automaton.tableBytes / 1e6).toFixed(2)} MB`;
  const peer = Peer && new Peer(words);
  for (const [textName, bytes] of Object.entries(texts)) {
    const lower = bytes.latin1Slice(0, bytes.length).toLowerCase();
    const scan = (): unknown => automaton.scan(bytes, 0, bytes.length, hits);
    if (peer !== undefined) {
      hits.fill(0);
      scan();
      const ours = words.filter((_, target) => hits[target >>> 5]! & (1 << (target & 31)));
      const theirs = new Set(peer.search(lower).flatMap(([, found]) => found));
      assert.deepEqual(ours.toSorted(), [...theirs].sort(), `${setName}, ${textName}: other matches`);
    }
    const absent = (): unknown => undefined;
    const times = timeInTurn({
      scan,
      search: peer === undefined ? absent : () => peer.search(lower),
      bytes:
        peer === undefined ? absent : () => peer.search(bytes.latin1Slice(0, bytes.length).toLowerCase()),
    });
    const rate = (ns: number): number => (bytes.length * 1_000) / ns;
    const own = (ns: number): number => ns;
    const peers = (read: (ns: number) => number): string[] =>
      peer === undefined ? ["–", "–"] : [cell(times.search, read), cell(times.bytes, read)];
    const cells = [
      title,
      textName,
      cell(times.scan, rate),
      ...peers(rate),
      cell(times.scan, own),
      ...peers(own),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}
console.log();

/** Literals of the shipped rules and detectors, lower case, each once. */
function shippedLiterals(): readonly string[] {
  const directory = join(import.meta.dirname, "../../rules");
  const files = readdirSync(directory)
    .filter((name) => name.endsWith(".toml"))
    .map((name) => ({ file: name, text: readFileSync(join(directory, name), "utf8") }));
  const { rules } = parseRules(files, new Set(kindsOfDetectors(detectors).keys()));
  const all = [
    ...detectors.flatMap(({ triggers, words = [] }) => [...triggers, ...words]),
    ...rules.flatMap(({ literals }) => literals),
  ];
  return [...new Set(all.map((text) => text.toLowerCase()))];
}

function randomLiterals(count: number): readonly string[] {
  const random = new Xorshift(7);
  const letters = "etaoinshrdlcumwfgypbvk<>'\"(=;/$|.-_ ";
  const made = new Set<string>();
  while (made.size < count) {
    let text = "";
    for (let left = 4 + random.below(9); left > 0; left--) text += letters[random.below(letters.length)]!;
    made.add(text);
  }
  return [...made];
}

function repeated(text: string, bytes: number): Buffer {
  return Buffer.from(text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes), "latin1");
}

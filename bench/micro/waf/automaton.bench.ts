/** MB/s of the automaton by number of literals and kind of text: `node bench/micro/waf/automaton.bench.ts`. */

import { Xorshift } from "../../../src/std/xorshift.ts";
import { buildAutomaton } from "../../../src/waf/automaton.ts";

const ROUNDS = 7;
const random = new Xorshift(7);
const letters = "etaoinshrdlcumwfgypbvk<>'\"(=;/$|.-_ ";

function literal(): string {
  let text = "";
  const length = 4 + random.below(9);
  for (let at = 0; at < length; at++) text += letters[random.below(letters.length)]!;
  return text;
}

const texts: Record<string, Buffer> = {
  "prose, 64 kB": repeat("It was the best of times, it was the worst of times; nobody knew why. ", 65_536),
  "JSON, 64 kB": repeat(
    '{"id":4711,"name":"A. N. Other","tags":["a","b"],"ok":true,"url":"https://x.test/?a=1"},',
    65_536,
  ),
  "head, 1 kB": repeat(
    "Accept-Language: de-DE,de;q=0.9\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n",
    1_024,
  ),
};

for (const count of [300, 1_000, 3_000]) {
  const literals = Array.from({ length: count }, (_, target) => ({ text: literal(), target }));
  const automaton = buildAutomaton(literals, count);
  const hits = new Uint32Array(automaton.hitWords);
  console.log(`${count} literals: ${automaton.states} states, ${(automaton.tableBytes / 1e6).toFixed(1)} MB`);
  for (const [name, bytes] of Object.entries(texts)) {
    const calls = Math.ceil(8e6 / bytes.length);
    let best = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const before = process.hrtime.bigint();
      for (let call = 0; call < calls; call++) automaton.scan(bytes, 0, bytes.length, hits);
      best = Math.min(best, Number(process.hrtime.bigint() - before) / calls);
    }
    console.log(
      `  ${name.padEnd(14)} ${((bytes.length * 1_000) / best).toFixed(0).padStart(5)} MB/s  ${((best * 1_024) / bytes.length).toFixed(0)} ns/kB`,
    );
  }
}

function repeat(text: string, bytes: number): Buffer {
  return Buffer.from(text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes), "latin1");
}

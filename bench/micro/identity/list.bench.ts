/** What lists and bans cost a request, and a report of offences costs a worker: `node bench/micro/identity/list.bench.ts`. */
import { OffenceWatch } from "../../../src/gate/offence-watch.ts";
import { CanonicalRequest } from "../../../src/http/request.ts";
import { formatAddress, parseAddress, parseCidr } from "../../../src/identity/address.ts";
import { buildRangeTable, holdsAddress } from "../../../src/identity/range-table.ts";

const ENTRIES = 500_000;
const ROUNDS = 2_000;

let state = 1;
/** Numbers of 32 bits that look random; the same ones at each run. */
function next(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state;
}

const v4Text = () => `${(next() >>> 8) % 223}.${next() >>> 24}.${next() >>> 24}.${next() >>> 24}`;
const v6Text = () => `2001:${(next() >>> 16).toString(16)}:${(next() >>> 16).toString(16)}::1`;

for (const [family, text, prefix] of [
  ["IPv4", v4Text, 32],
  ["IPv6", v6Text, 64],
] as const) {
  const blocks = Array.from({ length: ENTRIES }, () => parseCidr(`${text()}/${prefix}`)!);
  let startedMs = performance.now();
  const table = buildRangeTable(blocks);
  const builtMs = performance.now() - startedMs;
  const clients = Array.from({ length: 1_000 }, () => parseAddress(text())!);
  let found = 0;
  const look = (rounds: number) => {
    for (let round = 0; round < rounds; round++)
      for (const client of clients) if (holdsAddress(table, client)) found++;
  };
  look(200);
  startedMs = performance.now();
  look(ROUNDS);
  const ns = ((performance.now() - startedMs) * 1e6) / (ROUNDS * clients.length);
  console.log(
    `${family}: ${ENTRIES} blocks, built in ${builtMs.toFixed(0)} ms, look-up ${ns.toFixed(0)} ns (${found})`,
  );
}

const watch = new OffenceWatch();
const requests = Array.from({ length: 1_000 }, (_none, index) => {
  const request = new CanonicalRequest(64, 8);
  request.clientIp = parseAddress(index % 2 === 0 ? v4Text() : v6Text())!;
  request.clientAddress = formatAddress(parseAddress(v4Text())!);
  return request;
});
const note = (rounds: number) => {
  for (let round = 0; round < rounds; round++)
    for (const request of requests) watch.note(request, undefined, 200, false);
};
note(200);
let startedMs = performance.now();
note(ROUNDS);
const noteNs = ((performance.now() - startedMs) * 1e6) / (ROUNDS * requests.length);
watch.tell();
startedMs = performance.now();
for (let round = 0; round < 200; round++) {
  note(1);
  watch.tell();
}
const tellUs = ((performance.now() - startedMs) * 1000) / 200;
console.log(
  `offences: ${noteNs.toFixed(1)} ns an allowed request, ${tellUs.toFixed(0)} us a report (two a second)`,
);

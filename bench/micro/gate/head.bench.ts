/** The WAF's time for a request head: `node bench/micro/gate/head.bench.ts`. */
import { HeadInspection } from "../../../src/gate/waf-head.ts";
import { Inspector } from "../../../src/waf/inspector.ts";
import { Scratch } from "../../../src/waf/scratch.ts";
import { requestOf, ruleSet, waf } from "./setup.ts";

const ROUNDS = Number(process.env["ROUNDS"] ?? 9);
const CALLS = 3_000;

const agent =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
const cookies =
  "session=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0NzExIn0.c2lnbmF0dXJlc2lnbmF0dXJlMDEyMw; _ga=GA1.2.1234567890.1700000000; theme=dark; lang=en; consent=%7B%22a%22%3Atrue%7D";
const chromium = (target: string, cookie: string): string =>
  [
    `GET ${target} HTTP/1.1`,
    "Host: www.example.test",
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Linux"',
    "Upgrade-Insecure-Requests: 1",
    `User-Agent: ${agent}`,
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Dest: document",
    "Referer: https://www.example.test/shop/list?category=shoes&page=2",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
    `Cookie: ${cookie}`,
    "\r\n",
  ].join("\r\n");
const cases: Record<string, string> = {
  "Chromium GET": chromium("/shop/item/4711?colour=blue&size=42", cookies),
  "without cookies": chromium("/shop/item/4711", "a=1"),
  "smallest GET": "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "60 own fields": ownFields(60),
  "900 own fields": ownFields(900),
  "1,400 cookies": chromium("/", "a='; ".repeat(1_400)),
};

/** Names that differ late, as those of one application do. */
function ownFields(count: number): string {
  const lines = Array.from({ length: count }, (_, n) => `X-Client-Fact-${n + 1000}: v4.${n}`);
  return `GET / HTTP/1.1\r\nHost: a\r\n${lines.join("\r\n")}\r\n\r\n`;
}

const head = new HeadInspection(1);
const inspector = new Inspector(new Scratch(ruleSet));
for (const [name, text] of Object.entries(cases)) {
  const request = requestOf(text);
  const calls = text.length > 4_000 ? 20 : CALLS;
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.hrtime.bigint();
    for (let call = 0; call < calls; call++) {
      inspector.begin(waf.profile);
      head.inspect(request, waf, inspector);
    }
    best = Math.min(best, Number(process.hrtime.bigint() - before) / calls);
  }
  console.log(
    `${name.padEnd(16)} ${String(text.length).padStart(5)} B ${(best / 1_000).toFixed(2).padStart(8)} us ${((text.length * 1_000) / best).toFixed(0).padStart(5)} MB/s  ${inspector.workUnits} units`,
  );
}

/**
 * The longest that one write of 8 KiB can hold the event loop, and what a work unit costs, for bodies made to cost:
 * `node bench/micro/gate/hold.bench.ts [NAME]`. Nothing should hold it longer than 5 ms.
 */
import { BodyInspection } from "../../../src/gate/waf-body.ts";
import { Inspector } from "../../../src/waf/inspector.ts";
import { Scratch } from "../../../src/waf/scratch.ts";
import { fill, postOf, ruleSet, waf } from "./setup.ts";

const ROUNDS = Number(process.env["ROUNDS"] ?? 5);
const CHUNK_BYTES = 8_192;
const BYTES = 262_144;

const mp = "multipart/form-data; boundary=xx";
const gq = (t: string) => `{"query":"${t}`;
const list = (n: number, f: (i: number) => string) => Array.from({ length: n }, (_, i) => f(i)).join("");
const cases: readonly (readonly [string, string, string])[] = [
  ["form a=&", "application/x-www-form-urlencoded", fill("a=&", 29_000)],
  ["form a=b& same", "application/x-www-form-urlencoded", fill("a=b&", 39_900)],
  ["form distinct", "application/x-www-form-urlencoded", list(9_900, (i) => `k${i}=${i}&`)],
  ["form a=';b=", "application/x-www-form-urlencoded", fill("a='%27;b=<&", 99_000)],
  ["form ;;;", "application/x-www-form-urlencoded", `a=${fill(";b=1", BYTES)}`],
  ["form %25", "application/x-www-form-urlencoded", `a=${fill("%25", BYTES)}`],
  ["form 2525", "application/x-www-form-urlencoded", `a=${fill("%252525252527", BYTES)}`],
  [
    "form b64",
    "application/x-www-form-urlencoded",
    `a=${fill(Buffer.from(fill("' or 1=1 -- <a ", 6000)).toString("base64"), BYTES)}`,
  ],
  [
    "form b64 x2",
    "application/x-www-form-urlencoded",
    "a=" +
      fill(
        Buffer.from(Buffer.from(fill("select a; <b ${x ", 3000)).toString("base64")).toString("base64"),
        BYTES,
      ),
  ],
  [
    "form all marks",
    "application/x-www-form-urlencoded",
    `a=${fill("%5C%27%22%2B%3C%2F%2A%26%23%24%5E%00%c0%af", BYTES)}`,
  ],
  ["json [[", "application/json", fill("[[[[[[[[]]]]]]]],", BYTES).replace(/^/, "[")],
  ["json tiny strings", "application/json", `[${fill('"a",', BYTES)}`],
  ["json tiny '", "application/json", `[${fill('"\'",', BYTES)}`],
  ["json tiny select", "application/json", `[${fill('"(\' or",', BYTES)}`],
  ["json keys", "application/json", `{${list(9_000, (i) => `"k${i}":${i},`)}`],
  ["json objs", "application/json", `[${fill('{"a":{"b":1}},', BYTES)}`],
  ["json queries", "application/json", `[${fill('{"query":"a"},', BYTES)}`],
  ["json numbers", "application/json", `[${fill("12,", BYTES)}`],
  ["json long string", "application/json", `"${fill("\\\\u0027 or 1=1 -- ", BYTES)}`],
  ["json escapes", "application/json", `"${fill("\\u0027", BYTES)}`],
  ["json q{", "application/json", gq(fill("{a(b:[", 200) + fill(" a", BYTES))],
  ["json q str", "application/json", gq(`{a(b:\\"${fill("' or 1=1 ", BYTES)}`)],
  ["graphql tokens", "application/graphql", `{${fill("a b ", BYTES)}`],
  ["graphql strings", "application/graphql", `{a(b:[${fill('"\'",', BYTES)}`],
  ["xml attrs", "text/xml", `<r>${fill(`<a ${list(100, (i) => `a${i}="'" `)}/>`, BYTES)}`],
  ["xml tags", "text/xml", `<r>${fill("<a/>", BYTES)}`],
  ["xml text bits", "text/xml", `<r>${fill("<a>'</a>", BYTES)}`],
  ["xml refs", "text/xml", `<r>${fill("&#39;&lt;", BYTES)}`],
  ["xml link", "text/xml", `<r>${fill('<a b:schemaLocation="&#39;"/>', BYTES)}`],
  [
    "multipart parts",
    mp,
    list(99, (i) => `--xx\r\nContent-Disposition: form-data; name="a${i}"; x="\\'"\r\n\r\n'\r\n`),
  ],
  [
    "multipart text",
    mp,
    `--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\n${fill("\r\n--x' or <a", BYTES)}`,
  ],
  [
    "multipart delim",
    mp,
    `--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\n${fill("\r\n--x-", BYTES)}`,
  ],
  ["text '\"", "text/plain", fill("'\"+ <${../ or 1=1 --\\u0027&#39;", BYTES)],
  ["text json", "text/plain", `[${fill('"\'",', BYTES)}`],
  ["octets strings", "application/octet-stream", fill("' or 1=1 -- <a\0\0\0\0\0\0\0", BYTES)],
  ["octets ctl", "application/octet-stream", fill("union\0select\x01 ../..\x02", BYTES)],
  [
    "octets mostly text",
    "application/octet-stream",
    fill("' or 1=1 -- <a href=javascript: ${jndi: ;cat /etc/passwd ../../\0", BYTES),
  ],
];

const scratch = new Scratch(ruleSet);
const profile = { ...waf.profile, threshold: Infinity };
const only = process.argv[2];
for (const [name, type, text] of cases) {
  if (only !== undefined && !name.includes(only)) continue;
  const body = Buffer.from(text, "latin1");
  let longest = Infinity;
  let total = Infinity;
  let units = 0;
  let read = 0;
  let said = "";
  for (let round = 0; round < ROUNDS; round++) {
    const inspection = new BodyInspection(1);
    const inspector = new Inspector(scratch);
    inspector.begin(profile);
    inspection.begin(postOf(type, body.length), waf, inspector);
    let worst = 0;
    let sum = 0;
    read = 0;
    while (read < body.length) {
      const end = Math.min(body.length, read + CHUNK_BYTES);
      const before = performance.now();
      const goesOn = inspection.write(body, read, end);
      const ms = performance.now() - before;
      worst = Math.max(worst, ms);
      sum += ms;
      read = end;
      if (!goesOn) break;
    }
    longest = Math.min(longest, worst);
    total = Math.min(total, sum);
    units = inspector.workUnits;
    const { refused, gate, detail } = inspection.verdict;
    said = refused ? `${gate} ${detail}` : inspector.exhausted ? "budget spent" : "";
    inspection.close();
  }
  const nsPerUnit = units > read / 8 ? ((total * 1e6) / units).toFixed(1) : "-";
  console.log(
    `${name.padEnd(20)} longest ${longest.toFixed(2).padStart(6)} ms ${((total * 1e6) / read).toFixed(0).padStart(5)} ns/B ${(units / read).toFixed(1).padStart(6)} units/B ${nsPerUnit.padStart(6)} ns/unit  ${said}`,
  );
}

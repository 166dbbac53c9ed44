import assert from "node:assert/strict";
import { test } from "node:test";
import { queryDetectors } from "./query-detectors.ts";

const all = Object.values(queryDetectors);

/** Fragments that a detector could read again from each place, alone and behind what opens a string or a list. */
const units = [ "0or", "or1and", "$iif", "$a$", "\"a\">3or",
  "'", '"', "`", "\\", "''", "\\'", "'\"", "(", ")", "((", ")(", "1,", "a,", "a.", "a(", "--", "#", "/*", "*/", "/**/", "/*!", "::", "@", "- ", "not ",
  "or ", "or(", "or 1", "or a=(", "or a=a+", "' or ", "'or 1=1", "'or'", "' and (", "'||'", "'+'", "','", "');", "';select 1", "&a=1 or ",
  "select ", "select(", "(select ", "(select 1,", "select 1,1,1,", "union select 1,", "' union select ", "from a.b.c ", "join ", "order by 1,",
  "having(", "case when ", "case when 1=1 then ", "if(", "if(1=1,", "in(", "like(", "between 1 and ", "exists(select ", "sleep(", "benchmark(1,md5(",
  "exec ", "execute immediate '", "into outfile '", "declare @a ", "'execute immediate 'into outfile '", "/*!join from' and case when ctxsyscall(copy",
  "insert into a(", "update a set b=", "create table ", "grant a to ", "; drop table a", "cast((select ", "convert(int,(", "a=a or ", "'a' 'a'",
  "$", "$ne:", "[$ne]", "filter[$eq]", "{\"$ne\":", "$ne:[", "db.a.", "db.find(", "this.", "return ", "';return ", "while(",
  "(|", "(|(a=", "(&(a=*)", ")(|(a=", "*)(a=", "*)", "))", "*|", ":1.2.3.4:=", "a:dn:=", "\\2a",
  "//", "a::", "['", "'] | //a", "]|a", "count(/", "' or name()=", "substring(name(", "local-name(", "or position()",
  "\r\n", "\n ", "\na1 login a b", "\nrcpt to:<a@b>", "\nto:a@b", "\nretr 1",
]; // biome-ignore format: a list

const openers = ["", "'", "(", "1 ", '{"a":"', "some words that make this a text of prose, "] as const;

/** As many bytes in one piece or in eight: eight times the work of an eighth, unless something is read again and again. */
test("a long hostile value costs what its pieces cost", () => {
  for (const opener of openers)
    for (const unit of units) {
      const long = fill(opener, unit, 8_192);
      const short = fill(opener, unit, 1_024);
      run(short);
      assert.ok(isLinear(short, long), JSON.stringify(opener + unit));
    }
});

/** A busy machine can slow down one of two runs, not each of many. */
function isLinear(short: string, long: string): boolean {
  let pieces = Number.POSITIVE_INFINITY;
  let whole = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 40; turn += 1) {
    pieces = Math.min(pieces, costOf(short, 8));
    whole = Math.min(whole, costOf(long, 1));
    if (whole < MARGIN * pieces) return true;
  }
  return false;
}

/** Linear is 1, quadratic 8. */
const MARGIN = 4;

function costOf(text: string, times: number): number {
  const start = process.hrtime.bigint();
  for (let time = 0; time < times; time += 1) run(text);
  return Number(process.hrtime.bigint() - start);
}

function run(text: string): void {
  for (const detector of all) detector.detect({ text, lower: text }, []);
}

function fill(opener: string, unit: string, length: number): string {
  // As the engine makes strings; joined ones are slower to read, each time.
  return Buffer.from((opener + unit.repeat(length)).slice(0, length), "latin1").latin1Slice();
}

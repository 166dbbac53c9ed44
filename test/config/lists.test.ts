import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "../../src/identity/address.ts";
import { holdsAddress, readWords } from "../../src/identity/range-table.ts";
import { brief, codesAt, goodConfig, minimal, parseText, withFiles } from "../support/config-case.ts";
import { writeMmdb } from "../support/mmdb-writer.ts";

const withList = (lines: string, use = 'lists = ["x"]'): string => `${minimal}${use}\n[list.x]\n${lines}\n`;

const database = writeMmdb([
  ["10.0.0.0/24", { country: { iso_code: "DE" }, autonomous_system_number: 64_500 }],
  ["10.0.1.0/24", { country: "FR", asn: "AS64501" }],
  ["2001:db8::/32", { country_code: "DE", asn: 64_500 }],
]).toString("latin1");
const files = withFiles({
  "/etc/zion/page.html": "<html>",
  "/etc/zion/geo.mmdb": database,
  "/etc/zion/cut.mmdb": database.slice(0, -40),
});
const geo = (lines: string, file = "geo.mmdb"): string =>
  `${withList(lines)}[geo]\ncountry_db = "${file}"\nasn_db = "${file}"\n`;
const wrong: readonly (readonly [title: string, text: string, found: readonly string[]])[] = [
  ["a list that nobody defined", `${minimal}lists = ["y"]\n`, ["Z1210 10:10"]],
  ["an empty list", withList('action = "deny"'), ["Z1106 11:7"]],
  ["host bits", withList('cidrs = ["10.1.2.3/8"]'), ["Z1102 12:10"]],
  ["a part that is in every User-Agent", withList('user_agents = [""]'), ["Z1106 12:16"]],
  ["a file that is not there", withList('file = "none.txt"'), ["Z1301 12:8"]],
  ["a file that is no list", withList('file = "page.html"'), ["Z1308 12:8"]],
  ["an action that does not exist", withList('action = "block"\ncidrs = ["10.0.0.0/8"]'), ["Z1045 12:10"]],
  ["a country without a database", withList('countries = ["DE"]'), ["Z1214 12:14"]],
  ["an autonomous system without a database", withList("asns = [64500]"), ["Z1214 12:9"]],
  ["a name for a country", geo('countries = ["Germany"]'), ["Z1106 12:14"]],
  ["no number of an autonomous system", geo("asns = [0]"), ["Z1043 12:9"]],
  ["a database that is cut short", geo('countries = ["DE"]', "cut.mmdb"), ["Z1309 14:14", "Z1309 15:10"]],
  ["a database that is a page", geo('countries = ["DE"]', "page.html"), ["Z1309 14:14", "Z1309 15:10"]],
  ["a database that is not there", geo('countries = ["DE"]', "none"), ["Z1301 14:14", "Z1301 15:10"]],
  [
    "a name that is no label",
    `${minimal}lists = ["a b"]\n[list."a b"]\ncidrs = ["10.0.0.0/8"]`,
    ["Z1110 11:7"],
  ],
];
for (const [title, text, found] of wrong) {
  test(`refused: ${title}`, () => {
    assert.deepEqual(codesAt(text, files), found);
    assert.equal(parseText(text, files).config, undefined);
  });
}

test("a list that nobody uses is told of", () => {
  const { diagnostics } = parseText(withList('cidrs = ["10.0.0.0/8"]', ""));
  assert.deepEqual(brief(diagnostics), ["Z2108 11:7 nothing uses the list x"]);
});

test("a list whose user is broken is not said to be unused", () => {
  const unused = '[list.x]\ncidrs = ["10.0.0.0/8"]\n';
  assert.deepEqual(codesAt(`${minimal}lists = "x"\n${unused}`), ["Z1043 10:9"]);
  assert.deepEqual(codesAt(`${minimal.replace("[server]", '[server]\nlists = "x"')}${unused}`), [
    "Z1043 2:9",
  ]);
});

test("blocks of the key and of the file are one list", () => {
  const files = withFiles({ "/etc/zion/l.txt": "10.0.1.0/24\n10.0.0.0/24\n" });
  const text = withList('cidrs = ["10.0.2.0/24"]\nfile = "l.txt"\nuser_agents = ["BadBot"]');
  const [list] = goodConfig(text, files).lists;
  const words = Buffer.from(list!.v4, "base64");
  assert.deepEqual([words.readUInt32LE(0), words.readUInt32LE(4)], [0x0a000000, 0x0a0002ff]);
  assert.deepEqual([list!.action, list!.v6, list!.userAgents], ["deny", "", ["badbot"]]);
});

test("countries and autonomous systems are on a list by their networks, in every form of record", () => {
  const words = (lines: string) => {
    const [list] = goodConfig(geo(lines), files).lists;
    const table = { v4: readWords(list!.v4), v6: readWords(list!.v6) };
    return ["10.0.0.255", "10.0.1.0", "10.0.2.0", "2001:db8::1"].map((text) =>
      holdsAddress(table, parseAddress(text)!),
    );
  };
  assert.deepEqual(words('countries = ["de"]'), [true, false, false, true]);
  assert.deepEqual(words('countries = ["FR"]\ncidrs = ["10.0.2.0"]'), [false, true, true, false]);
  assert.deepEqual(words("asns = [64500, 64501]"), [true, true, false, true]);
});

test("a country that the database does not have is told of", () => {
  assert.deepEqual(codesAt(geo('countries = ["DE", "ZZ"]'), files), ["Z2108 12:20"]);
});

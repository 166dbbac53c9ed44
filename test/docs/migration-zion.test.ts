import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "smol-toml";
import { findLaterKey, laterKeysOf } from "../../src/config/later.ts";
import { renames } from "../../src/config/renames.ts";
import { quoted, read, section, tableRows } from "./document.ts";

const page = read("docs/migration/zion.md");

/** Tables that may hold such keys, each with a name where it is one of many. */
const tables = [
  ["server"],
  ["tls"],
  ["upstream", "NAME"],
  ["waf_profile", "NAME"],
  ["cache_profile", "NAME"],
  ["auth_profile", "NAME"],
  ["route", 0],
  ["audit"],
  ["redact"],
  ["access_log"],
  ["admin"],
  ["sovereign"],
];

test("the page has every key of the reference that is refused, and no other", () => {
  const listed = tableRows(section(page, "Keys that are refused")).map(([key]) => quoted(key));
  const refused = tables.flatMap((table) => laterKeysOf(table).map((key) => [...table, key].join(".")));
  assert.deepEqual(listed.sort(), refused.sort());
});

test("the values that the page lets stay are those that may", () => {
  for (const [cell, unless] of tableRows(section(page, "Keys that are refused"))) {
    const steps = quoted(cell).split(".");
    const row = findLaterKey(steps.slice(0, -1), steps.at(-1)!);
    const text = /^a table with `(.+)` alone$/.exec(unless!)?.[1];
    const value = text === undefined ? quoted(unless) : `{ ${text} }`;
    if (value !== "") assert.ok(row?.harmless(parse(`value = ${value}`)["value"]), cell);
    assert.ok(!row?.harmless("another"), cell);
  }
});

test("the page has every name that `zion migrate` writes anew", () => {
  const listed = tableRows(section(page, "Names that `zion migrate` writes anew")).map(([from, to]) => [
    quoted(from),
    quoted(to),
  ]);
  const written = renames
    .filter(({ since }) => since === undefined)
    .map(({ from, to }) => [from.join("."), to ?? ""]);
  assert.deepEqual(listed.sort(), written.sort());
});

test("the defaults that the page gives are this version's", () => {
  const reference = read("docs/operating/config.md");
  const rows = tableRows(section(page, "Other defaults"));
  assert.ok(rows.length > 10);
  for (const [cell, , here] of rows) {
    const steps = quoted(cell).split(".");
    const rest = tableRows(section(reference, `[${steps.slice(0, -1).join(".")}]`));
    const known = rest.find(([key]) => quoted(key) === steps.at(-1));
    assert.equal(here, known?.[2], cell);
  }
});

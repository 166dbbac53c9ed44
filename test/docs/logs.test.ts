import assert from "node:assert/strict";
import { test } from "node:test";
import { ecsFields, lineFields } from "../../src/record/line-names.ts";
import { quoted, read, section, tableRows } from "./document.ts";

const page = read("docs/operating/logs.md");

test("docs/operating/logs.md names every field of the access log, and no other", () => {
  const told = tableRows(page).flatMap(([cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, key]) => key!));
  assert.deepEqual(
    told.filter((key) => key !== "http.request.header.NAME").sort(),
    Object.keys(lineFields).sort(),
  );
});

test("every field that a line is built of is one that the list of fields has", () => {
  for (const file of ["src/record/access-log.ts", "src/record/waf-part.ts", "src/record/log-sampling.ts"]) {
    const keys = [...read(file).matchAll(/[,"`{]"([a-z_]+(?:\.[a-z_]+)*)":/g)].map(([, key]) => key!);
    assert.ok(keys.length > 0, file);
    for (const key of keys) assert.ok(key in lineFields, `${file}: ${key}`);
  }
});

test("docs/operating/logs.md says what ECS calls them, and what it has beside them", () => {
  const renamed = Object.entries(lineFields).filter(([, name]) => name !== "");
  const rows = tableRows(section(page, "In ECS"));
  assert.deepEqual(
    rows.slice(0, renamed.length).map(([field, name]) => [quoted(field), quoted(name)]),
    renamed,
  );
  assert.deepEqual(
    rows.slice(renamed.length).map(([, name]) => quoted(name)),
    [...ecsFields],
  );
});

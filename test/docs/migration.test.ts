import assert from "node:assert/strict";
import { test } from "node:test";
import { proxyRows } from "../../src/import/caddy-proxy.ts";
import { caddyRows, globalRows } from "../../src/import/caddy-rows.ts";
import { importers } from "../../src/import/importers.ts";
import { annotationRows } from "../../src/import/ingress-annotations.ts";
import { configMapRows } from "../../src/import/ingress-configmap.ts";
import { nginxRows } from "../../src/import/nginx.ts";
import { middlewareRows } from "../../src/import/traefik-middlewares.ts";
import { optionRows } from "../../src/import/traefik-rows.ts";
import { type Verdict, verdictNames } from "../../src/import/verdict.ts";
import { assertGenerated, documents, read, row, section } from "./document.ts";

interface DocumentedRow {
  readonly verdict: Verdict;
  readonly becomes: string;
  readonly note: string;
}

type Rows = Readonly<Record<string, DocumentedRow>>;

const tables: Readonly<Record<string, Readonly<Record<string, Rows>>>> = {
  nginx: { "": nginxRows },
  "ingress-nginx": {
    "Annotations, without `nginx.ingress.kubernetes.io/`": annotationRows,
    "Keys of the controller's ConfigMap": configMapRows,
  },
  caddy: { "In a site": caddyRows, "In `reverse_proxy`": proxyRows, "Global options": globalRows },
  traefik: {
    Middlewares: middlewareRows,
    Options: Object.fromEntries(optionRows.map(({ option, ...rest }) => [option, rest])),
  },
};

const marker = "<!-- generated from here on: test/docs/migration.test.ts -->\n";

for (const [name, parts] of Object.entries(tables)) {
  test(`docs/migration/${name}.md lists every directive that the importer knows (ZION_WRITE_DOCS=1 writes it)`, () => {
    const file = `docs/migration/${name}.md`;
    const [written, ...rest] = read(file).split(marker);
    assert.equal(rest.length, 1, `${file} has no mark where the tables begin`);
    const texts = Object.entries(parts).flatMap(([heading, rows]) => [
      "",
      ...(heading === "" ? [] : [`### ${heading}`, ""]),
      "| | usually | becomes | |",
      "| --- | --- | --- | --- |",
      ...Object.entries(rows).map(([key, { verdict, becomes, note }]) =>
        row(`\`${key}\``, verdictNames[verdict], becomes === "" ? "" : `\`${becomes}\``, note),
      ),
    ]);
    assertGenerated(file, `${written}${marker}${texts.join("\n")}\n`);
  });
}

test("each importer has its page, and each page its importer", () => {
  const pages = documents()
    .map((file) => /^docs\/migration\/(.+)\.md$/.exec(file)?.[1])
    .filter((name) => name !== undefined);
  // The reference gateway has the same keys: its files are read, not imported (test/docs/migration-zion.test.ts).
  assert.deepEqual(
    pages.filter((name) => name !== "zion"),
    Object.keys(importers).sort(),
  );
  assert.deepEqual(Object.keys(tables), Object.keys(importers));
});

test("a row says something", () => {
  for (const parts of Object.values(tables))
    for (const rows of Object.values(parts))
      for (const [key, { note }] of Object.entries(rows)) assert.ok(note.length > 2, key);
});

test("what a row says is not there yet is what the README says", () => {
  const missing = section(read("README.md"), "Not there yet");
  for (const [name, parts] of Object.entries(tables))
    for (const rows of Object.values(parts))
      for (const [key, { note }] of Object.entries(rows))
        if (/\byet\b/.test(note)) {
          const what = /no (.+?) yet/.exec(note)?.[1] ?? note;
          assert.ok(missing.includes(what), `${name}: ${key}: ${note}`);
        }
});

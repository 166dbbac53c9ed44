import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import {
  anchorOf,
  documentsOf,
  type Page,
  readPage,
  resolveLink,
  writeSite,
} from "../../deploy/site/site.ts";
import { newDirectory } from "../support/directory.ts";
import { root } from "./document.ts";

test("every link of every document leads to a file, and to a heading that is there", () => {
  const sources = documentsOf(root);
  assert.ok(sources.length > 30);
  const pages = new Map(
    sources.map((source): [string, Page] => [source, readPage(root, source, () => true)]),
  );
  const wrong: string[] = [];
  for (const { source, links } of pages.values())
    for (const href of links) {
      const { file, anchor } = resolveLink(source, href);
      if (!existsSync(path.join(root, file))) wrong.push(`${source}: ${href} is not there`);
      else if (anchor !== "" && pages.get(file)?.anchors.has(anchor) === false)
        wrong.push(`${source}: ${href} has no such heading`);
    }
  assert.deepEqual(wrong, []);
});

test("the site holds every document, and its links lead to its own pages", () => {
  const into = newDirectory("site");
  const pages = writeSite(root, into);
  assert.equal(pages.length, documentsOf(root).length);
  const wrong: string[] = [];
  for (const { target } of pages) {
    const html = readFileSync(path.join(into, target), "utf8");
    assert.doesNotMatch(html, /<script|\son\w+=|javascript:/i, target);
    for (const [, href] of html.matchAll(/(?:href|src)="([^"]+)"/g)) {
      if (/^[a-z]+:/.test(href!)) continue;
      const [file = "", anchor = ""] = href!.split("#", 2);
      const at = path.join(into, file === "" ? target : path.join(path.dirname(target), file));
      if (!existsSync(at)) wrong.push(`${target}: ${href}`);
      else if (anchor !== "" && !readFileSync(at, "utf8").includes(`id="${anchor}"`))
        wrong.push(`${target}: ${href}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("headings are named as code hosts name them", () => {
  assert.equal(anchorOf("What `zion check` says: a line"), "what-zion-check-says-a-line");
  assert.equal(anchorOf("TLS 1.3, and 1.2"), "tls-13-and-12");
});

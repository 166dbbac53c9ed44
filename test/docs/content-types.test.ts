import { test } from "node:test";
import { defaultContentTypes } from "../../src/gate/waf-settings.ts";
import { assertGenerated, read } from "./document.ts";

test("docs/waf.md lists the types of bodies that are let through by default (ZION_WRITE_DOCS=1 writes them)", () => {
  const lines: string[] = [];
  for (const type of defaultContentTypes) {
    const last = lines.at(-1);
    const word = `\`${type}\``;
    if (last === undefined || last.length + word.length > 126) lines.push(word);
    else lines[lines.length - 1] = `${last}, ${word}`;
  }
  const listed = `<!-- types:begin: ZION_WRITE_DOCS=1 -->\n${lines.join(",\n")}.\n<!-- types:end -->`;
  const page = read("docs/waf.md");
  assertGenerated(
    "docs/waf.md",
    page.replace(/<!-- types:begin[\s\S]*types:end -->/, () => listed),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { read } from "./document.ts";

test("docs/operating/logs.md names every field that the access log writes, and no other", () => {
  const written = new Set(["time"]);
  for (const file of ["src/record/access-log.ts", "src/record/waf-part.ts"]) {
    for (const [, key] of read(file).matchAll(/[,"`{]"([a-z_]+(?:\.[a-z_]+)*)":/g)) written.add(key!);
  }
  const told = new Set<string>();
  for (const [, cell] of read("docs/operating/logs.md").matchAll(/^\| (`[^|]*`) \|/gm)) {
    for (const [, key] of cell!.matchAll(/`([^`]+)`/g)) told.add(key!);
  }
  told.delete("http.request.header.NAME");
  assert.deepEqual([...told].sort(), [...written].sort());
});

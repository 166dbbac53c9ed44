import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { getRequest } from "./waf-bypass-request.ts";

// Values of letters, dots and slashes are plain in Accept-Language, Accept, If-None-Match, Sec-*, but
// `..` is in none of their grammars, and templates are picked by such fields (CVE-2019-5418).
test("a traversal in a plain field is found", async (t) => {
  const { edge } = await startBench(t, { waf: true });
  for (const name of [
    "Accept",
    "Accept-Language",
    "Accept-Encoding",
    "If-None-Match",
    "Range",
    "Sec-Anything",
  ])
    assert.equal(
      (await ask(edge.port, getRequest("/", `${name}: ../../../../etc/passwd`))).status,
      400,
      name,
    );
});

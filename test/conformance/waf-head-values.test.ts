import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { getRequest } from "./waf-bypass-request.ts";

// RFC 9110 §5.3 and every server join lines of one name with ", ".
test("an attack in two field lines of one name is found", async (t) => {
  const { edge } = await startBench(t, { waf: true });
  const request = getRequest(
    "/",
    "X-A: 1' UNION/*",
    "X-B: c",
    "x-a: */SELECT login, password FROM accounts-- -",
  );
  assert.equal((await ask(edge.port, request)).status, 400);
  assert.equal((await ask(edge.port, getRequest("/", "X-A: one, two", "X-A: three", "X-A:"))).status, 200);
});

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

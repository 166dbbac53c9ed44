import assert from "node:assert/strict";
import { test } from "node:test";
import { checkQuery } from "../../src/http/query.ts";

function check(query: string, paramsMax = 256): string | undefined {
  const source = Buffer.from(`#\0${query}#\0`, "latin1");
  return checkQuery(source, 2, source.length - 2, paramsMax)?.code;
}

test("a query passes as it stands, with everything that browsers leave raw", () => {
  for (const query of [
    "?",
    "?a=1&a=2;b[]=3&c[x]=4",
    "?{}|^[]\\'`",
    "?a=/?:@!$()*+,~-._",
    "?a=b&b=c&%dd=%ee",
    "?100%&%zz&%u0041&%",
    "?%00%0d%0a",
  ]) {
    assert.equal(check(query), undefined, query);
  }
});

test("a query byte that must be encoded is refused, and every other byte passes", () => {
  for (let byte = 0; byte < 256; byte++) {
    const char = String.fromCharCode(byte);
    const refused = byte <= 0x20 || byte >= 0x7f || '"<>'.includes(char);
    const expected = refused ? "target_char" : char === "#" ? "fragment" : undefined;
    assert.equal(check(`?a${char}b`), expected, `byte ${byte}`);
    assert.equal(check(`?${char}`), expected, `byte ${byte} as first`);
  }
});

test("parameters are counted by `&`, empty ones too, up to the limit", () => {
  assert.equal(check("?a&b&c", 3), undefined);
  assert.equal(check("?a&b&c&d", 3), "query_count");
  assert.equal(check("?&&&", 3), "query_count");
  assert.equal(check(`?${"a=1&".repeat(255)}a=1`), undefined);
  assert.equal(check(`?${"a=1&".repeat(9_999)}a=1`), "query_count");
});

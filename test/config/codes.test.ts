import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { type CodeRow, codes, findCode } from "../../src/config/codes.ts";
import { renderDiagnostics } from "../../src/config/render.ts";
import { certificate, parseText, withFiles } from "../support/config-case.ts";

const pair = certificate();
const options = withFiles({ "/etc/zion/tls.crt": pair.certPem, "/etc/zion/tls.key": pair.keyPem });

const server = '[server]\nlisten_http = "0.0.0.0:80"\n';
const app = '[upstream.app]\nurl = "http://10.0.0.5:8080"\n';
const more =
  '[upstream.one]\nurl = "http://a"\n[upstream.two]\nurl = "http://b"\n[upstream.shop_v2]\nurl = "http://c"\n';
const route = '[[route]]\npath = "/"\nupstream = "app"\n';

/** Places an example may have been cut from. */
const places: readonly ((example: string) => string)[] = [
  (example) => `${example}\n${server}${app}${route}`,
  (example) => `[server]\n${example}\n${app}${route}`,
  (example) => `${server}${example}\n${app}${route}`,
  (example) => `${server}[upstream.app]\n${example}\n${route}`,
  (example) => `${server}${app}${example}\n${route}`,
  (example) => `${server}[upstream.app.health]\n${example}\n[upstream.app]\nurl = "http://a"\n${route}`,
  (example) => `${example}\n${app}${route}`,
  (example) => `${example}\n${server}${app}`,
  (example) => `${server}${app}[[route]]\nupstream = "app"\n${example}\n`,
  (example) => `${server}${app}[[route]]\npath = "/"\nupstream = "app"\n${example}\n`,
  (example) => `${example}\n${server}${app}${more}`,
  (example) => `${example}\n${server}${route}`,
  (example) => `${example}\n${server}${route.replace("app", "my_shop")}`,
  (example) => `[server]\n${example}\n[tls]\ncert_path = "tls.crt"\nkey_path = "tls.key"\n${app}${route}`,
];

/** Codes found; that an upstream of the place is unused is not the example's fault. */
function problems(toml: string): readonly string[] {
  return parseText(toml, options)
    .diagnostics.map(({ code }) => code)
    .filter((code) => code !== "Z2107");
}

for (const [code, row] of Object.entries<CodeRow>(codes)) {
  if (row.bad === "") continue;
  test(`the example of ${code} shows it, and its correction does not`, () => {
    const place = places.find((at) => {
      const found = problems(at(row.bad));
      return found.length > 0 && found.every((other) => other === code);
    });
    assert.ok(place !== undefined, `no place where\n${row.bad}\ngives ${code} alone`);
    const text = place(row.bad);
    const picture = renderDiagnostics(parseText(text, options).diagnostics, text, { color: false });
    const golden = new URL(`golden/codes/${code}.txt`, import.meta.url);
    if (process.env["ZION_WRITE_GOLDEN"] === "1") writeFileSync(golden, picture);
    assert.equal(picture, readFileSync(golden, "utf8"));
    if (row.good === "") return;
    const fixed = places.some((at) => problems(at(row.good)).length === 0);
    assert.ok(fixed, `no place where\n${row.good}\nis fine`);
  });
}

test("finds a code however it is written", () => {
  assert.equal(findCode("Z1042")?.code, "Z1042");
  assert.equal(findCode(" z1042 ")?.code, "Z1042");
  assert.equal(findCode("1042")?.code, "Z1042");
  assert.equal(findCode("1"), undefined);
  assert.equal(findCode("toString"), undefined);
});

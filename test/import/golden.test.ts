import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { type Importer, importers } from "../../src/import/importers.ts";
import { reportMarkdown } from "../../src/import/report.ts";
import { verdicts } from "../../src/import/verdict.ts";

// What comes of each configuration is a file, so that a change is seen in review. ZION_WRITE_GOLDEN=1 writes them anew.
const directory = path.join(import.meta.dirname, "golden");

/** How many there are at least, of each program. */
const wanted = { nginx: 12, "ingress-nginx": 12, traefik: 8, caddy: 8 } as const;

for (const [name, least] of Object.entries(wanted)) {
  const inputs = globSync(`${name}/*`, { cwd: directory })
    .filter((file) => !/\.(?:zion\.toml|md)$/.test(file))
    .sort();
  test(`there are at least ${least} configurations of ${name}`, () => {
    assert.ok(inputs.length >= least, `only ${inputs.length}`);
  });
  for (const input of inputs) {
    test(`${input} becomes what it became before, and \`zion check\` takes it`, () => {
      const importer: Importer = importers[name as keyof typeof importers];
      const text = readFileSync(path.join(directory, input), "utf8");
      const made = importer.run([{ file: path.basename(input), text }], () => "not read: it is not here");
      assert.equal(made.kind, "imported", JSON.stringify(made));
      if (made.kind !== "imported") return;
      golden(`${input}.zion.toml`, made.toml);
      golden(`${input}.md`, reportMarkdown(made.report));
      assert.deepEqual(complaints(made.toml), []);
      for (const { verdict, explanation } of made.report.rows) {
        assert.ok(verdicts.includes(verdict));
        assert.notEqual(explanation, "", "a verdict without a sentence");
      }
    });
  }
}

function golden(file: string, text: string): void {
  const place = path.join(directory, file);
  if (process.env["ZION_WRITE_GOLDEN"] === "1") writeFileSync(place, text);
  assert.equal(text, readFileSync(place, "utf8"));
}

/** What `zion check` would say where every certificate that the file names exists, and is for its name. */
function complaints(toml: string): readonly string[] {
  const names = [...toml.matchAll(/server_name = "([^"]+)"/g)].map(([, name]) => name!);
  const pair = makeSelfSigned({ names: [...new Set(["localhost", ...names])], days: 30 });
  const { diagnostics } = parseConfig(toml, {
    file: "/etc/zion/zion.toml",
    readFile: (file) => (/key|\.pk/.test(path.basename(file)) ? pair.keyPem : pair.certPem),
  });
  // The certificate that stands for all files is none of an authority.
  return diagnostics.filter(({ code }) => code !== "Z1331").map(({ code, message }) => `${code} ${message}`);
}

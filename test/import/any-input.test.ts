import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parseConfig } from "../../src/config/parse.ts";
import { readRuleFiles } from "../../src/config/shipped-rules.ts";
import { type Importer, importers } from "../../src/import/importers.ts";
import { reportJson, reportMarkdown } from "../../src/import/report.ts";

const golden = path.join(import.meta.dirname, "golden");

interface Source {
  readonly file: string;
  /** Lines of all golden files, from which new ones are put together. */
  readonly lines: readonly string[];
  readonly texts: readonly string[];
}

const sources: Readonly<Record<string, Source>> = Object.fromEntries(
  Object.keys(importers).map((name) => {
    const files = globSync(`${name}/*`, { cwd: golden })
      .filter((file) => !/\.(?:zion\.toml|md)$/.test(file))
      .sort();
    const texts = files.map((file) => readFileSync(path.join(golden, file), "utf8"));
    return [
      name,
      { file: path.basename(files[0]!), texts, lines: texts.flatMap((text) => text.split("\n")) },
    ];
  }),
);

for (const [name, { file, lines, texts }] of Object.entries(sources)) {
  const importer: Importer = importers[name as keyof typeof importers];

  test(`${name}: any text is imported or a list of mistakes, never an exception`, () => {
    const anyText = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.array(fc.constantFrom(...lines), { maxLength: 40 }).map((some) => some.join("\n")),
      // A file with a part of it gone, or doubled.
      fc
        .tuple(fc.constantFrom(...texts), fc.nat(), fc.nat(60), fc.boolean())
        .map(([text, from, length, twice]) => {
          const at = from % (text.length + 1);
          const part = text.slice(at, at + length);
          return `${text.slice(0, at)}${twice ? part + part : ""}${text.slice(at + length)}`;
        }),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        const made = importer.run([{ file, text }], () => "not read");
        if (made.kind === "unreadable") return assert.notEqual(made.problems.length, 0);
        reportMarkdown(made.report);
        reportJson(made.report);
        for (const { explanation } of made.report.rows) assert.notEqual(explanation, "");
      }),
      { numRuns: 300 },
    );
  });
}

const rules = readRuleFiles(path.resolve(import.meta.dirname, "../../rules"));

/** Mistakes that `zion check` finds, but for files that are not here, and a file of which no route is left. */
function mistakes(toml: string): readonly string[] {
  const { diagnostics } = parseConfig(toml, {
    file: "/etc/zion/zion.toml",
    readFile: () => {
      throw Object.assign(new Error("not here"), { code: "ENOENT" });
    },
    builtinRules: () => rules,
  });
  return diagnostics
    .filter(({ code, severity }) => severity === "error" && !code.startsWith("Z13") && code !== "Z1213")
    .map(({ code, message }) => `${code} ${message}`);
}

test("whatever stands in a location, `zion check` takes what becomes of it", () => {
  // Directives of all golden files that stand on a line of their own.
  const directives = sources["nginx"]!.lines.map((line) => line.trim()).filter(
    (line) =>
      /^[a-z_]+ [^{}]*;$/.test(line) &&
      !/^(?:include|listen|server_name|ssl_certificate|modsecurity)/.test(line),
  );
  const value = fc.oneof(
    fc.constantFrom("", "0", "-1", "999999999999", "$x", "/", "a b", "é", "{y}", "10m", "off"),
    fc.string({ maxLength: 8 }),
  );
  const body = fc.array(
    fc.tuple(fc.constantFrom(...directives), fc.option(value, { freq: 2 })).map(([line, other]) =>
      // The last word is another one.
      other === null ? line : line.replace(/ \S+;$/, ` "${other.replace(/["\\]/g, "")}";`),
    ),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(
      body,
      body,
      fc.constantFrom("/", "/a/", "= /b", "~ ^/(c|d)", "^~ /e", '"/f g"'),
      (outer, inner, where) => {
        const text = `events {} http { upstream even { server 127.0.0.1:1; } server { listen 80; server_name a.test; ${outer.join(" ")} location ${where} { ${inner.join(" ")} } } }`;
        const made = importers.nginx.run([{ file: "nginx.conf", text }], () => "not read");
        if (made.kind === "imported") assert.deepEqual(mistakes(made.toml), [], `${text}\n${made.toml}`);
      },
    ),
    { numRuns: 150 },
  );
});

for (const name of ["ingress-nginx", "caddy", "traefik"] as const) {
  test(`${name}: with another word here and there, \`zion check\` still takes what becomes of it`, () => {
    const { file, texts } = sources[name]!;
    const word = fc.constantFrom(
      "0",
      "-1",
      "999999999999",
      "off",
      "true",
      "é",
      "x y",
      "$x",
      "{y}",
      "/",
      "a.b",
      "*",
      "10.0.0.0/33",
      "https://",
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(fc.tuple(fc.nat(), word), { minLength: 1, maxLength: 4 }),
        (text, changes) => {
          let changed = text;
          for (const [at, other] of changes) {
            const words = [...changed.matchAll(/[\w./*-]{2,}/g)];
            const { 0: old, index } = words[at % words.length]!;
            changed = `${changed.slice(0, index)}${other}${changed.slice(index + old.length)}`;
          }
          const made = (importers[name] as Importer).run([{ file, text: changed }], () => "not read");
          if (made.kind === "imported") assert.deepEqual(mistakes(made.toml), [], `${changed}\n${made.toml}`);
        },
      ),
      { numRuns: 150 },
    );
  });
}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { documents, exists, read, root, section, sources, tableRows } from "./document.ts";

test("the README's configuration is valid without a warning", () => {
  const blocks = [...read("README.md").matchAll(/^```toml\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
  assert.equal(blocks.length, 1);
  const pair = makeSelfSigned({ names: ["www.example.org"], days: 30 });
  const files: Readonly<Record<string, string>> = {
    "/etc/zion/tls/tls.crt": pair.certPem,
    "/etc/zion/tls/tls.key": pair.keyPem,
  };
  const { config, diagnostics } = parseConfig(blocks[0]!, {
    file: "/etc/zion/zion.toml",
    readFile: (file) => files[file] ?? assert.fail(`the README names ${file}`),
  });
  assert.deepEqual(diagnostics, []);
  assert.equal(config?.routes.length, 1);
});

test("every command that a document gives exists", () => {
  const scripts = (JSON.parse(read("package.json")) as { scripts: Readonly<Record<string, string>> }).scripts;
  const commands = new Set(buildProgram(() => {}).commands.map((command) => command.name()));
  let found = 0;
  for (const file of documents()) {
    for (const [text, , script] of read(file).matchAll(/\bnpm (run )?(start|test|(?<=run )[\w:]+)/g)) {
      assert.ok(scripts[script!] !== undefined, `${file}: ${text}`);
      found++;
    }
    for (const [text, command] of read(file).matchAll(/\bnpx zion ([a-z]+)/g)) {
      // Prose: `npx zion` means this program only inside the clone.
      if (command === "means" || command === "outside" || command === "inside") continue;
      assert.ok(commands.has(command!), `${file}: ${text}`);
      found++;
    }
  }
  assert.ok(found >= 8, `only ${found} commands found`);
});

test("every option that a document's command lines give exists", () => {
  const program = buildProgram(() => {});
  const faults: string[] = [];
  let found = 0;
  for (const file of documents()) {
    const code = [...read(file).matchAll(/^```\w*\n([\s\S]*?)^```$|^ {4}.*$/gm)].map(([block]) => block);
    for (const [, words] of code.join("\n").matchAll(/^(?: {4}|\$ )?(?:npx )?zion (.+?)(?: +#.*)?$/gm)) {
      let command = program;
      const known = new Set<string | undefined>(["--help", "--color"]);
      for (const word of words!.split(/[\s=]+/)) {
        command = command.commands.find((one) => one.name() === word) ?? command;
        for (const { long, short } of command.options) known.add(long).add(short);
        if (!/^--[a-z]/.test(word)) continue;
        found++;
        if (!known.has(word)) faults.push(`${file}: zion ${words}: ${word}`);
      }
    }
  }
  assert.deepEqual(faults, []);
  assert.ok(found >= 20, `only ${found} options found`);
});

test("nobody is told to install or run zion from a registry", () => {
  const faults: string[] = [];
  for (const file of documents()) {
    const text = read(file);
    // The name on npm belongs to somebody else.
    for (const [found] of text.matchAll(
      /\b(?:npm (?:i|install|add|exec)|npx --yes|npx -y|yarn add|pnpm add) (?:-g )?zion(?!-edge)\b/g,
    ))
      faults.push(`${file}: ${found}`);
    if (/\bnpx zion\b/.test(text) && !/\b(?:in|inside) (?:the|a) clone\b/i.test(text))
      faults.push(`${file}: npx zion, and not a word of the clone`);
  }
  assert.deepEqual(faults, []);
});

test("every link inside the repository leads somewhere", () => {
  const broken: string[] = [];
  let checked = 0;
  for (const file of documents()) {
    for (const [, target] of read(file).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [place = "", anchor] = target!.split("#");
      checked++;
      const found = place === "" ? file : path.relative(root, path.resolve(root, path.dirname(file), place));
      if (found.startsWith("..") || !exists(found)) broken.push(`${file}: ${target}`);
      else if (anchor !== undefined && !anchors(found).has(anchor)) broken.push(`${file}: ${target}`);
    }
  }
  assert.ok(checked > 100, `only ${checked} links found`);
  assert.deepEqual(broken, []);
});

test("every file of the repository that a document names in backticks exists", () => {
  const missing: string[] = [];
  for (const file of documents()) {
    for (const [, named] of read(file).matchAll(/`((?:src|test|bin|bench|tools|config|docs)\/[\w./-]+)`/g)) {
      // Folders that a later commit brings are not named.
      if (!exists(named!)) missing.push(`${file}: ${named}`);
    }
  }
  assert.deepEqual(missing, []);
});

test("the code map has every room of src, and no other", () => {
  const rows = tableRows(section(read("docs/architecture.md"), "The house"));
  const mapped = rows.map(([cell]) => /^\[(src\/[^\]]+)\]/.exec(cell!)?.[1]);
  const rooms = new Set(
    sources().map((file) =>
      file.split("/").length === 2 ? file : `${file.split("/").slice(0, 2).join("/")}/`,
    ),
  );
  assert.deepEqual(mapped.sort(), [...rooms].sort());
});

test("decisions are numbered without a gap, listed, and have all their parts", () => {
  const listed = tableRows(read("docs/decisions/README.md")).map(([cell]) => /\((.+)\)/.exec(cell!)?.[1]);
  const present = documents()
    .filter((file) => /^docs[\\/]decisions[\\/]\d/.test(file))
    .map((file) => path.basename(file));
  assert.deepEqual(listed, present);
  for (const [index, name] of present.entries()) {
    const number = String(index + 1).padStart(4, "0");
    assert.ok(name.startsWith(`${number}-`), name);
    const text = read(`docs/decisions/${name}`);
    assert.match(text, new RegExp(`^# ${number}: `), name);
    const headings = [...text.matchAll(/^## (.+)$/gm)].map((match) => match[1]).join(", ");
    assert.match(
      headings,
      /^Context, Options(, Decision| and decision), Consequences, What would change our mind$/,
      name,
    );
    assert.ok(text.split("\n").length <= 80, `${name} is longer than a page`);
  }
});

test("a worker loads neither zod nor a TOML parser, as decision 0008 says", () => {
  const loaded = packagesLoadedBy("src/control/worker-process.ts");
  assert.ok(loaded.has("find-my-way"), "the walk finds what workers do load");
  for (const name of ["zod", "smol-toml", "toml-eslint-parser", "undici", "pino", "commander"])
    assert.ok(!loaded.has(name), name);
});

/** Headings of a document as GitHub makes anchors of them. */
function anchors(file: string): Set<string> {
  const headings = [...read(file).matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replace(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** Packages that a file imports at load, itself or through others of ours. Types are not loaded. */
function packagesLoadedBy(entry: string): Set<string> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const walk = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(path.join(root, file), "utf8");
    for (const [statement, target] of text.matchAll(/^(?:import|export)\s[^;]*?["']([^"']+)["'];/gm)) {
      if (/^(?:import|export)\s+type\s/.test(statement)) continue;
      if (target!.startsWith(".")) walk(path.join(path.dirname(file), target!));
      else if (!target!.startsWith("node:")) packages.add(target!);
    }
  };
  walk(entry);
  return packages;
}

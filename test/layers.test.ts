import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

/** The rooms of src from the bottom up. A room imports from itself and from the lines above it, never sideways. */
const layers: readonly (readonly string[])[] = [
  ["std", "reason"],
  ["http", "body"],
  ["route", "waf", "limit", "identity", "audit", "cache"],
  ["answer", "gate", "upstream", "respond", "record", "cert", "mesh"],
  ["snapshot"],
  ["state"],
  ["exchange"],
  ["listener", "config"],
  ["control", "import"],
  ["explain"],
  ["cli"],
  ["main"],
];

const source = path.resolve(import.meta.dirname, "../src");
const files = globSync("**/*.ts", { cwd: source }).sort();

test("reads the whole of src", () => {
  assert.ok(files.length >= 250, `only ${files.length} files found in ${source}`);
});

test("imports go one way", () => {
  const faults: string[] = [];
  for (const file of files) {
    const room = roomOf(file);
    const level = levelOf(room);
    assert.notEqual(level, -1, `src/${file}: no such room in the house; add ${room} to the layers`);
    for (const { target, typeOnly } of importsOf(read(file))) {
      if (!target.startsWith(".")) continue;
      const imported = path.relative(source, path.resolve(source, path.dirname(file), target));
      const from = roomOf(imported);
      // The validated configuration is plain data that every room may know the type of.
      if (typeOnly && imported === path.join("config", "config.ts")) continue;
      const known = levelOf(from) !== -1;
      if (from !== room && (!known || levelOf(from) >= level))
        faults.push(`src/${file} imports src/${imported}`);
    }
  }
  assert.deepEqual(faults, []);
});

test("a command is loaded when it is asked for: every `zion` reads the words of all, and the modules of one", () => {
  const loaded = new Set<string>();
  const load = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    for (const { target, typeOnly, dynamic } of importsOf(read(file)))
      if (target.startsWith(".") && !typeOnly && !dynamic)
        load(path.relative(source, path.resolve(source, path.dirname(file), target)));
  };
  load("main.ts");
  assert.ok(loaded.size > 10, `only ${[...loaded]}`);
  // The configuration's schema alone takes longer than all of them.
  const allowed = new Set(["main.ts", path.join("config", "json-schema-draft.ts")]);
  assert.deepEqual(
    [...loaded].filter((file) => roomOf(file) !== "cli" && !allowed.has(file)),
    [],
  );
  const packages = [...loaded]
    .flatMap((file) => [...importsOf(read(file))].map(({ target }) => target))
    .filter((target) => !/^(?:\.|node:)/.test(target));
  assert.deepEqual(new Set(packages), new Set(["commander"]));
});

test("the import reader sees every form of import", () => {
  const forms = [
    'import { a } from "./a.ts";',
    'import type { B } from "./b.ts";',
    'import {\n  c,\n  type D,\n} from "./c.ts";',
    'export { d } from "./d.ts";',
    'export type { E } from "./e.ts";',
    'import "./f.ts";',
    'const g = await import("./g.ts");',
    'export * from "./h.ts";',
    'type I = import("./i.ts").I;',
  ].join("\n");
  const seen = [...importsOf(forms)];
  assert.deepEqual(seen.map(({ target }) => target).sort(), [
    "./a.ts",
    "./b.ts",
    "./c.ts",
    "./d.ts",
    "./e.ts",
    "./f.ts",
    "./g.ts",
    "./h.ts",
    "./i.ts",
  ]);
  assert.deepEqual(
    seen.filter(({ typeOnly }) => typeOnly).map(({ target }) => target),
    ["./b.ts", "./e.ts"],
  );
});

test("no file is named after nothing", () => {
  const empty = /^(utils?|helpers?|common|misc|index|lib|shared|types|base|core|stuff)$/;
  const faults = files.filter((file) => empty.test(path.basename(file, ".ts")));
  assert.deepEqual(faults, []);
});

test("the environment is read in main, config, control and cli only", () => {
  const allowed = new Set(["main", "config", "control", "cli"]);
  const faults = files.filter(
    (file) => !allowed.has(roomOf(file)) && /\bprocess\s*\.\s*env\b|\bprocess\["env"\]/.test(code(file)),
  );
  assert.deepEqual(faults, []);
});

test("the clock is read in std/clock.ts only", () => {
  const faults = files.filter(
    (file) =>
      file !== path.join("std", "clock.ts") &&
      /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bprocess\.hrtime\b/.test(code(file)),
  );
  assert.deepEqual(faults, []);
});

test("code is never made from text", () => {
  const faults = files.filter((file) => /\beval\s*\(|\bnew\s+Function\b/.test(code(file)));
  assert.deepEqual(faults, []);
});

function roomOf(file: string): string {
  const [first = ""] = file.split(path.sep);
  return first.endsWith(".ts") ? first.slice(0, -3) : first;
}

function levelOf(room: string): number {
  return layers.findIndex((layer) => layer.includes(room));
}

function read(file: string): string {
  return readFileSync(path.join(source, file), "utf8");
}

/** The file without comments and without what stands in strings. */
function code(file: string): string {
  return read(file).replace(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g,
    (text) => (text.startsWith("/") ? "" : '""'),
  );
}

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
  /** Loaded when the line is reached. */
  readonly dynamic: boolean;
}

function* importsOf(text: string): Generator<Import> {
  const bare = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/[^\n]*/gm, "");
  for (const match of bare.matchAll(
    /\b(?:import|export)\s+(type\s+)?(?:[^"';=]*?\s+from\s+)?["']([^"'\n]+)["']/g,
  )) {
    yield { target: match[2]!, typeOnly: match[1] !== undefined, dynamic: false };
  }
  for (const match of bare.matchAll(/\bimport\(\s*["']([^"'\n]+)["']/g))
    yield { target: match[1]!, typeOnly: false, dynamic: true };
}

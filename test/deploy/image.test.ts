import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { validate } from "dockerfile-utils";
import { allowedNames, parseDockerfile, type Step } from "./dockerfile.ts";

const root = resolve(import.meta.dirname, "../..");
const text = readFileSync(join(root, "Dockerfile"), "utf8");
const file = parseDockerfile(text);
const last = file.stages.at(-1)!;
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly version: string;
  readonly files: readonly string[];
};

function only(steps: readonly Step[], keyword: string): Step {
  const found = steps.filter((step) => step.keyword === keyword);
  assert.equal(found.length, 1, keyword);
  return found[0]!;
}

test("a linter finds nothing to say about the Dockerfile", () => {
  assert.deepEqual(
    validate(text).map(({ message, range }) => `${range.start.line + 1}: ${message}`),
    [],
  );
  assert.equal(validate("FROM scratch\nMAINTAINER x\n").length, 1, "it does when there is");
});

test("the image has no shell, no package manager and one user without rights", () => {
  assert.equal(last.base, "scratch");
  assert.equal(only(last.steps, "USER").rest, "65532:65532");
  assert.equal(only(last.steps, "HEALTHCHECK").rest, "NONE");
  for (const keyword of ["ENTRYPOINT", "CMD"]) assert.match(only(last.steps, keyword).rest, /^\[".*"\]$/);
  assert.deepEqual(only(last.steps, "ENTRYPOINT").words, ["/nodejs/bin/node", "/app/bin/zion.js"]);
  assert.ok(last.steps.every(({ keyword }) => keyword !== "RUN" && keyword !== "ENV" && keyword !== "ADD"));
});

test("all it is made from comes from one image, at the version that the tests run on", () => {
  const bases = new Set(file.stages.slice(0, -1).map(({ base }) => base));
  assert.equal(bases.size, 1);
  const pinned = JSON.parse(readFileSync(join(root, "tools/node-runtime/package.json"), "utf8")) as {
    readonly version: string;
  };
  assert.equal([...bases][0], `node:${pinned.version}-trixie-slim`);
  assert.deepEqual(
    [...text.matchAll(/^ARG (\w+_IMAGE)=/gm)].map(([, name]) => name),
    ["NODE_IMAGE"],
  );
});

test("no architecture is named, and only text is built on the builder's own", () => {
  assert.ok(!/amd64|arm64|x86|aarch64/.test(text));
  assert.deepEqual(
    file.stages.map(({ name, platform }) => [name, platform]),
    [
      ["build", "$BUILDPLATFORM"],
      ["dependencies", "$BUILDPLATFORM"],
      ["root", undefined],
      ["", undefined],
    ],
  );
});

test("installing runs no scripts of packages, and commands need no shell", () => {
  const runs = file.stages.flatMap(({ steps }) => steps).filter(({ keyword }) => keyword === "RUN");
  assert.ok(runs.every(({ rest }) => rest.startsWith("[")));
  const installs = runs.map(({ words }) => words.join(" ")).filter((words) => words.startsWith("npm ci"));
  assert.deepEqual(installs, ["npm ci --ignore-scripts", "npm ci --omit=dev --ignore-scripts"]);
});

test("labels say what it is, its version that of the package", () => {
  const labels = only(last.steps, "LABEL").rest;
  for (const name of ["title", "description", "licenses", "version", "revision", "source", "documentation"])
    assert.match(labels, new RegExp(`org\\.opencontainers\\.image\\.${name}=`));
  assert.ok(
    last.steps.some(({ keyword, rest }) => keyword === "ARG" && rest === `VERSION=${manifest.version}`),
  );
});

test("the build sees what the Dockerfile copies and nothing else, and the image has what the package has", () => {
  const copied = file.stages
    .flatMap(({ steps }) => steps)
    .filter(({ keyword, flags }) => keyword === "COPY" && !flags.has("from"))
    .flatMap(({ words }) => words.slice(0, -1).map((word) => word.replace(/\/$/, "")));
  const ignore = readFileSync(join(root, ".dockerignore"), "utf8");
  const allowed = allowedNames(ignore);
  assert.deepEqual(
    copied.filter((name) => !allowed(name)),
    [],
  );
  const listed = [...ignore.matchAll(/^!(.+)$/gm)].map(([, name]) => name!);
  assert.deepEqual([...new Set(copied)].sort(), listed.sort());
  for (const name of [".git", "node_modules", "test", "shared", ".ci", "docs"])
    assert.ok(!allowed(name), name);
  const shipped = [...copied, "dist"];
  assert.deepEqual(
    manifest.files.filter((name) => !shipped.includes(name)),
    [],
  );
});

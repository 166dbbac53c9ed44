import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { describeAdvisories, readAdvisories } from "../../deploy/release/advisories.ts";
import { licenceFaults } from "../../deploy/release/licences.ts";
import { productionPackages } from "../../deploy/release/stage.ts";
import { read, section, tableRows } from "../docs/document.ts";

const root = resolve(import.meta.dirname, "../..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
};
const lockText = readFileSync(join(root, "package-lock.json"), "utf8");
const locked = Object.entries(
  (
    JSON.parse(lockText) as {
      readonly packages: Readonly<Record<string, LockEntry>>;
    }
  ).packages,
).filter(([path]) => path !== "");

interface LockEntry {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

test("the gateway has at most 25 direct dependencies, each at one version and with a line that says what for", () => {
  const names = Object.keys(manifest.dependencies);
  assert.ok(names.length <= 25, `${names.length} direct dependencies`);
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
    assert.match(version, /^(?:\d+\.\d+\.\d+|file:tools\/[\w-]+)$/, name);
  const rows = tableRows(section(read("docs/dependencies.md"), "What runs"));
  assert.deepEqual(
    rows.map(([cell]) => cell!.replaceAll("`", "")),
    names,
  );
  for (const [name, , ...said] of rows)
    assert.ok(
      said.every((cell) => cell.length > 10),
      name,
    );
});

test("the lockfile names no registry, and fixes every package by its hash", () => {
  assert.doesNotMatch(lockText.replace(/"(?:funding|url)": .*/g, ""), /"resolved": "(?!tools\/)/);
  for (const [path, { integrity, link }] of locked) {
    if (link === true || !path.includes("node_modules/")) continue;
    assert.match(integrity ?? "", /^sha512-/, path);
  }
});

test("no package runs a script when it is installed", () => {
  // What npm refuses by `allowScripts` is left out by `npm ci --ignore-scripts` all the more.
  const scripted = locked.filter(([, entry]) => entry.hasInstallScript === true).map(([path]) => path);
  for (const path of scripted) {
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    assert.equal(manifest.allowScripts[name], false, path);
  }
  assert.match(readFileSync(join(root, ".npmrc"), "utf8"), /^strict-allow-scripts=true$/m);
});

test("every package that is passed on has a licence that lets us", () => {
  const packages = productionPackages(root);
  assert.ok(packages.length > 50);
  assert.deepEqual(licenceFaults(packages), []);
  const other = (license: string | undefined) =>
    licenceFaults([{ path: "node_modules/x", name: "x", version: "1.0.0", license }]);
  assert.deepEqual(other("(BSD-3-Clause OR GPL-2.0)"), []);
  for (const license of ["GPL-3.0", "MIT AND GPL-2.0", "SEE LICENSE IN x", undefined])
    assert.equal(other(license).length, 1, license);
});

test("a registry without advisories is never taken for a clean bill", () => {
  const clean = { auditReportVersion: 2, vulnerabilities: {} };
  assert.deepEqual(readAdvisories(JSON.stringify(clean)), { kind: "none" });
  const bad = { auditReportVersion: 2, vulnerabilities: { undici: { severity: "high" } } };
  assert.deepEqual(readAdvisories(JSON.stringify(bad)), { kind: "found", packages: ["undici: high"] });
  for (const text of [
    "",
    "{}",
    "null",
    '{"statusCode":405,"message":"405"}',
    '{"vulnerabilities":{}}',
    "<html>",
  ]) {
    const read = readAdvisories(text);
    assert.equal(read.kind, "not offered", text);
    assert.match(describeAdvisories(read), /NOT checked/);
  }
});

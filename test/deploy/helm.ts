import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { parse as parseToml } from "smol-toml";
import { parseAllDocuments } from "yaml";
import { needs } from "../support/shared.ts";

export const chart = resolve(import.meta.dirname, "../../deploy/helm/zion");

/** A value that JSON can hold, as Helm reads and renders them. */
// biome-ignore lint/suspicious/noExplicitAny: objects of Kubernetes are looked into at places that each test knows
export type Tree = any;

const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
const binary = join(cache, "zion/helm-4.1.4/helm");

export function needsHelm(t: TestContext): boolean {
  return needs(t, "helm (node tools/helm.mjs fetches it)", existsSync(binary));
}

export interface HelmRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function helm(...args: readonly string[]): HelmRun {
  // No cluster, no plugins, no settings of whoever runs this.
  return spawnSync(binary, args, { encoding: "utf8", maxBuffer: 1 << 28, env: { HOME: tmpdir() } });
}

/** `helm template edge` with these values, in the namespace `gateways`. */
export function template(values: object, ...args: readonly string[]): HelmRun {
  return withValues(values, "template", ...args);
}

/** What `helm install` would tell the operator. */
export function notesOf(values: object): string {
  const { status, stdout, stderr } = withValues(values, "install", "--dry-run=client");
  if (status !== 0) throw new Error(stderr);
  return stdout.slice(stdout.lastIndexOf("\nNOTES:\n"));
}

function withValues(values: object, command: string, ...args: readonly string[]): HelmRun {
  const directory = mkdtempSync(join(tmpdir(), "zion-values-"));
  try {
    const file = join(directory, "values.yaml");
    writeFileSync(file, yamlOf(values));
    return helm(command, "edge", chart, "--namespace", "gateways", "--values", file, ...args);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** JSON, with what YAML does not take as it is in YAML's escapes. */
function yamlOf(values: object): string {
  return JSON.stringify(values).replaceAll(
    /[^ -~]/gu,
    (character) => `\\U${character.codePointAt(0)!.toString(16).padStart(8, "0")}`,
  );
}

/** What it makes; throws with Helm's words where it makes nothing. */
export function objectsOf(values: object, ...args: readonly string[]): readonly Tree[] {
  const { status, stdout, stderr } = template(values, ...args);
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout)
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0];
      return document.toJS();
    })
    .filter((object) => object !== null);
}

export function find(objects: readonly Tree[], kind: string, name = "edge-zion"): Tree {
  return objects.find((object) => object.kind === kind && object.metadata.name === name);
}

export function tomlOf(objects: readonly Tree[]): string {
  return find(objects, "ConfigMap", "edge-zion-config").data["zion.toml"];
}

/** Of the rendered text, read by a parser that is not the one that wrote it. Tables without the parser's prototype. Not by JSON: V8 14
 * reads `{"- ":1,"\\"":2}` with the key `\\` where it has read `{"- ":1,"\\\\":2}` before. */
export function configOf(objects: readonly Tree[]): Tree {
  return structuredClone(parseToml(tomlOf(objects)));
}

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { productionPackages, type Source } from "./stage.ts";

interface Bom {
  serialNumber: string;
  readonly metadata: { timestamp: string; readonly component: { name: string } };
  readonly components: readonly { readonly name: string; readonly version: string }[];
}

/**
 * The bill of materials (CycloneDX, by npm from the lockfile) with a time and a serial number that follow from its
 * contents. Throws when it is not what was staged.
 */
export function makeSbom(source: Source, staged: string): string {
  const text = askNpm(source.directory);
  const bom = JSON.parse(text) as Bom;
  // npm takes the name of the directory.
  bom.metadata.component.name = "zion-edge";
  bom.metadata.timestamp = new Date(source.epochSecs * 1000).toISOString();
  bom.serialNumber = "";
  bom.serialNumber = `urn:uuid:${uuidOf(JSON.stringify(bom))}`;
  const listed = new Set(bom.components.map(({ name, version }) => `${name}@${version}`));
  const present = packagesBelow(staged);
  const differing = [...listed, ...present].filter((id) => !listed.has(id) || !present.has(id));
  if (differing.length > 0)
    throw new Error(`the bill of materials is not what was staged: ${differing.join(", ")}`);
  return `${JSON.stringify(bom, null, 2)}\n`;
}

/**
 * Of a copy of manifest and lockfile without what is for development: `--omit=dev` also leaves out what both kinds need
 * (npm 11.19 lost fast-deep-equal, which find-my-way and, for tests, ajv depend on).
 */
function askNpm(directory: string): string {
  const { devDependencies: _, ...manifest } = readJson(join(directory, "package.json"));
  const { packages, ...lock } = readJson(join(directory, "package-lock.json")) as {
    readonly packages: Readonly<Record<string, object>>;
  };
  const { devDependencies: __, ...top } = packages[""] as Record<string, unknown>;
  const kept = productionPackages(directory).map(({ path }) => [path, packages[path]] as const);
  const copy = mkdtempSync(join(tmpdir(), "zion-sbom-"));
  try {
    writeFileSync(join(copy, "package.json"), JSON.stringify(manifest));
    const shortened = { ...lock, packages: { "": top, ...Object.fromEntries(kept) } };
    writeFileSync(join(copy, "package-lock.json"), JSON.stringify(shortened));
    return execFileSync(
      "npm",
      ["sbom", "--sbom-format=cyclonedx", "--sbom-type=application", "--package-lock-only"],
      { cwd: copy, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    );
  } finally {
    rmSync(copy, { recursive: true });
  }
}

function readJson(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
}

/** `name@version` of every package in a tree, as the packages themselves say. */
export function packagesBelow(directory: string): ReadonlySet<string> {
  const files = [
    ...globSync("**/node_modules/*/package.json", { cwd: directory }),
    ...globSync("**/node_modules/@*/*/package.json", { cwd: directory }),
  ];
  return new Set(
    files.map((file) => {
      const { name, version } = JSON.parse(readFileSync(join(directory, file), "utf8")) as {
        readonly name: string;
        readonly version: string;
      };
      return `${name}@${version}`;
    }),
  );
}

/** A UUID of version 8 (RFC 9562): by a rule of our own. */
function uuidOf(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

import { readFileSync } from "node:fs";
import type { Output } from "./output.ts";

/** `zion version`. */
export function versionCommand(output: Output): number {
  output.out.write(
    `zion ${packageVersion()}  node ${process.version}  openssl ${process.versions.openssl}  ${process.platform}/${process.arch}\n`,
  );
  return 0;
}

/** Version of this package, from its package.json: two levels up, both in src/ and in dist/. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

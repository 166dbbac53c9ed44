import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** src/control/entry-files.ts or dist/control/entry-files.js */
const here = fileURLToPath(import.meta.url);

/** Path of the file that a process of the gateway starts with: "worker-process". */
export function entryOf(name: string): string {
  return join(dirname(here), here.endsWith(".ts") ? `${name}.ts` : `${name}.js`);
}

/** Where package.json lies. */
export const packageDir = dirname(dirname(dirname(here)));

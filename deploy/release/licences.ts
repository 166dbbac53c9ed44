import type { LockedPackage } from "./stage.ts";

/** Licences that may be passed on with the gateway: permissive, each as SPDX writes it. */
const allowed = new Set([
  "Apache-2.0",
  "MIT",
  "ISC",
  "0BSD",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
]);

/** Packages whose licence is not allowed, or not said; of alternatives one is enough. */
export function licenceFaults(packages: readonly LockedPackage[]): readonly string[] {
  return packages
    .filter(({ license = "" }) => !isAllowed(license))
    .map(({ name, version, license }) => `${name}@${version}: ${license ?? "no licence"}`);
}

function isAllowed(expression: string): boolean {
  const names = expression.replace(/^\((.*)\)$/, "$1").split(" OR ");
  return names.some((name) => allowed.has(name));
}

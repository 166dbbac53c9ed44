import { spawnSync } from "node:child_process";

/** What `npm audit` knows of the dependencies of production. */
export type Advisories =
  | { readonly kind: "none" }
  | { readonly kind: "found"; readonly packages: readonly string[] }
  /** The registry has no such service, or does not answer: nobody has looked. */
  | { readonly kind: "not offered"; readonly why: string };

export function askAdvisories(directory: string): Advisories {
  const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json", "--package-lock-only"], {
    cwd: directory,
    encoding: "utf8",
    timeout: 120_000,
  });
  return readAdvisories(stdout ?? "");
}

/** Anything but a report in full is "not offered": silence is never "none". */
export function readAdvisories(text: string): Advisories {
  let report: {
    readonly auditReportVersion?: number;
    readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string }>>;
    readonly statusCode?: number;
  } | null;
  try {
    report = JSON.parse(text) as typeof report;
  } catch {
    return { kind: "not offered", why: "npm audit printed no report" };
  }
  const { auditReportVersion, vulnerabilities, statusCode } = report ?? {};
  if (auditReportVersion !== 2 || vulnerabilities === undefined)
    return { kind: "not offered", why: statusCode === undefined ? "no report" : `status ${statusCode}` };
  const packages = Object.entries(vulnerabilities).map(([name, { severity }]) => `${name}: ${severity}`);
  return packages.length === 0 ? { kind: "none" } : { kind: "found", packages };
}

export function describeAdvisories(advisories: Advisories): string {
  if (advisories.kind === "none") return "no advisories are known for the dependencies";
  if (advisories.kind === "found") return `advisories: ${advisories.packages.join(", ")}`;
  return `advisories were NOT checked: the registry offers none (${advisories.why})`;
}

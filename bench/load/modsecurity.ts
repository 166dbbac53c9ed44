import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What Debian ships for one server: its recommended configuration and the module. */
export interface ShippedRules {
  readonly module: string;
  readonly recommended: string;
  readonly unicodeMap: string;
  /** To install it. */
  readonly packages: string;
}

export const nginxRules: ShippedRules = {
  module: "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so",
  recommended: "/etc/nginx/modsecurity.conf",
  unicodeMap: "/etc/nginx/unicode.mapping",
  packages: "libnginx-mod-http-modsecurity modsecurity-crs",
};

export const apacheRules: ShippedRules = {
  module: "/usr/lib/apache2/modules/mod_security2.so",
  recommended: "/etc/modsecurity/modsecurity.conf-recommended",
  unicodeMap: "/etc/modsecurity/unicode.mapping",
  packages: "apache2 libapache2-mod-security2 modsecurity-crs",
};

const coreRules = "/usr/share/modsecurity-crs/rules";
const coreSetup = "/etc/modsecurity/crs";

/** Whether all files of it are on this machine. */
export function isInstalled({ module, recommended, unicodeMap }: ShippedRules): boolean {
  return [module, recommended, unicodeMap, coreRules, `${coreSetup}/crs-setup.conf`].every(existsSync);
}

/**
 * Writes the shipped configuration with the engine blocking, all it writes below `directory`, and after it the Core
 * Rule Set at its own default, paranoia level 1. Returns the file.
 */
export function writeRules(directory: string, shipped: ShippedRules): string {
  const data = join(directory, "data");
  mkdirSync(data, { recursive: true }); // a port may come twice in a run
  const file = join(directory, "modsecurity.conf");
  const text = withDirectives(readFileSync(shipped.recommended, "utf8"), {
    SecRuleEngine: "On",
    SecRequestBodyAccess: "On",
    // It asks a host outside for updates.
    SecStatusEngine: "Off",
    SecAuditLog: join(data, "audit.log"),
    SecTmpDir: data,
    SecDataDir: data,
    SecUnicodeMapFile: `${shipped.unicodeMap} 20127`,
  });
  // Not the packaged owasp-crs.load: libmodsecurity does not know its IncludeOptional.
  const includes = [
    `${coreSetup}/crs-setup.conf`,
    `${coreSetup}/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf`,
    `${coreRules}/*.conf`,
    `${coreSetup}/RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf`,
  ];
  writeFileSync(file, `${text}\n${includes.map((one) => `Include ${one}\n`).join("")}`);
  return file;
}

/** `text` with other values for some directives of one line. Throws for one that it does not have. */
export function withDirectives(text: string, values: Readonly<Record<string, string>>): string {
  for (const [name, value] of Object.entries(values)) {
    const line = new RegExp(`^${name} .*$`, "m");
    if (!line.test(text)) throw new Error(`no ${name} in the shipped configuration`);
    text = text.replace(line, () => `${name} ${value}`);
  }
  return text;
}

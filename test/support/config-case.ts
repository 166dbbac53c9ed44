import { makeSelfSigned, type SelfSigned } from "../../src/cert/self-signed.ts";
import type { Diagnostic } from "../../src/config/diagnostic.ts";
import { type ParseOptions, type ParseOutcome, parseConfig } from "../../src/config/parse.ts";

/** What stands for the rules of the package: these change, and tests of the config should not change with them. */
export const shippedRules = [
  {
    file: "/package/rules/sql.toml",
    text: `class = "sql"

[[rule]]
id = "sql-union-select"
severity = "critical"
literals = ["union select"]
why = "For tests of the configuration."
block = ["union select 1", "x union select 2"]
allow = ["union", "select"]
`,
  },
];

/** A config that is as small as can be, and valid. */
export const minimal = `[server]
listen_http = "0.0.0.0:8080"

[upstream.app]
url = "http://127.0.0.1:3000"

[[route]]
path = "/"
upstream = "app"
`;

/** Options with files in memory; what is not there does not exist. */
export function withFiles(
  files: Readonly<Record<string, string>> = {},
  modes: Readonly<Record<string, number>> = {},
): ParseOptions {
  return {
    file: "/etc/zion/zion.toml",
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
      return text;
    },
    stat: (path) => ({ mode: modes[path] ?? 0o100600 }),
    builtinRules: () => shippedRules,
  };
}

export function parseText(toml: string | Uint8Array, options: ParseOptions = withFiles()): ParseOutcome {
  return parseConfig(toml, options);
}

/** The config; fails with what is wrong with it. */
export function goodConfig(toml: string, options?: ParseOptions) {
  const outcome = parseText(toml, options);
  if (outcome.config === undefined) throw new Error(brief(outcome.diagnostics).join("\n"));
  return outcome.config;
}

/** "Z1042 3:1" of each diagnostic. */
export function codesAt(toml: string | Uint8Array, options?: ParseOptions): readonly string[] {
  return parseText(toml, options).diagnostics.map(({ code, line, column }) => `${code} ${line}:${column}`);
}

export function brief(diagnostics: readonly Diagnostic[]): readonly string[] {
  return diagnostics.map(({ code, line, column, message }) => `${code} ${line}:${column} ${message}`);
}

/** A certificate for a.test and localhost, valid around now. */
export function certificate(nowMs = Date.now()): SelfSigned {
  return makeSelfSigned({ names: ["a.test", "localhost"], days: 30, nowMs });
}

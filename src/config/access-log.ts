import type { AccessLogConfig } from "./config.ts";
import { keyLabel, shownValue } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import { resolvePath, type SectionContext } from "./section.ts";

/** Fields that carry credentials: a log is not the place for them. */
const credentialFields: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "x-api-key",
]);

/** Checks `[access_log]`. Opens nothing. */
export function readAccessLog(input: DocumentInput["access_log"], context: SectionContext): AccessLogConfig {
  const includeHeaders: string[] = [];
  for (const [i, field] of input.include_headers.entries()) {
    const path = ["access_log", "include_headers", i];
    const name = field.toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/.test(name))
      context.findings.add({
        code: "Z1106",
        path,
        message: `${keyLabel(path)}: ${shownValue(path, field)} is not a field name`,
        fix: "use the name of a header field",
      });
    else if (credentialFields.has(name))
      context.findings.add({
        code: "Z1106",
        path,
        message: `${keyLabel(path)}: \`${name}\` carries credentials`,
        effect: "passwords and sessions would be written to the log.",
        fix: "remove it",
      });
    else if (!includeHeaders.includes(name)) includeHeaders.push(name);
  }
  return {
    enabled: input.enabled,
    path: input.path === "-" ? "-" : resolvePath(input.path, context),
    includeHeaders,
  };
}

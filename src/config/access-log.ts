import { z } from "zod";
import type { AccessLogConfig, LogSampleConfig, RouteConfig } from "./config.ts";
import { choice, flag, optionalTexts, real, text, texts } from "./keys.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import { resolvePath, type SectionContext } from "./section.ts";
import { nearest } from "./suggest.ts";

const decisions = ["allow", "deny", "error", "shadow"] as const;
const statusClasses = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"] as const;

/** `[[access_log.sample]]`. */
export const logSample = z.strictObject({
  routes: optionalTexts({
    type: "array of routes",
    example: ["shop"],
    doc: "Names of routes. Absent = all, and exchanges without one.",
  }),
  decisions: texts({
    type: "array of decisions",
    default: ["allow"],
    doc: "allow, deny, error, shadow. Refusals and errors are left out only where they are named.",
  }),
  status: texts({
    type: "array of status classes",
    default: ["1xx", "2xx", "3xx"],
    doc: "1xx to 5xx, and none for an exchange without an answer.",
  }),
  rate: real({ min: 0, max: 1, default: 1, doc: "Part that gets a line, by the trace id." }),
});

/** `[access_log]`. */
export const accessLog = z.strictObject({
  enabled: flag(true, "Write one JSON line per exchange."),
  path: text({ type: "path", default: "-", doc: "File to append to, or - for standard output." }),
  format: choice(
    ["otel", "ecs"],
    "otel",
    "Names of the fields: OpenTelemetry's, or those of the Elastic Common Schema.",
  ),
  include_headers: texts({
    type: "array of field names",
    default: [],
    doc: "Request header fields to add to the line. Fields that carry credentials are refused.",
  }),
  mtls_fingerprint: flag(true, "Tell the SHA-256 fingerprint of the certificate that a client showed."),
  sample: z
    .array(logSample, { error: "expected an array of tables: write [[access_log.sample]]" })
    .default([]),
});

/** Fields that carry credentials: a log is not the place for them. */
const credentialFields: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "x-api-key",
]);

/** Checks `[access_log]`. Opens nothing. */
export function readAccessLog(
  input: DocumentInput["access_log"],
  routes: readonly RouteConfig[],
  context: SectionContext,
): AccessLogConfig {
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
    format: input.format,
    includeHeaders,
    mtlsFingerprint: input.mtls_fingerprint,
    samples: input.sample.map((sample, i) => readSample(sample, i, routes, context)),
  };
}

type SampleInput = DocumentInput["access_log"]["sample"][number];

function readSample(
  input: SampleInput,
  index: number,
  routes: readonly RouteConfig[],
  context: SectionContext,
): LogSampleConfig {
  const path = ["access_log", "sample", index];
  const take = (key: "routes" | "decisions" | "status", known: readonly string[], what: string) =>
    (input[key] ?? []).filter((word, i) => {
      if (known.includes(word)) return true;
      const at = [...path, key, i];
      const suggestion = nearest(word, known);
      context.findings.add({
        code: key === "routes" ? "Z1210" : "Z1106",
        path: at,
        message: `${keyLabel(at)}: there is no ${what} ${shownValue(at, word)}`,
        effect: "the table would apply to nothing.",
        suggestion,
        label: suggestion === undefined ? "" : `did you mean "${printable(suggestion)}"?`,
        fix:
          suggestion === undefined
            ? `use one of: ${known.slice(0, 8).map(printable).join(", ")}`
            : `write "${printable(suggestion)}"`,
      });
      return false;
    });
  // The name of a route that is left out for its own mistakes is not a mistake here.
  const names = context.findings.isPoisoned(["route"])
    ? (input.routes ?? [])
    : routes.map(({ name }) => name);
  const status = take("status", statusClasses, "status class");
  return {
    routes: input.routes === undefined ? undefined : take("routes", names, "route"),
    decisions: take("decisions", decisions, "decision"),
    statusClasses: status.map((word) => statusClasses.indexOf(word as (typeof statusClasses)[number])),
    rate: input.rate,
  };
}

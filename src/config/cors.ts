import { z } from "zod";
import { isOriginPattern } from "../gate/origin-rule.ts";
import { COMMON_METHODS, methodNames, TRACE } from "../http/request.ts";
import type { CorsConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { flag, int, optionalTexts, texts } from "./keys.ts";
import { keyLabel, shownValue } from "./label.ts";
import type { SectionContext } from "./section.ts";

/** `[route.cors]`. */
export const cors = z.strictObject({
  allowed_origins: texts({
    type: "array of origins",
    default: [],
    doc: 'Pages whose scripts may read answers: scheme://host[:port], *.suffix = any depth below it, "*" = all, without credentials only.',
  }),
  allowed_methods: optionalTexts({
    type: "array of methods",
    example: ["GET", "POST"],
    doc: "Methods that preflights allow. Absent = those of the route.",
  }),
  allowed_headers: texts({
    type: "array of field names",
    default: ["Content-Type", "Authorization", "X-Requested-With"],
    doc: "Request fields that preflights allow.",
  }),
  exposed_headers: texts({
    type: "array of field names",
    default: [],
    doc: "Answer fields that scripts may read, beside the few that they always may.",
  }),
  allow_credentials: flag(false, "Scripts may send cookies and read what comes back."),
  max_age: int({
    min: 0,
    max: 604_800,
    default: 86_400,
    doc: "How long browsers may remember the answer to a preflight, in seconds.",
  }),
});

type CorsInput = z.infer<typeof cors>;

/** Methods that a preflight can be about. */
const served: readonly string[] = methodNames.slice(0, TRACE);

/** Names in one list; with 64 bytes each they stay within the room for an answer's head. */
const NAMES_MAX = 64;

/** Checks `[route.cors]`. Undefined without the table. */
export function readCors(
  path: Path,
  what: string,
  input: CorsInput | undefined,
  methods: readonly string[] | undefined,
  context: SectionContext,
): CorsConfig | undefined {
  if (input === undefined) return undefined;
  checkOrigins(path, what, input, context);
  checkNames([...path, "allowed_headers"], input.allowed_headers, context);
  checkNames([...path, "exposed_headers"], input.exposed_headers, context);
  for (const [i, method] of (input.allowed_methods ?? []).entries()) {
    if (served.includes(method)) continue;
    const at = [...path, "allowed_methods", i];
    context.findings.add({
      code: "Z1045",
      path: at,
      message: `${keyLabel(at)}: ${shownValue(at, method)} is not a method this gateway serves`,
      fix: `use ${served.join(", ")}; methods are upper case`,
    });
  }
  return {
    allowedOrigins: input.allowed_origins.map((origin) => origin.toLowerCase()),
    allowedMethods: input.allowed_methods ?? methods ?? methodNames.slice(0, COMMON_METHODS),
    allowedHeaders: input.allowed_headers,
    exposedHeaders: input.exposed_headers,
    allowCredentials: input.allow_credentials,
    maxAgeSecs: input.max_age,
  };
}

function checkOrigins(path: Path, what: string, input: CorsInput, { findings }: SectionContext): void {
  const at = [...path, "allowed_origins"];
  for (const [i, origin] of input.allowed_origins.entries()) {
    if (!isOriginPattern(origin)) {
      findings.add({
        code: "Z1106",
        path: [...at, i],
        message: `${keyLabel(at)}: ${shownValue([...at, i], origin)} is not an origin`,
        fix: 'write scheme and host, "https://app.example.org" or "https://*.example.org", or "*" for all',
      });
    } else if (input.allow_credentials && (origin === "*" || origin === "null")) {
      // Any page can have the origin "null": a sandboxed frame is enough.
      findings.add({
        code: "Z1214",
        path: [...at, i],
        message: `${what} lets every page read answers with credentials: ${shownValue([...at, i], origin)} and \`allow_credentials\``,
        fix: "name the origins, or remove `allow_credentials`",
      });
    }
  }
}

function checkNames(path: Path, names: readonly string[], { findings }: SectionContext): void {
  for (const [i, name] of names.entries()) {
    if (i < NAMES_MAX && /^[A-Za-z0-9-]{1,64}$/.test(name)) continue;
    findings.add({
      code: "Z1106",
      path: [...path, i],
      message:
        i < NAMES_MAX
          ? `${keyLabel(path)}: ${shownValue([...path, i], name)} is not a field name`
          : `${keyLabel(path)} has more than ${NAMES_MAX} names`,
      fix: "write names of letters, digits and hyphens, at most 64 of them",
    });
    if (i >= NAMES_MAX) return;
  }
}

import { z } from "zod";
import type { FieldEditsConfig, HeaderProfileConfig } from "./config.ts";
import { checkName } from "./definition.ts";
import type { Path } from "./finding.ts";
import { optionalText, text, texts } from "./keys.ts";
import { keyLabel, shownValue } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import type { SectionContext } from "./section.ts";

const offText = (name: string, preset: string, doc: string) =>
  text({
    type: "text, off",
    default: preset,
    doc: `${doc} \`off\`: ${name} is the upstream's business alone.`,
  });

/** `[header_profile.NAME]`. */
export const headerProfile = z.strictObject({
  hsts: offText(
    "Strict-Transport-Security",
    "max-age=31536000",
    "Strict-Transport-Security of answers over TLS.",
  ),
  content_type_options: offText("X-Content-Type-Options", "nosniff", "X-Content-Type-Options."),
  frame_options: offText(
    "X-Frame-Options",
    "SAMEORIGIN",
    "X-Frame-Options: who may put the page into a frame.",
  ),
  referrer_policy: offText("Referrer-Policy", "strict-origin-when-cross-origin", "Referrer-Policy."),
  permissions_policy: optionalText({
    example: "camera=(), microphone=(), geolocation=()",
    doc: "Permissions-Policy.",
  }),
  csp: optionalText({ example: "default-src 'self'", doc: "Content-Security-Policy." }),
  csp_report_only: optionalText({
    example: "default-src 'self'; report-uri /csp-reports",
    doc: "Content-Security-Policy-Report-Only.",
  }),
  cross_origin_opener_policy: optionalText({ example: "same-origin", doc: "Cross-Origin-Opener-Policy." }),
  cross_origin_resource_policy: optionalText({ example: "same-site", doc: "Cross-Origin-Resource-Policy." }),
  cross_origin_embedder_policy: optionalText({
    example: "require-corp",
    doc: "Cross-Origin-Embedder-Policy.",
  }),
  remove: texts({
    type: "array of field names",
    default: ["x-powered-by", "x-aspnet-version", "x-aspnetmvc-version"],
    doc: "Fields that say what runs behind the gateway: clients do not get them. Server never passes.",
  }),
});

type Input = z.infer<typeof headerProfile>;

/** What routes use that name no profile. */
export const defaultHeaderProfile = "default";

/** Name of the field for each key, in the order in which they are sent. */
const fields: readonly (readonly [key: Exclude<keyof Input, "remove">, name: string])[] = [
  ["hsts", "Strict-Transport-Security"],
  ["content_type_options", "X-Content-Type-Options"],
  ["frame_options", "X-Frame-Options"],
  ["referrer_policy", "Referrer-Policy"],
  ["permissions_policy", "Permissions-Policy"],
  ["csp", "Content-Security-Policy"],
  ["csp_report_only", "Content-Security-Policy-Report-Only"],
  ["cross_origin_opener_policy", "Cross-Origin-Opener-Policy"],
  ["cross_origin_resource_policy", "Cross-Origin-Resource-Policy"],
  ["cross_origin_embedder_policy", "Cross-Origin-Embedder-Policy"],
];

/** Checks `[header_profile.NAME]`; "default" is always among them. */
export function readHeaderProfiles(
  { header_profile: inputs }: Pick<DocumentInput, "header_profile">,
  context: SectionContext,
): readonly HeaderProfileConfig[] {
  const profiles = Object.entries(inputs).map(([name, input]) => readProfile(name, input, context));
  return profiles.some(({ name }) => name === defaultHeaderProfile)
    ? profiles
    : [...profiles, readProfile(defaultHeaderProfile, headerProfile.parse({}), context)];
}

function readProfile(name: string, input: Input, context: SectionContext): HeaderProfileConfig {
  const path: Path = ["header_profile", name];
  checkName(path, "a header profile", name, context);
  for (const [key] of fields) checkFieldText([...path, key], input[key], context);
  const lines = fields.flatMap(([key, field]) => {
    const value = input[key];
    return value === undefined || value === "off" ? [] : [{ name: field, value, how: "default" as const }];
  });
  for (const [i, field] of input.remove.entries())
    if (!/^[\w!#$%&'*+.^`|~-]{1,64}$/.test(field))
      report([...path, "remove", i], field, "no name of a field", context);
  const edits: FieldEditsConfig = { remove: input.remove.map((field) => field.toLowerCase()), lines };
  return { name, edits };
}

/** What stands in a field is visible ASCII, with spaces. */
export function checkFieldText(path: Path, value: string | undefined, context: SectionContext): void {
  if (value !== undefined && /[^\t\x20-\x7e]/.test(value))
    report(path, value, "no value of a field", context);
}

function report(path: Path, value: string, what: string, { findings }: SectionContext): void {
  findings.add({
    code: "Z1106",
    path,
    message: `${keyLabel(path)}: ${shownValue(path, value)} is ${what}`,
    fix: "use visible ASCII characters",
  });
}

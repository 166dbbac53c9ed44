import { z } from "zod";
import {
  choice,
  flag,
  int,
  keyDocs,
  optionalChoice,
  optionalFlag,
  optionalInt,
  optionalText,
  optionalTexts,
  real,
  texts,
} from "./keys.ts";
import { moment } from "./moment.ts";

/** The keys of `[waf]`, `[waf_profile.NAME]`, `[[exclude]]` and those of a route: types and ranges only. Primary only. */

/** `[waf]`. */
export const waf = z.strictObject({
  rules: texts({
    type: "array of paths",
    default: [],
    doc: "Rule files of your own, beside those that are shipped. docs/waf-rules.md describes them.",
  }),
  max_buffered_mb: int({
    min: 0,
    max: 1_048_576,
    default: 0,
    doc: "Body bytes held for inspection, in MiB per worker. 0 = 64, or an eighth of the memory limit.",
  }),
});

/** `[waf_profile.NAME]`. */
export const wafProfile = z.strictObject({
  mode: choice(
    ["balanced", "aggressive"],
    "balanced",
    "balanced is sensitivity 1, aggressive is sensitivity 3.",
  ),
  sensitivity: optionalInt({
    min: 1,
    max: 4,
    example: 1,
    doc: "Rules up to this level are active; 1 is silent on real traffic. Absent = by mode.",
  }),
  threshold: int({
    min: 1,
    max: 1000,
    default: 5,
    doc: "Points from which on a request is refused. One rule of severity critical has 5.",
  }),
  max_body_mb: int({
    min: 0,
    max: 1_048_576,
    default: 10,
    doc: "Body in MiB that is inspected: refused above. 0 = no body at all.",
  }),
  max_depth: int({ min: 1, max: 1000, default: 64, doc: "Open arrays and objects of a JSON body." }),
  max_string_len: int({
    min: 1,
    max: 1_073_741_824,
    default: 1_048_576,
    doc: "One key or string of a JSON body, in bytes.",
  }),
  max_number_len: int({
    min: 1,
    max: 1_048_576,
    default: 1024,
    doc: "One number of a JSON body, in characters.",
  }),
  json_sequences: flag(
    false,
    "A JSON body may be several values, one after the other: what Splunk's HEC and Elasticsearch's _bulk take as application/json.",
  ),
  max_inflate_ratio: int({
    min: 10,
    max: 1000,
    default: 10,
    doc: "Bytes of a body with a Content-Encoding for each compressed one, from 64 KiB on. Logs and metrics reach 30.",
  }),
  graphql_max_depth: int({
    min: 1,
    max: 1000,
    default: 32,
    doc: "Selections, lists and input objects of a GraphQL query that are open together.",
  }),
  graphql_max_aliases: int({ min: 0, max: 20_000, default: 200, doc: "Aliases in one GraphQL body." }),
  graphql_introspection: choice(
    ["allow", "refuse"],
    "allow",
    "Whether GraphQL queries may ask for the schema (__schema, __type).",
  ),
  deny_unknown_content_types: flag(true, "Refuse bodies whose type is not in allowed_content_types."),
  allowed_content_types: optionalTexts({
    type: "array of media types",
    example: ["application/json", "application/*+json", "multipart/form-data"],
    doc: 'Types of bodies: type/subtype, type/*, or *+json for a suffix; "default" for the built-in list of what browsers and common clients send (docs/waf.md), which holds if this is absent.',
  }),
  entropy_check: flag(true, "Refuse text whose bytes are as random as those of encrypted data."),
  entropy_threshold: real({
    min: 0,
    max: 8,
    default: 6.5,
    doc: "Bits per byte from which on text counts as random.",
  }),
  inspect_buffer_kb: int({
    min: 1,
    max: 65_536,
    default: 1024,
    doc: "Bodies up to this size in KiB are inspected whole before a byte is forwarded, larger ones as they flow.",
  }),
  scan_headers: optionalTexts({
    type: "array of field names",
    example: ["user-agent", "referer", "x-*"],
    doc: "Header fields that are inspected; * at the end = prefix, * alone = all. Absent = all but a documented safe set.",
  }),
  disabled_rules: texts({
    type: "array of rule ids or classes",
    default: [],
    doc: "Rules that are off.",
  }),
  shadow_rules: texts({
    type: "array of rule ids or classes",
    default: [],
    doc: "Rules that are reported but add no points.",
  }),
  inspect_answers: optionalChoice(
    ["off", "report", "on"],
    "Look at answers for what should not leave: stack traces, errors of databases, listings of directories, private keys, card numbers, tokens. on: block or mask, as each rule says. Absent = on with mode aggressive, else off.",
  ),
  answer_types: optionalTexts({
    type: "array of media types",
    example: ["text/*", "application/json"],
    doc: "Types of answers that are looked at. Absent = text, JSON, XML and JavaScript.",
  }),
  answer_window_kb: int({
    min: 1,
    max: 1024,
    default: 64,
    doc: "So much of an answer in KiB is held, for 250 ms at most, so that it can be blocked. Behind it secrets are masked and the rest is reported.",
  }),
  on_budget: choice(
    ["refuse", "pass"],
    "refuse",
    "What happens to a request that costs more work to inspect than it may.",
  ),
});

// A copy: docs are kept by schema.
const until = moment.clone();
keyDocs.add(until, {
  type: "date, or date and time with offset",
  preset: undefined,
  example: "2030-06-30",
  doc: "From then on the exclusion is void; a date means its first moment in UTC. Absent = for good.",
});

/** `[[exclude]]`. */
export const exclude = z.strictObject({
  rule: optionalText({
    type: "rule id or class",
    example: "sql",
    doc: "What does not apply. Required.",
  }),
  route: optionalText({ example: "shop", doc: "Name of the route. Absent = every route." }),
  field: optionalText({
    type: "place",
    example: "query:q",
    doc: "Where it does not apply, as rules name places: query:q, header:*, json. Absent = everywhere.",
  }),
  until,
});

/** Of `[[route]]`. */
export const routeWafKeys = {
  waf_profile: optionalText({
    example: "default",
    doc: 'Name of the WAF profile. Absent = "default", which is built in.',
  }),
  waf: optionalFlag("Whether the route is inspected; a warning lists those that are not. Absent = true."),
  waf_shadow: flag(false, "Report what would be refused, refuse nothing."),
  body: choice(
    ["buffer", "stream"],
    "buffer",
    "buffer holds a body of up to inspect_buffer_kb until it is inspected; stream forwards it as it is inspected.",
  ),
};

export type WafProfileInput = z.infer<typeof wafProfile>;
export type ExcludeInput = z.infer<typeof exclude>;

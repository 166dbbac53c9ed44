import { z } from "zod";
import { intercept } from "./error-pages.ts";
import { int, keyDocs, optionalInt, optionalText, text, texts } from "./keys.ts";
import { mirror } from "./mirror.ts";

/** The keys with which a route changes requests and answers: types and ranges only. Loaded in the primary only. */

const fieldValues = (doc: string) => {
  const schema = z
    .record(z.string(), z.string({ error: "expected a text" }), { error: "expected a table of name = value" })
    .default({});
  keyDocs.add(schema, { type: "table of field = template", preset: "{}", example: undefined, doc });
  return schema;
};

const queryValues = (doc: string) => {
  const schema = z
    .record(z.string(), z.string({ error: "expected a text" }), { error: "expected a table of name = value" })
    .default({});
  keyDocs.add(schema, { type: "table of name = value", preset: "{}", example: undefined, doc });
  return schema;
};

const edits = (whose: string, removed: string) =>
  z.strictObject({
    set: fieldValues(`Fields that ${whose} gets, in place of those of the name that are there.`),
    add: fieldValues(`Fields that ${whose} gets beside those that are there.`),
    default: fieldValues(`Fields that ${whose} gets where it has none of the name.`),
    remove: texts({
      type: "array of field names",
      default: [],
      doc: `Fields that ${removed}; \`*\` at the end: all names that begin so.`,
    }),
  });

/** `[route.request_headers]`. */
export const requestHeaders = edits("the upstream", "do not go upstream");
/** `[route.response_headers]`. */
export const responseHeaders = edits("the client", "the client does not get");

/** `[route.rewrite]`. */
export const rewrite = z.strictObject({
  strip_prefix: optionalText({
    type: "path",
    example: "/api",
    doc: "Taken off the front of the path, as whole segments.",
  }),
  regex: optionalText({
    type: "regular expression (RE2)",
    example: "^/item/([0-9]+)$",
    doc: "Looked for in the path, after strip_prefix. Where it is found the path becomes `replacement`.",
  }),
  replacement: optionalText({
    type: "path with $1 to $9",
    example: "/products/$1",
    doc: "The new path; $1 to $9 are what the groups of `regex` found, $$ is a dollar sign.",
  }),
  add_prefix: optionalText({ type: "path", example: "/v2", doc: "Put in front of the path, last." }),
  host: optionalText({
    type: "host[:port]",
    example: "backend.internal",
    doc: "Host that the upstream gets. Absent = as the upstream's preserve_host says.",
  }),
  query_set: queryValues("Parameters that replace those of the name."),
  query_add: queryValues("Parameters that are added."),
  query_remove: texts({
    type: "array of parameter names",
    default: [],
    doc: "Parameters that do not go upstream; `*` at the end: all names that begin so.",
  }),
});

/** `[route.redirect]`. */
export const redirect = z.strictObject({
  to: optionalText({
    type: "template",
    example: "https://www.example.org{uri}",
    doc: "Where clients are sent: a URL or a path. Required.",
  }),
  status: int({ min: 301, max: 308, default: 308, doc: "301, 302, 303, 307 or 308." }),
});

/** `[route.respond]`. */
export const respond = z.strictObject({
  status: int({ min: 200, max: 599, default: 200, doc: "Status of the answer." }),
  body: text({ default: "", doc: "Its body, at most 64 KiB." }),
  body_file: optionalText({
    type: "path",
    example: "maintenance.html",
    doc: "File with the body, in place of `body`.",
  }),
  content_type: text({ type: "media type", default: "text/plain; charset=utf-8", doc: "Type of the body." }),
});

/** `[[route.split]]`. */
export const split = z.strictObject({
  upstream: optionalText({ example: "app_next", doc: "Where these requests go. Required." }),
  weight: optionalInt({
    min: 1,
    max: 100,
    example: 10,
    doc: "Percent of the requests that no header or cookie sends anywhere.",
  }),
  header: optionalText({
    type: "name or name: value",
    example: "X-Canary: yes",
    doc: "Requests with this field, and this value if one is given, go here.",
  }),
  cookie: optionalText({
    type: "name or name=value",
    example: "canary=1",
    doc: "Requests with this cookie, and this value if one is given, go here.",
  }),
});

export const transformKeys = {
  rewrite: rewrite.optional(),
  request_headers: requestHeaders.optional(),
  response_headers: responseHeaders.optional(),
  redirect: redirect.optional(),
  respond: respond.optional(),
  split: z.array(split, { error: "expected an array of tables: write [[route.split]]" }).default([]),
  mirror: mirror.optional(),
  intercept,
};

import { z } from "zod";
import type { ErrorPageConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { optionalText } from "./keys.ts";
import { keyLabel, printable } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import { readNamedFile, resolvePath, type SectionContext } from "./section.ts";
import { readStatuses, statuses } from "./statuses.ts";

/** `[error_page.STATUS]`. */
export const errorPage = z.strictObject({
  html_file: optionalText({
    type: "path",
    example: "errors/503.html",
    doc: "For clients that ask for text/html. {status}, {reason} (its words) and {request_id} stand for themselves.",
  }),
  json_file: optionalText({
    type: "path",
    example: "errors/503.json",
    doc: "For clients that ask for JSON first.",
  }),
});

/** `intercept` of routes. */
export const intercept = statuses({
  default: [],
  doc: "Statuses of the upstream for which clients get the error page of that status, or its few words, and the upstream's body goes nowhere. gRPC is left alone.",
});

/** Checks `intercept`. */
export function readIntercept(
  path: Path,
  input: z.infer<typeof intercept>,
  context: SectionContext,
): readonly (readonly [number, number])[] {
  const ranges = readStatuses(path, input, context);
  if (ranges.some(([low]) => low < 400))
    context.findings.add({
      code: "Z1106",
      path,
      message: `${keyLabel(path)} has a status below 400: such answers are no errors`,
      fix: "name statuses from 400 to 599",
    });
  return ranges;
}

const bytesMax = 65_536;

/** Checks `[error_page.STATUS]`. */
export function readErrorPages(
  { error_page: pages }: Pick<DocumentInput, "error_page">,
  context: SectionContext,
): readonly ErrorPageConfig[] {
  return Object.entries(pages).map(([name, input]) => {
    const path: Path = ["error_page", name];
    if (name !== "default" && !/^[45]\d\d$/.test(name))
      context.findings.add({
        code: "Z1106",
        path,
        at: "key",
        message: `[error_page.${printable(name)}]: "${printable(name)}" is no status of a refusal`,
        fix: "write a status from 400 to 599, or default",
      });
    const read = (key: "html_file" | "json_file"): string | undefined => {
      const file = input[key];
      if (file === undefined) return undefined;
      return readNamedFile([...path, key], resolvePath(file, context), context, "utf8", bytesMax);
    };
    return {
      status: name === "default" ? undefined : Number(name),
      html: read("html_file"),
      json: read("json_file"),
    };
  });
}

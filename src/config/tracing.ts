import { z } from "zod";
import type { TracingConfig } from "./config.ts";
import { flag, optionalText, real, text } from "./keys.ts";
import { keyLabel, shownValue } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import type { SectionContext } from "./section.ts";

/** `[tracing]`. */
export const tracing = z.strictObject({
  endpoint: optionalText({
    type: "URL",
    example: "http://127.0.0.1:4318/v1/traces",
    doc: "Where an OpenTelemetry collector takes traces by OTLP over HTTP. Absent = no spans; traceparent passes as it came.",
  }),
  sample: real({
    min: 0,
    max: 1,
    default: 0.01,
    doc: "Part of the traces that is reported. Traces that trusted proxies have chosen are reported too.",
  }),
  refusals: flag(true, "Report refusals and errors of other traces too, at most 100 a second and worker."),
  service_name: text({ type: "string", default: "zion", doc: "`service.name` of the spans." }),
});

/** Checks `[tracing]`; undefined = off. */
export function readTracing(
  input: DocumentInput["tracing"],
  context: SectionContext,
): TracingConfig | undefined {
  if (input?.endpoint === undefined) return undefined;
  const path = ["tracing", "endpoint"];
  const url = URL.parse(input.endpoint);
  const problem = problemOf(url);
  if (problem !== "") {
    context.findings.add({
      code: "Z1106",
      path,
      message: `${keyLabel(path)}: ${shownValue(path, input.endpoint)}: ${problem}`,
      fix: 'use a URL such as "http://127.0.0.1:4318/v1/traces"',
    });
    return undefined;
  }
  return {
    endpoint: url!.href,
    sample: input.sample,
    refusals: input.refusals,
    serviceName: input.service_name,
  };
}

function problemOf(url: URL | null): string {
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    return "expected an http or https URL";
  if (url.username !== "" || url.password !== "") return "credentials do not belong into a URL";
  // The usual slip: the collector's address without the path that takes traces.
  return url.pathname === "/" ? "the path is missing, usually /v1/traces" : "";
}

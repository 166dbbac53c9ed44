import { z } from "zod";
import type { MirrorConfig } from "./config.ts";
import { checkDefined } from "./definition.ts";
import type { Path } from "./finding.ts";
import { int, optionalText, real, texts } from "./keys.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import { requireKey, type SectionContext } from "./section.ts";

/** `[route.mirror]`. */
export const mirror = z.strictObject({
  upstream: optionalText({ example: "app_next", doc: "Who gets the copies. Required." }),
  percent: real({ min: 0, max: 100, default: 100, doc: "Share of the requests that are copied at all." }),
  methods: texts({
    type: "array of methods",
    default: ["GET", "HEAD"],
    doc: "Methods of requests that are copied. A copy of another one does again what it does.",
  }),
  max_body_kb: int({ min: 0, max: 1024, default: 64, doc: "Requests with a longer body are not copied." }),
  max_in_flight: int({
    min: 1,
    max: 10_000,
    default: 32,
    doc: "Copies at once, per worker: no more are made above. Times max_body_kb it is the memory that their bodies may take.",
  }),
  timeout_ms: int({ min: 10, max: 120_000, default: 5000, doc: "For a copy and its answer." }),
  remove: texts({
    type: "array of field names",
    default: [],
    doc: "Fields that copies do not have, as authorization and cookie; `*` at the end: all names that begin so.",
  }),
});

/** Checks `[route.mirror]`. `methods`: checked already; `upstreams`: names that may be sent to. */
export function readMirror(
  route: Path,
  what: string,
  input: z.infer<typeof mirror>,
  methods: readonly string[],
  upstreams: ReadonlyMap<string, Path>,
  context: SectionContext,
): MirrorConfig | undefined {
  const path = [...route, "mirror"];
  if (!requireKey(path, "upstream", input.upstream, `the mirror of ${what}`, context)) return undefined;
  checkDefined(
    {
      path: [...path, "upstream"],
      what: `the mirror of ${what}`,
      kind: "upstream",
      name: input.upstream!,
      defined: upstreams,
      definition: `[upstream.${printable(input.upstream!)}] with a \`url\``,
    },
    context,
  );
  for (const [i, name] of input.remove.entries()) {
    const at = [...path, "remove", i];
    if (!/^[\w!#$%&'*+.^`|~-]{1,64}$/.test(name))
      context.findings.add({
        code: "Z1106",
        path: at,
        message: `${keyLabel(at)}: ${shownValue(at, name)} is no name of a field`,
      });
  }
  return {
    upstream: input.upstream!,
    percent: input.percent,
    methods,
    bodyBytesMax: input.max_body_kb * 1024,
    maxInFlight: input.max_in_flight,
    timeoutMs: input.timeout_ms,
    remove: input.remove.map((name) => name.toLowerCase()),
  };
}

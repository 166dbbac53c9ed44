import { z } from "zod";
import { compileTypeList } from "../body/type-list.ts";
import type { CompressionConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { choice, flag, int, keyDocs, texts, toml } from "./keys.ts";
import { keyLabel, shownValue } from "./label.ts";
import type { DocumentInput, RouteInput } from "./schema.ts";
import type { SectionContext } from "./section.ts";

const known = ["br", "zstd", "gzip"] as const;

const codings = z
  .array(z.enum(known), { error: "expected an array of codings" })
  .min(1, { error: "expected at least one coding" })
  .default([...known]);
keyDocs.add(codings, {
  type: "array of br, zstd, gzip",
  preset: toml(known),
  example: undefined,
  doc: "Codings that answers may get. Of those that a client likes as much as each other, the first is taken.",
});

/** `[compression]`. */
export const compression = z.strictObject({
  codings,
  types: texts({
    type: "array of media types",
    default: [
      "text/*",
      "application/json",
      "application/javascript",
      "application/xml",
      "application/manifest+json",
      "application/wasm",
      "application/vnd.ms-fontobject",
      "font/ttf",
      "font/otf",
      "image/x-icon",
      "image/bmp",
      "*+json",
      "*+xml",
    ],
    doc: "Types that are compressed: type/subtype, type/* or *+suffix. Server-sent events and gRPC never are.",
  }),
  min_bytes: int({
    min: 1,
    max: 1_048_576,
    default: 1024,
    doc: "Shorter bodies are sent as they are. Where the upstream does not say the length, it counts as long enough.",
  }),
  effort: choice(
    ["fast", "balanced", "small"],
    "balanced",
    "Work against size: gzip 1, br 1, zstd 1; gzip 4 or, up to 4 KiB, 6, br 4, zstd 3; or gzip 8, br 6, zstd 9, and more for short bodies.",
  ),
  breach_guard: flag(
    true,
    "Answers to requests that carry cookies, and do not come from a page of the same origin, are not compressed: their length could tell a foreign page what is in them (BREACH).",
  ),
  memory_mb: int({
    min: 2,
    max: 65_536,
    default: 64,
    doc: "What bodies and compressors may take, per worker, about 1 MiB for a long answer. Above it answers are sent as they are.",
  }),
});

/** Checks `[compression]`; undefined where there is none. */
export function readCompression(
  { compression: input }: Pick<DocumentInput, "compression">,
  context: SectionContext,
): CompressionConfig | undefined {
  if (input === undefined) return undefined;
  for (const [i, type] of input.types.entries())
    if (typeof compileTypeList([type]) === "string") reportType(["compression", "types", i], type, context);
  return {
    codings: [...new Set(input.codings)],
    types: input.types,
    minBytes: input.min_bytes,
    effort: input.effort,
    breachGuard: input.breach_guard,
    memoryMb: input.memory_mb,
  };
}

function reportType(path: Path, type: string, { findings }: SectionContext): void {
  findings.add({
    code: "Z1106",
    path,
    message: `${keyLabel(path)}: ${shownValue(path, type)} is not a media type`,
    fix: "write type/subtype without parameters, type/* or *+suffix",
  });
}

/** Whether a route's answers are compressed. */
export function readCompress(
  route: Path,
  what: string,
  { compress }: Pick<RouteInput, "compress">,
  { compression: table }: Pick<DocumentInput, "compression">,
  { findings }: SectionContext,
): boolean {
  const path = [...route, "compress"];
  if (compress === true && table === undefined && !findings.isPoisoned(["compression"]))
    findings.add({
      code: "Z1214",
      path,
      message: `${what} has \`compress\`, and there is no [compression]`,
      fix: "add the table, empty for its defaults, or remove the key",
    });
  return compress ?? table !== undefined;
}

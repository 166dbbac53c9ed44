import { z } from "zod";
import { choice, flag, int, optionalText } from "./keys.ts";

/** `[capture]`. */
export const capture = z.strictObject({
  path: optionalText({
    type: "path",
    example: "/var/lib/zion/capture",
    doc: "Directory for the requests that are kept, mode 0700; made if the one above it exists. Required.",
  }),
  key_file: optionalText({
    type: "path",
    example: "/run/credentials/zion/capture-key",
    doc: "Key that they are sealed with (AES-256-GCM): exactly 32 bytes, mode 0600. Absent = $CREDENTIALS_DIRECTORY/capture-key.",
  }),
  what: choice(
    ["refused", "all"],
    "refused",
    '"refused" keeps requests that were refused, or would have been by a shadow; "all" keeps others too.',
  ),
  max_body_kb: int({
    min: 0,
    max: 1024,
    default: 16,
    doc: "KiB of a body that are kept. What was longer is undecidable in a replay that needs the rest.",
  }),
  max_size_mb: int({ min: 8, max: 65_536, default: 256, doc: "MiB of all files; the oldest go first." }),
  max_requests: int({ min: 8, max: 10_000_000, default: 10_000, doc: "Requests in all files." }),
  max_age_hours: int({ min: 1, max: 8760, default: 24, doc: "Older ones are removed." }),
  redact_in_storage: flag(
    false,
    "Take values out, as [redact] says, before they are kept, and bodies whole: such requests are undecidable in a replay. Without it values are hidden when they are shown.",
  ),
});

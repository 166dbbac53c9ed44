import { checkPrivateDirectory, checkSecretFile, statOf } from "./audit.ts";
import type { CaptureConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import type { DocumentInput } from "./schema.ts";
import { requireKey, resolvePath, type SectionContext } from "./section.ts";

/** Checks `[capture]`. The key itself is not read: only the primary does that. */
export function readCapture(document: DocumentInput, context: SectionContext): CaptureConfig | undefined {
  const { capture: input } = document;
  if (input === undefined || !requireKey(["capture"], "path", input.path, "[capture]", context))
    return undefined;
  const path = resolvePath(input.path!, context);
  checkPrivateDirectory(["capture", "path"], path, context);
  const keyFile = keyFileOf(input.key_file, context);
  if (keyFile === undefined) {
    context.findings.add({
      code: "Z1312",
      path: ["capture"],
      at: "key",
      message: "[capture] has no key: neither `key_file` nor $CREDENTIALS_DIRECTORY/capture-key",
    });
    return undefined;
  }
  return {
    path,
    keyFile,
    refusedOnly: input.what === "refused",
    bodyBytesMax: input.max_body_kb * 1024,
    bytesMax: input.max_size_mb * 1_048_576,
    requestsMax: input.max_requests,
    ageMs: input.max_age_hours * 3_600_000,
    redactsInStorage: input.redact_in_storage,
  };
}

function keyFileOf(given: string | undefined, context: SectionContext): string | undefined {
  const path: Path = ["capture", "key_file"];
  if (given !== undefined) {
    const file = resolvePath(given, context);
    checkSecretFile(path, file, context);
    return file;
  }
  const folder = context.environment("CREDENTIALS_DIRECTORY");
  if (folder === undefined) return undefined;
  const file = `${folder}/capture-key`;
  return statOf(file, context) === undefined ? undefined : file;
}

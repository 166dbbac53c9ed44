import { type AnswerCoding, chooseCoding } from "../../http/accept-encoding.ts";
import { F } from "../../http/field.ts";
import type { CanonicalRequest } from "../../http/request.ts";
import { type Reason, reasons } from "../../reason.ts";
import { readFilePath } from "./file-path.ts";
import { DIRECTORY, FILE, NOTHING, type Shelved } from "./file-shelf.ts";
import type { StaticSite } from "./static-site.ts";

/** The file that answers a request. */
export interface Choice {
  readonly kind: "file";
  readonly file: Shelved;
  /** Below the site's directory; with the ending of its coding. */
  readonly relative: string;
  /** Whose ending says the media type. */
  readonly name: string;
  /** Undefined = as it is. */
  readonly coding: AnswerCoding | undefined;
  /** It stands for a path that is no file: another answer may come there at any time. */
  readonly isFallback: boolean;
}

/** No file, but the same path with a slash behind it. */
export interface ToDirectory {
  readonly kind: "directory";
}

export interface NoFile {
  readonly kind: "none";
  readonly reason: Reason;
  readonly detail: string;
}

/**
 * Which file is meant by a canonical path. Yields paths below the site's directory, and is given what is known of each: at
 * once where it is at hand, so that nothing waits for a file in memory.
 */
export function* chooseFile(
  site: StaticSite,
  path: string,
  request: CanonicalRequest,
): Generator<string, Choice | ToDirectory | NoFile, Shelved> {
  const meant = readFilePath(path);
  if (meant === undefined) return { kind: "none", reason: reasons.filePath, detail: "" };
  const { relative, isDirectory } = meant;
  if (isDirectory) {
    for (const index of site.index) {
      const name = relative === "" ? index : `${relative}/${index}`;
      const file = yield name;
      if (file.kind === FILE) return yield* withCoding(site, file, name, request, false);
      if (isProblem(file)) return refusal(file);
    }
  } else {
    const file = yield relative;
    if (file.kind === FILE) return yield* withCoding(site, file, relative, request, false);
    if (file.kind === DIRECTORY) return { kind: "directory" };
    if (isProblem(file)) return refusal(file);
  }
  const page = site.index[0];
  if (site.spaFallback && page !== undefined && mayBePage(relative, request)) {
    const file = yield page;
    if (file.kind === FILE) return yield* withCoding(site, file, page, request, true);
    if (isProblem(file)) return refusal(file);
  }
  return { kind: "none", reason: reasons.fileNotFound, detail: "" };
}

/** The coded file beside it that the client likes best. One that is older than what it was made from is not it. */
function* withCoding(
  site: StaticSite,
  file: Shelved,
  name: string,
  request: CanonicalRequest,
  isFallback: boolean,
): Generator<string, Choice, Shelved> {
  for (let left = site.codings; left.length > 0; ) {
    const coding = chooseCoding(request, left);
    if (coding === undefined) break;
    const relative = name + endings[coding];
    const coded = yield relative;
    if (coded.kind === FILE && coded.modifiedNs >= file.modifiedNs)
      return { kind: "file", file: coded, relative, name, coding, isFallback };
    left = left.filter((one) => one !== coding);
  }
  return { kind: "file", file, relative: name, name, coding: undefined, isFallback };
}

const endings: Readonly<Record<AnswerCoding, string>> = { br: ".br", zstd: ".zst", gzip: ".gz" };

/** Whether a person may be looking at what comes: a script that is missing must not become a page. */
function mayBePage(relative: string, request: CanonicalRequest): boolean {
  return (
    !relative.slice(relative.lastIndexOf("/") + 1).includes(".") ||
    request.fieldText(F.accept)?.includes("text/html") === true
  );
}

/** There is something, and it cannot be had: nothing else may stand in for it. */
function isProblem({ kind, reason }: Shelved): boolean {
  return kind === NOTHING && reason !== reasons.fileNotFound;
}

function refusal({ reason, detail }: Shelved): NoFile {
  return { kind: "none", reason, detail };
}

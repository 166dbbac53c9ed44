/** What a request path means below a directory. */
export interface FilePath {
  /** Names below the directory, joined by slashes; "" = the directory itself. */
  readonly relative: string;
  /** The path ends in a slash. */
  readonly isDirectory: boolean;
}

/**
 * The plain reading of a canonical path (http/path.ts) as a file name: each segment percent-decoded once, bytes as they
 * are, case and Unicode form included. Undefined: no file is meant, or none that may be served. That is so for hidden names
 * (a dot in front, but for `.well-known`, RFC 8615), slashes, backslashes and control characters inside of a name,
 * names longer than a file system takes, and whatever `..` a path should not have any more by now.
 */
export function readFilePath(path: string): FilePath | undefined {
  if (path[0] !== "/" || path.length > PATH_BYTES_MAX) return undefined;
  const isDirectory = path.endsWith("/");
  const body = path.slice(1, isDirectory ? -1 : undefined);
  if (body === "") return path === "/" ? ROOT : undefined;
  // Nearly every path: nothing to decode, nothing to hide.
  if (PLAIN.test(body)) return { relative: body, isDirectory };
  const names: string[] = [];
  for (const segment of body.split("/")) {
    const name = decode(segment);
    if (name === undefined || !isServed(name)) return undefined;
    names.push(name);
  }
  return { relative: names.join("/"), isDirectory };
}

const ROOT: FilePath = { relative: "", isDirectory: true };

/** Linux takes 4096 bytes with the directory's own. */
const PATH_BYTES_MAX = 3072;
const NAME_BYTES_MAX = 255;

const PLAIN = /^(?:[A-Za-z0-9_~-][A-Za-z0-9_.~-]{0,200})(?:\/[A-Za-z0-9_~-][A-Za-z0-9_.~-]{0,200})*$/;

function decode(segment: string): string | undefined {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function isServed(name: string): boolean {
  if (name === "" || UNSAFE.test(name)) return false;
  if (name.startsWith(".") && name !== ".well-known") return false;
  return Buffer.byteLength(name) <= NAME_BYTES_MAX;
}

/** What ends a name to some system, or is not meant to be in one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const UNSAFE = /[\x00-\x1f\x7f/\\\ufffd\ufeff]/;

import { at, listAt, numberAt, textAt } from "./json-value.ts";
import { bytesText, readUrl, type Wish, WishProblem } from "./wish.ts";

/** One request of a HAR file (HTTP Archive 1.2), or why it cannot be asked about. */
export interface HarEntry {
  /** From 1, as --entry counts. */
  readonly number: number;
  readonly method: string;
  readonly url: string;
  /** What the server answered then; 0 = not recorded. */
  readonly status: number;
  readonly wish: Wish | WishProblem;
}

/** The requests of a HAR file. Throws WishProblem when it is none. */
export function readHar(text: string): readonly HarEntry[] {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new WishProblem("it is no JSON");
  }
  const entries = at(at(file, "log"), "entries");
  if (!Array.isArray(entries)) throw new WishProblem("it has no log.entries: it is no HAR file");
  return entries.map((entry, index) => {
    const request = at(entry, "request");
    return {
      number: index + 1,
      method: textAt(request, "method"),
      url: textAt(request, "url"),
      status: numberAt(at(entry, "response"), "status"),
      wish: attempt(request),
    };
  });
}

function attempt(request: unknown): Wish | WishProblem {
  try {
    return {
      method: bytesText(textAt(request, "method")),
      ...readUrl(textAt(request, "url")),
      fields: fieldsOf(request),
      body: bodyOf(request),
    };
  } catch (error) {
    if (error instanceof WishProblem) return error;
    throw error;
  }
}

/** Framing is made anew: browsers record the body without it. Pseudo-fields of HTTP/2 are in the URL. */
function fieldsOf(request: unknown): (readonly [string, string])[] {
  return listAt(request, "headers").flatMap((header) => {
    const name = textAt(header, "name");
    if (/^(?::.*|content-length|transfer-encoding)$/i.test(name)) return [];
    return [[bytesText(name), bytesText(textAt(header, "value"))] as const];
  });
}

function bodyOf(request: unknown): Uint8Array {
  const data = at(request, "postData");
  const text = at(data, "text");
  if (typeof text === "string" && text !== "")
    return at(data, "encoding") === "base64" ? Buffer.from(text, "base64") : Buffer.from(text, "utf8");
  const params = listAt(data, "params");
  const isForm = textAt(data, "mimeType").startsWith("application/x-www-form-urlencoded");
  if (isForm && params.length > 0) {
    const form = new URLSearchParams(
      params.map((one): [string, string] => [textAt(one, "name"), textAt(one, "value")]),
    );
    return Buffer.from(form.toString(), "latin1");
  }
  if (numberAt(request, "bodySize") > 0) throw new WishProblem("its body is not in the file");
  return new Uint8Array(0);
}

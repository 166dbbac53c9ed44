import { bytesText, readUrl, type Wish, WishProblem } from "./wish.ts";

/** What curl's arguments need of the machine. Throws when a file cannot be read. */
export interface CurlFiles {
  readonly read: (path: string) => Uint8Array;
}

/**
 * A request from curl's arguments (without the word `curl`), as curl would send it with --path-as-is, but for the fields
 * that curl adds about itself. Throws WishProblem: what is not understood is not guessed.
 */
export function readCurlWords(words: readonly string[], files: CurlFiles): Wish {
  const draft = new Draft(files);
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    if (!word.startsWith("-") || word === "-") {
      draft.bare(word);
      continue;
    }
    const { name, attached, rest } = splitOption(word);
    const option = options[name];
    if (option === undefined) throw new WishProblem(`curl's option ${name} is not understood here`);
    if (option.refused !== undefined) throw new WishProblem(`${name}: ${option.refused}`);
    if (option.takes === undefined) {
      option.does?.(draft, "");
      // -sS, -kv: letters together.
      if (rest !== "") words = [...words.slice(0, index + 1), `-${rest}`, ...words.slice(index + 1)];
      continue;
    }
    const value = attached ?? words[++index];
    if (value === undefined) throw new WishProblem(`${name} wants ${option.takes} behind it`);
    option.does?.(draft, value);
  }
  return draft.wish();
}

/** `--name=value` is no curl; `-XPOST` is. */
function splitOption(word: string): { name: string; attached: string | undefined; rest: string } {
  if (word.startsWith("--")) return { name: word, attached: undefined, rest: "" };
  const name = word.slice(0, 2);
  const rest = word.slice(2);
  if (options[name]?.takes !== undefined && rest !== "") return { name, attached: rest, rest: "" };
  return { name, attached: undefined, rest };
}

class Draft {
  readonly #files: CurlFiles;
  #method = "";
  #url: string | undefined;
  readonly #fields: [string, string][] = [];
  readonly #data: Uint8Array[] = [];
  #type = "application/x-www-form-urlencoded";
  #accept = "";
  isHead = false;
  isGet = false;

  constructor(files: CurlFiles) {
    this.#files = files;
  }

  /** `GET`, or the URL. */
  bare(word: string): void {
    if (/^[A-Z]{3,20}$/.test(word) && this.#url === undefined && this.#method === "") this.#method = word;
    else this.url(word);
  }

  url(text: string): void {
    if (this.#url !== undefined) throw new WishProblem(`one URL at a time: ${this.#url} and ${text}`);
    this.#url = text;
  }

  method(text: string): void {
    this.#method = bytesText(text);
  }

  /** `Name: value`; `Name;` is an empty one, `Name:` takes the field away. */
  header(text: string): void {
    if (text.startsWith("@")) throw new WishProblem("-H @FILE is not understood here: write the fields out");
    const colon = text.indexOf(":");
    if (colon > 0) {
      const value = text.slice(colon + 1).replace(/^[ \t]+/, "");
      if (value !== "") this.#fields.push([bytesText(text.slice(0, colon)), bytesText(value)]);
    } else if (text.endsWith(";")) this.#fields.push([bytesText(text.slice(0, -1)), ""]);
    else throw new WishProblem(`${JSON.stringify(text)} is no header: write Name: value`);
  }

  field(name: string, value: string): void {
    this.#fields.push([name, bytesText(value)]);
  }

  cookie(text: string): void {
    if (!text.includes("=")) throw new WishProblem(`-b ${text}: a cookie file is not read; write name=value`);
    this.field("Cookie", text);
  }

  /** `@FILE` where `isFile`; line ends of a file go, as curl has it, unless `isBinary`. */
  data(text: string, isFile: boolean, isBinary: boolean): void {
    if (!isFile || !text.startsWith("@")) {
      this.#data.push(Buffer.from(text, "utf8"));
      return;
    }
    const bytes = this.#files.read(text.slice(1));
    this.#data.push(isBinary ? bytes : bytes.filter((byte) => byte !== 10 && byte !== 13 && byte !== 0));
  }

  /** `content`, `=content`, `name=content`; files as with `@`. */
  urlencoded(text: string): void {
    const at = text.search(/[=@]/);
    const name = at > 0 ? `${text.slice(0, at)}=` : "";
    const rest = at < 0 ? text : text.slice(at + 1);
    const bytes = text[at] === "@" ? this.#files.read(rest) : Buffer.from(rest, "utf8");
    let encoded = "";
    for (const byte of bytes) {
      const letter = String.fromCharCode(byte);
      encoded += /[A-Za-z0-9._~-]/.test(letter)
        ? letter
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    }
    this.#data.push(Buffer.from(name + encoded, "latin1"));
  }

  json(text: string): void {
    this.data(text, true, true);
    this.#type = "application/json";
    this.#accept = "application/json";
  }

  wish(): Wish {
    if (this.#url === undefined) throw new WishProblem("there is no URL");
    const { scheme, authority, target } = readUrl(this.#url);
    const data = joined(this.#data, this.#type === "application/json" ? "" : "&");
    const hasBody = this.#data.length > 0 && !this.isGet;
    const fields = [...this.#fields];
    const has = (wanted: string): boolean => fields.some(([name]) => name.toLowerCase() === wanted);
    if (hasBody && !has("content-type")) fields.push(["Content-Type", this.#type]);
    if (this.#accept !== "" && !has("accept")) fields.push(["Accept", this.#accept]);
    const query =
      this.isGet && data.length > 0 ? `${target.includes("?") ? "&" : "?"}${data.latin1Slice()}` : "";
    const preset = this.isHead ? "HEAD" : hasBody ? "POST" : "GET";
    return {
      method: this.#method === "" ? preset : this.#method,
      scheme,
      authority,
      target: target + query,
      fields,
      body: hasBody ? data : new Uint8Array(0),
    };
  }
}

function joined(parts: readonly Uint8Array[], separator: string): Buffer {
  return Buffer.concat(
    parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from(separator), part])),
  );
}

interface CurlOption {
  /** What stands behind it, in words; undefined = nothing. */
  readonly takes?: string;
  /** Absent: it does not change the request. */
  readonly does?: (draft: Draft, value: string) => void;
  /** Why it is not understood. */
  readonly refused?: string;
}

const multipart: CurlOption = {
  takes: "a part",
  refused:
    "multipart bodies have a boundary that curl draws; write the body to a file and give it with --data-binary @FILE",
};
const method: CurlOption = { takes: "a method", does: (draft, value) => draft.method(value) };
const header: CurlOption = { takes: "a header", does: (draft, value) => draft.header(value) };
const data: CurlOption = { takes: "data", does: (draft, value) => draft.data(value, true, false) };
const cookie: CurlOption = { takes: "a cookie", does: (draft, value) => draft.cookie(value) };
const agent: CurlOption = { takes: "a name", does: (draft, value) => draft.field("User-Agent", value) };
const referer: CurlOption = { takes: "a URL", does: (draft, value) => draft.field("Referer", value) };
const user: CurlOption = {
  takes: "name:password",
  does: (draft, value) =>
    draft.field("Authorization", `Basic ${Buffer.from(value, "utf8").toString("base64")}`),
};
const head: CurlOption = {
  does: (draft) => {
    draft.isHead = true;
  },
};
const get: CurlOption = {
  does: (draft) => {
    draft.isGet = true;
  },
};
const nothing: CurlOption = {};
const ignored: CurlOption = { takes: "a value" };

const options: Readonly<Record<string, CurlOption>> = Object.assign(Object.create(null), {
  "-X": method,
  "--request": method,
  "-H": header,
  "--header": header,
  "-d": data,
  "--data": data,
  "--data-ascii": data,
  "--data-raw": { takes: "data", does: (draft: Draft, value: string) => draft.data(value, false, false) },
  "--data-binary": { takes: "data", does: (draft: Draft, value: string) => draft.data(value, true, true) },
  "--data-urlencode": { takes: "data", does: (draft: Draft, value: string) => draft.urlencoded(value) },
  "--json": { takes: "data", does: (draft: Draft, value: string) => draft.json(value) },
  "--url": { takes: "a URL", does: (draft: Draft, value: string) => draft.url(value) },
  "-F": multipart,
  "--form": multipart,
  "--form-string": multipart,
  "-T": { takes: "a file", refused: "uploads are not understood here; use -X PUT --data-binary @FILE" },
  "-K": { takes: "a file", refused: "files of options are not read" },
  "-b": cookie,
  "--cookie": cookie,
  "-A": agent,
  "--user-agent": agent,
  "-e": referer,
  "--referer": referer,
  "-u": user,
  "--user": user,
  "-I": head,
  "--head": head,
  "-G": get,
  "--get": get,
  "--compressed": { does: (draft: Draft) => draft.field("Accept-Encoding", "deflate, gzip, br, zstd") },
  // How curl talks to people and to the network: the request is the same.
  ...Object.fromEntries(
    [
      "-s -S -v -i -k -L -f -g -4 -6 -N -#",
      "--silent --show-error --verbose --include --insecure --location --fail --globoff --ipv4 --ipv6 --no-buffer",
      "--path-as-is --http1.0 --http1.1 --http2 --http2-prior-knowledge --http3 --tlsv1.2 --tlsv1.3 --no-progress-meter",
      "--progress-bar --ssl-no-revoke",
    ].flatMap((line) => line.split(" ").map((name) => [name, nothing])),
  ),
  ...Object.fromEntries(
    "-o -w -m -x -c --output --write-out --max-time --connect-timeout --proxy --cookie-jar --resolve --connect-to --cacert --retry --ciphers"
      .split(" ")
      .map((name) => [name, ignored]),
  ),
});

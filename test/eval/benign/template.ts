import { readFileSync } from "node:fs";
import path from "node:path";
import type { Draw } from "./draw.ts";

/** A request as its client would send it; Host and framing are added when it is sent. */
export interface BenignRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly Header[];
  readonly body: Uint8Array;
}

export type Header = readonly [name: string, value: string];

/** One kind of request. */
export interface Template {
  readonly name: string;
  readonly make: (draw: Draw) => BenignRequest;
}

/** Paragraphs of `texts/NAME.txt`: pieces between lines of `%%`. */
export function texts(name: string): readonly string[] {
  const text = readFileSync(path.join(import.meta.dirname, "texts", `${name}.txt`), "utf8");
  return text
    .split(/^%%\n/m)
    .map((piece) => piece.replace(/\n+$/, ""))
    .filter((piece) => piece !== "");
}

/** Lines of `texts/NAME.txt`. */
export function lines(name: string): readonly string[] {
  return texts(name).flatMap((piece) => piece.split("\n"));
}

export function get(target: string, headers: readonly Header[] = []): BenignRequest {
  return { method: "GET", target, headers, body: new Uint8Array(0) };
}

export function send(
  method: string,
  target: string,
  type: string,
  body: string | Uint8Array,
  headers: readonly Header[] = [],
): BenignRequest {
  return {
    method,
    target,
    headers: [...headers, ["Content-Type", type]],
    body: typeof body === "string" ? Buffer.from(body) : body,
  };
}

export function json(
  method: string,
  target: string,
  value: unknown,
  headers: readonly Header[] = [],
): BenignRequest {
  return send(method, target, "application/json", JSON.stringify(value), headers);
}

export type Pairs = readonly (readonly [name: string, value: string])[];

/** As browsers encode a form. */
export function form(target: string, fields: Pairs, headers: readonly Header[] = []): BenignRequest {
  return send("POST", target, "application/x-www-form-urlencoded", encodePairs(fields), headers);
}

/** Spaces as `+`, as forms send them. */
export function encodePairs(pairs: Pairs): string {
  return new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])).toString();
}

/** As `encodeURIComponent` encodes it, which is what scripts use: quotes, parentheses, `!` and `*` stay. */
export function query(pairs: Pairs): string {
  return pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
}

/** As curl and browsers' address bars leave it: only what may not stand in a query is escaped. */
export function looseQuery(pairs: Pairs): string {
  const quote = (text: string): string =>
    encodeURI(text).replace(/[#&+"<>]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return pairs.map(([name, value]) => `${quote(name)}=${quote(value)}`).join("&");
}

export interface Part {
  readonly name: string;
  readonly value: string | Uint8Array;
  readonly filename?: string;
  readonly type?: string;
}

/** As Chromium writes a multipart form. */
export function multipart(
  draw: Draw,
  target: string,
  parts: readonly Part[],
  headers: readonly Header[] = [],
): BenignRequest {
  const boundary = `----WebKitFormBoundary${draw.token(16)}`;
  const pieces: Uint8Array[] = [];
  for (const { name, value, filename, type } of parts) {
    const file = filename === undefined ? "" : `; filename="${filename}"`;
    const partType = type === undefined ? "" : `\r\nContent-Type: ${type}`;
    pieces.push(
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}${partType}\r\n\r\n`,
      ),
      typeof value === "string" ? Buffer.from(value.replace(/\r?\n/g, "\r\n")) : value,
      Buffer.from("\r\n"),
    );
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return send("POST", target, `multipart/form-data; boundary=${boundary}`, Buffer.concat(pieces), headers);
}

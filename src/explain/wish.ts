import net from "node:net";
import type { Question } from "./question.ts";

/** A request as people write it down, before its bytes. Texts are latin-1: one character, one byte. */
export interface Wish {
  readonly method: string;
  readonly scheme: "http" | "https";
  /** Host and port; "" = the fields name the host. */
  readonly authority: string;
  /** Path and query, as they are to be sent. */
  readonly target: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/** A wish that is none: `message` is one line for people. */
export class WishProblem extends Error {}

/** Scheme, authority and target of a URL, byte for byte: what a client library would tidy up is what is asked about. */
export function readUrl(text: string): Pick<Wish, "scheme" | "authority" | "target"> {
  if (text.startsWith("/")) return { scheme: "http", authority: "", target: bytesText(text) };
  const [, scheme = "", authority = "", rest = ""] =
    /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/?#]*)([^#]*)/i.exec(text) ?? [];
  const name = scheme.toLowerCase();
  if (name !== "" && name !== "http" && name !== "https")
    throw new WishProblem(`${JSON.stringify(text)}: only http and https are explained`);
  if (authority === "") throw new WishProblem(`${JSON.stringify(text)} names no host`);
  if (authority.includes("@"))
    throw new WishProblem("a URL with a password in it: give it with -u, or an Authorization field");
  return {
    scheme: name === "https" ? "https" : "http",
    authority: bytesText(authority),
    target: bytesText(rest.startsWith("/") ? rest : `/${rest}`),
  };
}

/** UTF-8, one character for each byte. */
export function bytesText(text: string): string {
  return Buffer.from(text, "utf8").latin1Slice();
}

export interface Sender {
  /** The peer's address. */
  readonly from: string;
  /** SNI; undefined = the host of the request. */
  readonly sni: string | undefined;
}

/** The bytes of a wish in HTTP/1.1. Framing is added where the fields have none, and a Host. */
export function questionOf(wish: Wish, { from, sni }: Sender): Question {
  const has = (wanted: RegExp): boolean => wish.fields.some(([name]) => wanted.test(name));
  const fields = wish.fields.map(([name, value]) => `${name}: ${value}\r\n`);
  if (!has(/^host$/i)) fields.unshift(`Host: ${wish.authority === "" ? "localhost" : wish.authority}\r\n`);
  if (wish.body.length > 0 && !has(/^(?:content-length|transfer-encoding)$/i))
    fields.push(`Content-Length: ${wish.body.length}\r\n`);
  const head = `${wish.method} ${wish.target} HTTP/1.1\r\n${fields.join("")}\r\n`;
  const host = wish.authority.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  return {
    bytes: Buffer.concat([Buffer.from(head, "latin1"), wish.body]),
    from,
    secure: wish.scheme === "https",
    // RFC 6066 §3: literal addresses are not SNI.
    serverName: sni ?? (net.isIP(host) === 0 ? host : ""),
  };
}

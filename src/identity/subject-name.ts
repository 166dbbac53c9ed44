import { DerError, DerReader, SEQUENCE } from "./der-reader.ts";

/** A name that a certificate is made out to (subjectAltName, RFC 5280 §4.2.1.6). */
export interface SubjectName {
  readonly kind: "dns" | "uri" | "email";
  /** DNS names in lower case. */
  readonly value: string;
}

/** A name that a client's certificate must have, or the end or beginning of one. */
export interface NamePin extends SubjectName {
  /** dns: any depth below `value`; email: any mailbox at `value`; uri: everything that begins with `value`. */
  readonly open: boolean;
}

const NAMES_MAX = 64;

/**
 * The names in `der` (GeneralNames) that can be compared: DNS names, URIs and mailboxes. Undefined: one of them holds a
 * NUL, another control byte, a space, or a byte outside ASCII, by which two readers could see two names
 * (CVE-2009-2408). Names with a wildcard are left out: they are patterns for servers and name nobody. Throws DerError.
 */
export function readSubjectNames(der: Buffer): readonly SubjectName[] | undefined {
  const list = new DerReader(der).open(SEQUENCE);
  const names: SubjectName[] = [];
  let count = 0;
  while (list.hasMore) {
    const { tag, content } = list.next();
    const kind = kinds.get(tag);
    if (kind === undefined) continue;
    if (++count > NAMES_MAX) throw new DerError(`more than ${NAMES_MAX} names`);
    const text = content.toString("latin1");
    if (!/^[!-~]+$/.test(text)) return undefined;
    if (kind === "dns" && text.includes("*")) continue;
    names.push({ kind, value: kind === "dns" ? text.toLowerCase().replace(/\.$/, "") : text });
  }
  return names;
}

const kinds: ReadonlyMap<number, SubjectName["kind"]> = new Map([
  [0x81, "email"],
  [0x82, "dns"],
  [0x86, "uri"],
]);

/**
 * Whether a certificate with this name is meant. Whole labels only: `example.org` is not the end of `evilexample.org`; and
 * no path that a reader could resolve to another one.
 */
export function fitsPin({ kind, value }: SubjectName, pin: NamePin): boolean {
  if (kind !== pin.kind) return false;
  if (!pin.open) return value === pin.value;
  switch (kind) {
    case "dns":
      return value.endsWith(`.${pin.value}`);
    case "email":
      return value.slice(value.lastIndexOf("@") + 1).toLowerCase() === pin.value;
    case "uri":
      return value.startsWith(pin.value) && !/%|\/\.{1,2}(?:\/|$)/.test(value);
  }
}

/** The pin that an operator wrote; undefined when it is none. */
export function readNamePin(text: string): NamePin | undefined {
  const [, kind, rest] = /^(dns|uri|email):(.+)$/.exec(text) ?? [];
  if (rest === undefined) return undefined;
  if (kind === "dns") {
    const open = rest.startsWith("*.");
    const value = (open ? rest.slice(2) : rest).toLowerCase();
    return hostName.test(value) ? { kind, value, open } : undefined;
  }
  if (kind === "email") {
    const open = rest.startsWith("*@");
    if (!open) return /^[!-)+-?A-~]+@[A-Za-z0-9.-]+$/.test(rest) ? { kind, value: rest, open } : undefined;
    const value = rest.slice(2).toLowerCase();
    return hostName.test(value) ? { kind, value, open } : undefined;
  }
  // The end of a path segment, so that `/team/*` is not `/team-b`.
  const open = rest.endsWith("/*");
  const value = open ? rest.slice(0, -1) : rest;
  // More than the scheme and its slashes, or it would fit everybody.
  return /^[a-z][a-z0-9+.-]*:(?:\/\/[^/*\s]+(?:\/[!-)+-~]*)?|[!-)+-.0-~][!-)+-~]*)$/.test(value)
    ? { kind: "uri", value, open }
    : undefined;
}

const hostName =
  /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** "dns:a.example", as pins and the field for upstreams write it. */
export function printSubjectName({ kind, value }: SubjectName): string {
  return `${kind}:${value}`;
}

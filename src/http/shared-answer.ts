import { FIELD_SLOTS, FORWARD, NAME_END, NAME_START, VALUE_END, VALUE_START } from "./request.ts";
import type { ResponseHead } from "./response-head.ts";

/**
 * What an answer says to caches that many clients share (RFC 9111 §3): `invited` to keep it for a time, `barred`, or `open`
 * where it says nothing of that kind and a cache may still guess.
 */
export function sharingOf(head: ResponseHead): "invited" | "barred" | "open" {
  let sharing: "invited" | "open" = "open";
  for (const line of linesOf(head)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    if (name === "expires") sharing = "invited";
    // RFC 9213: `CDN-Cache-Control` and the like speak to some caches; Surrogate-Control did before.
    if (!/^(?:[\w-]+-)?(?:cache|surrogate)-control$/.test(name)) continue;
    const directives = line.slice(colon + 1).toLowerCase();
    if (name === "cache-control" && /(?:^|[\s,])(?:private|no-store)\s*(?:,|$)/.test(directives))
      return "barred";
    if (/(?:^|[\s,])(?:public|s-maxage|max-age)\b(?!\s*=\s*"?0\b)/.test(directives)) sharing = "invited";
  }
  return sharing;
}

/** The lines that the client gets of the upstream's fields, and those that were added, without CRLF. */
function linesOf({ source, fields, fieldCount, addedLines }: ResponseHead): string[] {
  const lines = addedLines.split("\r\n");
  for (let slot = 0; slot < fieldCount * FIELD_SLOTS; slot += FIELD_SLOTS) {
    if (fields[slot + FORWARD] === 0) continue;
    const name = source.latin1Slice(fields[slot + NAME_START]!, fields[slot + NAME_END]!);
    lines.push(`${name}:${source.latin1Slice(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!)}`);
  }
  return lines;
}

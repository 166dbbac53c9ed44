import { createHash } from "node:crypto";
import { stickyKey } from "../upstream/sticky-ticket.ts";
import { checkSecretFile } from "./audit.ts";
import type { StickyConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import { readNamedBytes, resolvePath, type SectionContext } from "./section.ts";
import type { UpstreamInput } from "./upstream-schema.ts";

type StickyInput = NonNullable<UpstreamInput["sticky"]>;

const sameSites = { lax: "Lax", strict: "Strict", none: "None" } as const;
/** Far more than a key. */
const keyFileBytesMax = 4096;

/** Checks `[upstream.NAME.sticky]`. */
export function readSticky(
  upstream: Path,
  name: string,
  input: StickyInput,
  context: SectionContext,
): StickyConfig {
  const path = [...upstream, "sticky"];
  const cookie = cookieName(name, input);
  const bad = (key: keyof StickyInput, problem: string, fix: string): void =>
    context.findings.add({
      code: "Z1106",
      path: [...path, key],
      message: `${keyLabel([...path, key])}: ${shownValue([...path, key], String(input[key]))} ${problem}`,
      fix,
    });
  if (!/^[\w!#$%&'*+.^`|~-]{1,64}$/.test(cookie))
    bad("cookie", "is no name of a cookie", "write letters, digits, `_` and `-`");
  if (!/^\/[\x21-\x3a\x3c-\x7e]{0,255}$/.test(input.path))
    bad("path", "is no path of a cookie", 'start with "/", without spaces and `;`');
  // RFC 6265bis §4.1.3, §5.6: browsers drop such cookies without a word.
  if (input.same_site === "none" && input.secure !== true)
    bad("same_site", "needs `secure = true`: browsers drop the cookie otherwise", "add `secure = true`");
  if (/^__(?:host|secure)-/i.test(cookie) && input.secure !== true)
    bad("cookie", "needs `secure = true`: browsers drop the cookie otherwise", "add `secure = true`");
  if (/^__host-/i.test(cookie) && input.path !== "/")
    bad("cookie", 'needs `path = "/"`: browsers drop the cookie otherwise', "remove `path`");
  return {
    cookie,
    ttlSecs: input.ttl_secs,
    path: input.path,
    secure: input.secure,
    httpOnly: input.http_only,
    sameSite: sameSites[input.same_site],
    forward: input.forward,
    key: readKey([...path, "key_file"], name, input.key_file, context),
  };
}

/** Clients have one cookie of a name: two upstreams would take it from each other with every request. */
export function checkStickyCookies({ upstream }: DocumentInput, context: SectionContext): void {
  const seen = new Map<string, string>();
  for (const [name, { sticky }] of Object.entries(upstream)) {
    if (sticky === undefined) continue;
    const cookie = cookieName(name, sticky);
    const first = seen.get(cookie);
    if (first === undefined) seen.set(cookie, name);
    else
      context.findings.add({
        code: "Z2118",
        path: ["upstream", name, "sticky", "cookie"],
        message: `the upstreams ${printable(first)} and ${printable(name)} have the same cookie, "${printable(cookie)}"`,
        related: [{ path: ["upstream", first, "sticky", "cookie"], label: "first here" }],
      });
  }
}

function cookieName(upstream: string, { cookie }: StickyInput): string {
  return cookie ?? `zion_sticky_${createHash("sha256").update(upstream).digest("hex").slice(0, 6)}`;
}

/** The root stays here: workers get what this upstream needs. */
function readKey(
  path: Path,
  upstream: string,
  file: string | undefined,
  context: SectionContext,
): string | undefined {
  if (file === undefined) return undefined;
  checkSecretFile(path, resolvePath(file, context), context);
  const root = readNamedBytes(path, file, context, keyFileBytesMax);
  return root === undefined ? undefined : stickyKey(root, upstream).toString("base64url");
}

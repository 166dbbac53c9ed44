import { isIP } from "node:net";
import { isLoopback } from "./address.ts";
import type { Path } from "./finding.ts";
import { keyLabel, shownValue } from "./label.ts";
import type { SectionContext } from "./section.ts";

/**
 * A URL that the gateway itself asks: https, or http to this machine. Undefined, and a finding, when it is none;
 * `danger` says what asking it without TLS would mean.
 */
export function readHttpsUrl(
  path: Path,
  text: string,
  danger: string,
  { findings }: SectionContext,
): string | undefined {
  const url = URL.parse(text);
  const host = url?.hostname.replace(/^\[|\]$/g, "") ?? "";
  const problem =
    url === null || !/^https?:\/\//i.test(text)
      ? "is no URL with https"
      : url.username !== "" || url.password !== "" || url.hash !== ""
        ? "has a user, a password or a fragment"
        : url.protocol === "http:" && !(host === "localhost" || (isIP(host) !== 0 && isLoopback(host)))
          ? danger
          : undefined;
  if (problem === undefined) return url!.href;
  findings.add({
    code: "Z1106",
    path,
    message: `${keyLabel(path)}: ${shownValue(path, text)} ${problem}`,
    fix: "write a URL that begins with https://",
  });
  return undefined;
}

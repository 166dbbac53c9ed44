/** Which pages may open a WebSocket. */
export interface OriginRule {
  /** `origin` in lower case; `host` and `port` are the request's own, port -1 when it named none. */
  allows(origin: string, host: string, port: number): boolean;
}

/**
 * From `websocket_origins`: undefined = pages of the request's own host; `*` = all; entries are
 * `scheme://host[:port]` with `*.` for one or more labels, or `null`.
 */
export function buildOriginRule(origins: readonly string[] | undefined): OriginRule {
  if (origins === undefined) return { allows: isSameHost };
  if (origins.includes("*")) return { allows: () => true };
  const exact = new Set<string>();
  const suffixes: { readonly scheme: string; readonly suffix: string }[] = [];
  for (const origin of origins) {
    const { scheme, authority } = splitOrigin(origin);
    if (authority.startsWith("*.")) suffixes.push({ scheme, suffix: authority.slice(1) });
    else exact.add(`${scheme}${authority}`);
  }
  return {
    allows(origin) {
      const { scheme, authority } = splitOrigin(origin);
      if (exact.has(`${scheme}${authority}`)) return true;
      return suffixes.some(
        (one) =>
          one.scheme === scheme && authority.length > one.suffix.length && authority.endsWith(one.suffix),
      );
    },
  };
}

/** Whether this text can stand in `websocket_origins`. */
export function isOriginPattern(text: string): boolean {
  return text === "*" || text === "null" || PATTERN.test(text);
}

const PATTERN =
  /^https?:\/\/(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?$/i;

/** The scheme is not compared: TLS may end before this gateway. */
function isSameHost(origin: string, host: string, port: number): boolean {
  const { scheme, authority } = splitOrigin(origin);
  const own = port < 0 ? host : `${host}:${port}`;
  return scheme !== "" && authority === splitOrigin(`${scheme}${own}`).authority;
}

/** Lower case, and without the port that is the scheme's own. */
function splitOrigin(origin: string): { readonly scheme: string; readonly authority: string } {
  const text = origin.toLowerCase();
  const end = text.indexOf("://");
  if (end < 0) return { scheme: "", authority: text };
  const scheme = text.slice(0, end + 3);
  const usual = scheme === "https://" ? ":443" : scheme === "http://" ? ":80" : "";
  const authority = text.slice(end + 3);
  const withoutPort =
    usual !== "" && authority.endsWith(usual) ? authority.slice(0, -usual.length) : authority;
  return { scheme, authority: withoutPort };
}

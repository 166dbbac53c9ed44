import { isIP } from "node:net";
import { type Reading, readHostName } from "./address.ts";
import type { EndpointConfig } from "./config.ts";

/** "http://10.0.0.5:8080", "https://app.internal", "unix:/run/app.sock" as a member of weight 1. */
export function readEndpoint(text: string): Reading<EndpointConfig> {
  if (text.startsWith("unix:")) return readSocket(text);
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i.exec(text);
  if (match === null) {
    const bare = /^[A-Za-z0-9.-]+(:[0-9]+)?$|^\[[0-9a-f:.]+\](:[0-9]+)?$/i.test(text);
    return { problem: "expected a URL", suggestion: bare ? goodUrl(`http://${text}`) : undefined };
  }
  const scheme = match[1]!.toLowerCase();
  const authority = match[2]!;
  const rest = match[3]!;
  if (scheme !== "http" && scheme !== "https") return { problem: "the scheme must be http, https or unix" };
  if (authority.includes("@")) {
    const bare = authority.slice(authority.lastIndexOf("@") + 1);
    return { problem: "credentials in a URL would be ignored", suggestion: goodUrl(`${scheme}://${bare}`) };
  }
  if (rest !== "" && rest !== "/")
    return {
      problem: "a member has no path, query or fragment",
      suggestion: goodUrl(`${scheme}://${authority}`),
    };
  return readAuthority(text, scheme, authority);
}

function readAuthority(url: string, scheme: "http" | "https", authority: string): Reading<EndpointConfig> {
  const match = /^(\[[^\]]*\]|[^:]*)(?::([0-9]*))?$/.exec(authority);
  if (match === null) return { problem: "expected a host and a port" };
  const portText = match[2];
  const port = portText === undefined ? (scheme === "https" ? 443 : 80) : Number(portText);
  if (portText !== undefined && (portText === "" || port < 1 || port > 65_535))
    return { problem: "the port must be 1 to 65535" };
  const name = readHostName(match[1]!, false);
  if (!("value" in name))
    return {
      problem: `host: ${name.problem}`,
      suggestion:
        name.suggestion === undefined
          ? undefined
          : goodUrl(`${scheme}://${name.suggestion}${portText === undefined ? "" : `:${port}`}`),
    };
  const host = name.value.replace(/^\[|\]$/g, "");
  // Odd spellings of an address (0x7f.1, 2130706433) are names here and addresses to a resolver.
  // And a name that ends in a number is neither (`h10.0.1.10`).
  if (!URL.canParse(`${scheme}://${name.value}`))
    return { problem: "the host's last label is a number, and it is no address" };
  const canonical = new URL(`${scheme}://${name.value}`).hostname.replace(/^\[|\]$/g, "");
  if (isIP(canonical) === 4 && canonical !== host)
    return {
      problem: "the address is written in an odd form",
      suggestion: goodUrl(`${scheme}://${canonical}:${port}`),
    };
  // A cloud's metadata service hands out credentials to whoever asks from this machine.
  if (metadataHosts.has(canonical)) return { problem: "this is a cloud metadata service" };
  return {
    value: { url, scheme, host: isIP(canonical) === 6 ? canonical : host, port, socketPath: "", weight: 1 },
  };
}

const metadataHosts: ReadonlySet<string> = new Set([
  "169.254.169.254",
  "fd00:ec2::254",
  "metadata.google.internal",
]);

/** Linux limits the path of a socket to 107 bytes. */
const maxSocketPathBytes = 107;

function readSocket(url: string): Reading<EndpointConfig> {
  const path = url.slice("unix:".length);
  if (path.startsWith("//"))
    return { problem: "a socket is written unix:/path", suggestion: `unix:${path.replace(/^\/+/, "/")}` };
  if (!path.startsWith("/"))
    return {
      problem: "the path of a socket is absolute",
      suggestion: path === "" ? undefined : `unix:/${path}`,
    };
  if (Buffer.byteLength(path) > maxSocketPathBytes)
    return { problem: `the path of a socket has at most ${maxSocketPathBytes} bytes` };
  return { value: { url, scheme: "http", host: "", port: 0, socketPath: path, weight: 1 } };
}

function goodUrl(url: string): string | undefined {
  return "value" in readEndpoint(url) ? url : undefined;
}

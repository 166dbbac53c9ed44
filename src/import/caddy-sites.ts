import { readHostName } from "../config/address.ts";
import type { SiteBlock } from "./caddyfile-syntax.ts";

/** One address of a site. */
export interface SiteAddress {
  /** Undefined: any host. */
  readonly host: string | undefined;
  readonly port: number;
  readonly isSecure: boolean;
  /** Why no request can come to it here. */
  readonly problem: string | undefined;
}

/** `https://example.org:8443`, `:80`, `http://example.org`, `*.example.org`. */
export function readSiteAddress(text: string, httpPort: number, httpsPort: number): SiteAddress {
  const match = /^(?:(https?):\/\/)?(\[[^\]]*\]|[^:/]*)(?::(\d{1,5}))?(\/.*)?$/.exec(text);
  const no = (problem: string): SiteAddress => ({ host: undefined, port: 0, isSecure: false, problem });
  if (match === null) return no(`\`${text}\` is no address of a site here`);
  const [, scheme, name = "", portText, path] = match;
  if (path !== undefined && path !== "/" && path !== "/*") return no("an address with a path");
  const port = portText === undefined ? (scheme === "http" ? httpPort : httpsPort) : Number(portText);
  // Without a name there is no certificate to have: a port alone is plain, but for that of https.
  const isSecure =
    scheme === "https" || (scheme === undefined && port !== httpPort && (name !== "" || port === httpsPort));
  const real = name === "" && portText === undefined && scheme === undefined ? httpsPort : port;
  if (name === "" || name === "*" || name === "0.0.0.0")
    return { host: undefined, port: real, isSecure, problem: undefined };
  const reading = readHostName(name, true);
  return "value" in reading
    ? { host: reading.value, port: real, isSecure, problem: undefined }
    : no(`\`${name}\` is no host here`);
}

/** The port of an option such as `http_port`. */
export function globalPort(sites: readonly SiteBlock[], option: string, preset: number): number {
  const globals = sites.find(({ addresses }) => addresses.length === 0);
  const value = Number(globals?.segments.find(({ name }) => name === option)?.args[0]);
  return Number.isInteger(value) && value > 0 && value < 65_536 ? value : preset;
}

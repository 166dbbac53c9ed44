import { readListenAddress } from "../config/address.ts";
import type { Directive } from "./nginx-syntax.ts";

export interface Listen {
  readonly directive: Directive;
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly isDefault: boolean;
  readonly proxyProtocol: boolean;
  readonly quic: boolean;
}

/** `listen [::]:443 ssl http2 default_server`; undefined for sockets and names. */
export function readListen(directive: Directive): Listen | undefined {
  const [address = "", ...options] = directive.args;
  const text = /^\d+$/.test(address)
    ? `0.0.0.0:${address}`
    : address.replace(/^\*:/, "0.0.0.0:").replace(/^localhost(?=:|$)/, "127.0.0.1");
  const withPort = /:\d+$/.test(text) && !/^\[[^\]]*\]$/.test(text) ? text : `${text}:80`;
  const reading = readListenAddress(withPort);
  if (!("value" in reading)) return undefined;
  return {
    directive,
    ...reading.value,
    secure: options.includes("ssl") || options.includes("quic"),
    isDefault: options.includes("default_server") || options.includes("default"),
    proxyProtocol: options.includes("proxy_protocol"),
    quic: options.includes("quic"),
  };
}

/** The one address of all listeners on a port: the narrowest that takes what they took. */
export function commonAddress(listens: readonly Listen[]): string {
  const port = listens[0]!.port;
  const hosts = new Set(listens.map(({ host }) => host));
  const host =
    hosts.size === 1 ? [...hosts][0]! : [...hosts].some((one) => one.includes(":")) ? "::" : "0.0.0.0";
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** 80 or 443 where somebody listens there, else the port that most listen on. */
export function mainPort(listens: readonly Listen[], usual: number): number | undefined {
  const counts = new Map<number, number>();
  for (const { port } of listens) counts.set(port, (counts.get(port) ?? 0) + 1);
  if (counts.has(usual)) return usual;
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

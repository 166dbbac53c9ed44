import type { Socket } from "node:net";
import {
  PROXY_BAD,
  PROXY_HEADER_BYTES_MAX,
  PROXY_MORE,
  type ProxyHeader,
  readProxyHeader,
} from "../identity/proxy-header.ts";
import { reasons } from "../reason.ts";
import type { State } from "../state.ts";
import type { ConnectionOwner } from "./client-connection.ts";
import { FirstBytes, type FirstBytesVerdict } from "./first-bytes.ts";

/**
 * A connection from a peer of `proxy_protocol`, before its PROXY header: read until the header is whole. `onHeader` also
 * gets what followed it. Such a peer must send one; who could leave it out would come in by the proxy's own address.
 */
export function awaitProxyHeader(
  socket: Socket,
  owner: ConnectionOwner,
  state: State,
  onHeader: (header: ProxyHeader, rest: Buffer) => void,
): FirstBytes {
  const judge = (bytes: Buffer): FirstBytesVerdict => {
    const header = readProxyHeader(bytes);
    if (header === PROXY_BAD) return reasons.proxyHeader;
    if (header === PROXY_MORE)
      return bytes.length >= PROXY_HEADER_BYTES_MAX ? reasons.proxyHeader : undefined;
    return () => onHeader(header, bytes.subarray(header.size));
  };
  return new FirstBytes(socket, owner, state, judge, reasons.proxyHeader);
}

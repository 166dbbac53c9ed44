import type { Socket } from "node:net";
import { reasons } from "../reason.ts";
import type { State } from "../state.ts";
import type { ConnectionOwner } from "./client-connection.ts";
import { type ClientHello, readClientHello } from "./client-hello.ts";
import { FirstBytes } from "./first-bytes.ts";

/**
 * A TLS connection whose hello decides who answers it, before OpenSSL sees it. `onHello` gets undefined for what is no
 * hello, and all bytes that were read: they must be unshifted.
 */
export function awaitHello(
  socket: Socket,
  owner: ConnectionOwner,
  state: State,
  onHello: (hello: ClientHello | undefined, bytes: Buffer) => void,
): FirstBytes {
  const judge = (bytes: Buffer): undefined | (() => void) => {
    const hello = readClientHello(bytes);
    if (hello === undefined) return undefined;
    return () => onHello(hello === "other" ? undefined : hello, bytes);
  };
  return new FirstBytes(socket, owner, state, judge, reasons.tlsTimeout);
}

import type { Socket } from "node:net";
import { reasons } from "../reason.ts";
import type { State } from "../state.ts";
import type { ConnectionOwner } from "./client-connection.ts";
import { FirstBytes } from "./first-bytes.ts";

/** What every HTTP/2 client says first (RFC 9113 §3.4). No HTTP/1 method begins like it. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/**
 * A plain connection that has not said yet which protocol it speaks: read until the bytes differ from the preface of
 * HTTP/2 or are all of it. Only where prior knowledge is served. `onKnown` gets what was read: for HTTP/2 it stands in the
 * socket again, for HTTP/1 it is the caller's to give on.
 */
export function awaitPreface(
  socket: Socket,
  owner: ConnectionOwner,
  state: State,
  onKnown: (isHttp2: boolean, bytes: Buffer) => void,
): FirstBytes {
  const judge = (bytes: Buffer): undefined | (() => void) => {
    const size = Math.min(bytes.length, PREFACE.length);
    const fits = bytes.compare(PREFACE, 0, size, 0, size) === 0;
    if (fits && size < PREFACE.length) return undefined;
    return () => {
      if (fits) socket.unshift(bytes);
      onKnown(fits, bytes);
    };
  };
  return new FirstBytes(socket, owner, state, judge, reasons.headTimeout);
}

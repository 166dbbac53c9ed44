import type { Socket } from "node:net";
import { PREFACE } from "../http/http2-frame.ts";
import { reasons } from "../reason.ts";
import type { State } from "../state.ts";
import type { ConnectionOwner } from "./client-connection.ts";
import { FirstBytes } from "./first-bytes.ts";

/**
 * A plain connection that has not said yet which protocol it speaks: read until the bytes differ from the preface of
 * HTTP/2, with which no method of HTTP/1 begins, or are all of it. Only where prior knowledge is served. `onKnown` gets
 * what was read: it is the caller's to give on.
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
    return () => onKnown(fits, bytes);
  };
  return new FirstBytes(socket, owner, state, judge, reasons.headTimeout);
}

import {
  ENABLE_CONNECT_PROTOCOL,
  FRAME_HEAD_BYTES,
  MAX_CONCURRENT_STREAMS,
  MAX_HEADER_LIST_SIZE,
  putFrameHead,
  putUint32,
  type Setting,
  settingsFrame,
  WINDOW_BYTES,
  WINDOW_UPDATE,
} from "../http/http2-frame.ts";
import type { Snapshot } from "../snapshot.ts";

/** Streams of one connection at a time. */
export const STREAMS_MAX = 100;
/** What one stream may send before it waits for us: the protocol's own default (RFC 9113 §6.9.2). */
export const STREAM_WINDOW_BYTES = WINDOW_BYTES;
/** What all streams of a connection may send together: no more than this of bodies waits in memory. */
export const CONNECTION_WINDOW_BYTES = 1_048_576;

/** Of one SETTINGS frame: 32 of them. Each may change the windows of all streams; there are 9 to speak of. */
export const SETTINGS_BYTES_MAX = 6 * 32;

/** Frames of one head. Nobody cuts a head into more than its size asks for. */
export const HEAD_FRAMES_MAX = 32;
/** Heads beyond our own limits are answered; what is beyond this is not read to its end. */
const BLOCK_BYTES_MIN = 65_536;

/** Bytes of one head, as compressed, and as it is when that is undone. */
export function blockBytesMax(snapshot: Snapshot): number {
  return Math.max(BLOCK_BYTES_MIN, 2 * snapshot.head.headBytesMax);
}

/** An extended CONNECT is understood (RFC 8441): there are routes for it. */
export function takesWebSockets(snapshot: Snapshot): boolean {
  return snapshot.config.routes.some(({ mode }) => mode === "websocket");
}

/** What a server says first: its SETTINGS, and the connection's window. */
export function openingFrames(snapshot: Snapshot): Buffer {
  const { headBytesMax, fieldsMax } = snapshot.head;
  const settings: Setting[] = [
    { id: MAX_CONCURRENT_STREAMS, value: STREAMS_MAX },
    { id: MAX_HEADER_LIST_SIZE, value: headBytesMax + FIELD_OVERHEAD_BYTES * fieldsMax },
  ];
  if (takesWebSockets(snapshot)) settings.push({ id: ENABLE_CONNECT_PROTOCOL, value: 1 });
  const update = Buffer.alloc(FRAME_HEAD_BYTES + 4);
  putUint32(update, putFrameHead(update, 0, 4, WINDOW_UPDATE, 0, 0), CONNECTION_WINDOW_BYTES - WINDOW_BYTES);
  return Buffer.concat([settingsFrame(settings), update]);
}

/** What each field counts beside its bytes (RFC 9113 §6.5.2). */
const FIELD_OVERHEAD_BYTES = 32;

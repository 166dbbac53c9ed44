import {
  ENABLE_PUSH,
  FLOW_CONTROL_ERROR,
  FRAME_BYTES_MAX,
  INITIAL_WINDOW_SIZE,
  MAX_FRAME_SIZE,
  NO_ERROR,
  PROTOCOL_ERROR,
  readUint32,
  WINDOW_BYTES_MAX,
} from "../http/http2-frame.ts";
import type { Http2Output, StreamOutput } from "./http2-output.ts";

/**
 * Applies the client's SETTINGS `source[start, end)`, a multiple of 6 bytes; returns an error code. Only its window
 * means something to us: what we send keeps to the defaults of all others. No push, no table, small frames.
 */
export function applySettings(
  source: Buffer,
  start: number,
  end: number,
  output: Http2Output,
  streams: { all(): readonly { readonly output: StreamOutput }[] },
): number {
  // Asked for once: a frame of 32 windows would list and sort 100 streams 32 times.
  let open: readonly { readonly output: StreamOutput }[] | undefined;
  for (let at = start; at < end; at += 6) {
    const id = (source[at]! << 8) | source[at + 1]!;
    const value = readUint32(source, at + 2);
    if (id === ENABLE_PUSH && value > 1) return PROTOCOL_ERROR;
    if (id === MAX_FRAME_SIZE && (value < FRAME_BYTES_MAX || value > LARGEST_FRAME)) return PROTOCOL_ERROR;
    if (id !== INITIAL_WINDOW_SIZE) continue;
    if (value > WINDOW_BYTES_MAX) return FLOW_CONTROL_ERROR;
    // RFC 9113 §6.9.2: also for the streams that are open.
    const change = value - output.streamWindow;
    output.streamWindow = value;
    open ??= streams.all();
    for (const stream of open) if (!output.widenStream(stream.output, change)) return FLOW_CONTROL_ERROR;
  }
  return NO_ERROR;
}

/** RFC 9113 §6.5.2. */
const LARGEST_FRAME = 16_777_215;

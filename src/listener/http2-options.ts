import type { ServerSessionOptions } from "node:http2";
import { COOKIE_CRUMBS_MAX } from "../http/http2-head.ts";
import type { Snapshot } from "../snapshot.ts";

/** Streams of one connection at a time. */
export const STREAMS_MAX = 100;
/** What one stream may send before it waits for us (RFC 9113 §6.9.2). */
export const STREAM_WINDOW_BYTES = 65_535;
/** What all streams of a connection may send together. */
export const CONNECTION_WINDOW_BYTES = 1_048_576;

/**
 * Options of every HTTP/2 session (reliability.md §5.3, measured there against ten floods). Node's defaults leave
 * open what a client can grow: 2^32 streams at a time, 1,000 invalid frames, 1,000 resets at once.
 */
export function http2Options(snapshot: Snapshot): ServerSessionOptions {
  const { headBytesMax, fieldsMax } = snapshot.head;
  return {
    maxSessionMemory: 4,
    maxSettings: 16,
    // Heads beyond our own limits are answered with 431; these stop what is far beyond them.
    maxHeaderListPairs: fieldsMax + PSEUDO_FIELDS + COOKIE_CRUMBS_MAX + SPARE_FIELDS,
    maxOutstandingPings: 4,
    maxSessionInvalidFrames: 20,
    maxSessionRejectedStreams: 20,
    streamResetBurst: 100,
    streamResetRate: 10,
    unknownProtocolTimeout: 5000,
    strictFieldWhitespaceValidation: true,
    // For what we send: an upstream's answer goes on as it came, as over HTTP/1.1.
    strictSingleValueFields: false,
    settings: {
      maxConcurrentStreams: STREAMS_MAX,
      maxHeaderListSize: headBytesMax + FIELD_OVERHEAD_BYTES * fieldsMax,
      initialWindowSize: STREAM_WINDOW_BYTES,
      headerTableSize: 4096,
      enablePush: false,
      enableConnectProtocol: snapshot.config.routes.some(({ mode }) => mode === "websocket"),
    },
  };
}

const PSEUDO_FIELDS = 4;
const SPARE_FIELDS = 8;
/** What each field counts beside its bytes (RFC 9113 §6.5.2). */
const FIELD_OVERHEAD_BYTES = 32;

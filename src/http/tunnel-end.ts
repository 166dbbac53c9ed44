import type { Reason } from "../reason.ts";

/** A connection that carries raw bytes since it switched protocols, as the tunnel writes to it. */
export interface TunnelEnd {
  /** `bytes` are valid during the call only. False: wait for `onDrain`. */
  sendTunnel(bytes: Uint8Array, start: number, end: number): boolean;
  /** Nothing more comes for it: FIN after what is queued. */
  endTunnel(): void;
  /** Reading goes on after `onBytes` returned false. */
  resumeTunnel(): void;
  /** Leaves the tunnel: what is queued goes out, then the connection. Nothing more is told of it. */
  leaveTunnel(): void;
}

/** What a connection tells the tunnel it is an end of. */
export interface TunnelSide {
  /** `bytes` are valid during the call only. False: stop reading until `resumeTunnel`. */
  onBytes(bytes: Buffer, start: number, end: number): boolean;
  /** FIN. */
  onEnd(): void;
  /** What was queued is taken. */
  onDrain(): void;
  /** The connection is gone, or must go, for `reason`. */
  onGone(reason: Reason, detail: string): void;
}

/**
 * Looks at what a client says in a WebSocket, and sends on what may go. All that comes out of it are whole frames. Met
 * by gate/message-screen.ts.
 */
export interface TunnelScreen {
  /** The client's Close frame has gone on. */
  readonly closed: boolean;
  /** It has not done with what it was given: nothing more is to be read from the client until `onScreened`. */
  readonly busy: boolean;
  /** Once, before anything else. */
  start(tunnel: ScreenedTunnel): void;
  /** `bytes` are valid during the call only; `nowMs` coarse. False: stop reading. */
  take(bytes: Buffer, start: number, end: number, nowMs: number): boolean;
  /** The tunnel is over. */
  stop(): void;
}

/** The tunnel, as its screen sees it. */
export interface ScreenedTunnel {
  /** Whole frames for the upstream, valid during the call only. False: it has enough for now. */
  sendScreened(bytes: Buffer, start: number, end: number): boolean;
  /** It is no longer busy. */
  onScreened(): void;
  close(reason: Reason, code: number, detail?: string): void;
}

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
